"""v1, the MVP: one server, one PostgreSQL, one Redis, one AI provider.

uvicorn targets.v1.app:app                 as in compose.yml, from the environment
CHAT_MODE=dev uvicorn targets.v1.app:app   without Docker: a SQLite file, memory, a simulated provider
"""

from __future__ import annotations

from targets.chat.api import Environment, create_app
from targets.chat.cache.redis import RedisCache
from targets.chat.development import development_parts
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.service import Parts
from targets.chat.settings import ChatSettings, OpenAISettings, PostgresSettings, RedisSettings
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql import SqlStore


def compose(env: Environment) -> Parts:
    """Everything there is, and one of each: whatever falls, nothing stands in for it."""
    settings = ChatSettings.from_env(env)
    if settings.mode == "dev":
        return development_parts(settings)
    return Parts(
        store=SqlStore(PostgresDatabase(PostgresSettings.from_env(env))),  # if it falls, everything stops
        cache=RedisCache(RedisSettings.from_env(env)),  # if it falls, context comes from the database
        provider=OpenAIProvider(OpenAISettings.from_env(env)),  # if it is away, so is the API
    )


app = create_app("Chat API v1 (MVP)", compose)
