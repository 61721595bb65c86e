"""An app for `python -m targets.chat.serve`: SQLite, memory, a provider that says a word every tenth of a second."""

from __future__ import annotations

from targets.chat.api import Environment, create_app
from targets.chat.cache.memory import MemoryCache
from targets.chat.providers.simulated import SimulatedProvider
from targets.chat.service import Parts
from targets.chat.settings import ChatSettings
from targets.chat.stores.sql import SqlStore
from targets.chat.stores.sqlite import SqliteDatabase


def compose(env: Environment) -> Parts:
    settings = ChatSettings.from_env(env)
    store = SqlStore(SqliteDatabase(settings.sqlite_path))
    return Parts(store, MemoryCache(), SimulatedProvider(settings.simulated_token_s))


app = create_app("served", compose)
