"""v2, scalable: several servers over one truth in two zones, a cache with a backup, two AI providers, limits on use.

python -m targets.chat.serve targets.v2.app:app   as in compose.yml, from the environment
CHAT_MODE=dev uvicorn targets.v2.app:app          without Docker: a SQLite file, memory, a simulated provider
"""

from __future__ import annotations

from targets.chat.api import Environment, create_app
from targets.chat.cache.redis import RedisCache
from targets.chat.cache.sentinel import SentinelConnection
from targets.chat.development import development_parts
from targets.chat.limits.redis import token_buckets
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.service import Parts
from targets.chat.settings import (
    AnthropicSettings,
    ChatSettings,
    LimitSettings,
    OpenAISettings,
    PostgresSettings,
    ResilienceSettings,
    SentinelSettings,
)
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql import SqlStore


def compose(env: Environment) -> Parts:
    """Two of what v1 has one of: whatever falls, something stands in for it."""
    settings = ChatSettings.from_env(env)
    if settings.mode == "dev":
        return development_parts(settings)
    postgres, sentinel = PostgresSettings.from_env(env), SentinelSettings.from_env(env)
    redis = SentinelConnection(sentinel)  # to whichever node the sentinels call primary
    openai, anthropic = OpenAIProvider(OpenAISettings.from_env(env)), AnthropicProvider(AnthropicSettings.from_env(env))
    return Parts(
        store=SqlStore(PostgresDatabase(postgres), postgres.repeat_s),  # on whichever node is the primary
        cache=RedisCache(sentinel, connection=redis),  # if both nodes fall, context comes from the database
        provider=FailoverProvider([openai, anthropic], ResilienceSettings.from_env(env)),  # the first one that is well
        limiter=token_buckets(LimitSettings.from_env(env), redis),  # without the cache everybody is let in
    )


app = create_app("Chat API v2 (scalable)", compose)
