"""v3, enterprise: what is sick is replaced, documents over three zones, three AI providers by health, alerts.

python -m targets.chat.serve targets.v3.app:app   as in compose.yml, from the environment
CHAT_MODE=dev uvicorn targets.v3.app:app          without Docker: a SQLite file, memory, a simulated provider
"""

from __future__ import annotations

from targets.chat.api import Environment, create_app
from targets.chat.cache.redis import RedisCache
from targets.chat.cache.sentinel import SentinelConnection
from targets.chat.development import development_parts
from targets.chat.limits.redis import token_buckets
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.gemini import GeminiProvider
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.service import Parts
from targets.chat.settings import (
    AnthropicSettings,
    ChatSettings,
    DocumentSettings,
    GeminiSettings,
    LimitSettings,
    OpenAISettings,
    ResilienceSettings,
    SentinelSettings,
)
from targets.chat.stores.mongo import MongoStore


def compose(env: Environment) -> Parts:
    """Three of what must not fall, and each of them is replaced by itself."""
    settings = ChatSettings.from_env(env)
    if settings.mode == "dev":
        return development_parts(settings)
    sentinel = SentinelSettings.from_env(env)
    redis = SentinelConnection(sentinel)  # to whichever node the sentinels call primary
    providers = [
        OpenAIProvider(OpenAISettings.from_env(env)),
        AnthropicProvider(AnthropicSettings.from_env(env)),
        GeminiProvider(GeminiSettings.from_env(env)),
    ]
    return Parts(
        store=MongoStore(DocumentSettings.from_env(env)),  # through whichever gateway answers
        cache=RedisCache(sentinel, connection=redis),  # if both nodes fall, context comes from the store
        provider=FailoverProvider(providers, ResilienceSettings.from_env(env)),  # the healthiest first
        limiter=token_buckets(LimitSettings.from_env(env), redis),  # without the cache everybody is let in
    )


app = create_app("Chat API v3 (enterprise)", compose)
