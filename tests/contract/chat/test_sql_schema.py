"""What only the stores in SQL have: transactions, and a schema that is brought up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from targets.chat.domain import Completion, Question, Turn, Usage
from targets.chat.errors import KeyInProgress
from targets.chat.stores.database import Database, migrations
from targets.chat.stores.sql import SqlStore
from tests.contract.chat.waiting import eventually

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))


async def test_a_transaction_that_fails_half_way_leaves_nothing(database: Database) -> None:
    store = SqlStore(database)
    turn = await store.begin(Question("Hello?", key="k"), NOW, 60)
    assert isinstance(turn, Turn)
    await store.release(turn)  # so that the last statement of commit() finds no reservation
    with pytest.raises(KeyInProgress):
        await store.commit(turn, ANSWER, NOW)
    async with database.session() as session:
        for table in ("conversations", "messages", "idempotency_keys"):
            assert (await session.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] == 0


async def test_migrations_run_once_whoever_starts_first(make_database: Callable[[], Database]) -> None:
    servers = [make_database() for _ in range(3)]
    try:
        await asyncio.gather(*(server.open() for server in servers))
        for server in servers:
            await eventually(server.ping)
        async with servers[0].session() as session:
            applied = await session.rows("SELECT name FROM schema_migrations ORDER BY name")
        assert [row["name"] for row in applied] == [name for name, _ in migrations()]
    finally:
        for server in servers:
            await server.close()
