"""The parts of a version that runs without Docker: what all of them have in common when nothing can fall."""

from __future__ import annotations

from targets.chat.cache.memory import MemoryCache
from targets.chat.providers.simulated import SimulatedProvider
from targets.chat.service import Parts
from targets.chat.settings import ChatSettings
from targets.chat.stores.sql import SqlStore
from targets.chat.stores.sqlite import SqliteDatabase


def development_parts(settings: ChatSettings) -> Parts:
    """Return a store in a SQLite file, a cache in memory, and a provider that is simulated in this process."""
    return Parts(
        store=SqlStore(SqliteDatabase(settings.sqlite_path)),
        cache=MemoryCache(),
        provider=SimulatedProvider(settings.simulated_token_s),
    )
