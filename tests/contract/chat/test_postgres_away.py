"""A PostgreSQL that is away, crashes, comes back, or is swallowed by the network. Bounds are generous: CI is slow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from targets.chat.domain import Question
from targets.chat.errors import StoreUnavailable
from targets.chat.settings import PostgresSettings
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql import SqlStore
from tests.contract.chat.local_servers import LocalPostgres, free_port
from tests.contract.chat.tcp_proxy import proxy_to
from tests.contract.chat.waiting import eventually

SLACK_S = 2.0


@asynccontextmanager
async def store_at(url: str, **settings: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(PostgresDatabase(PostgresSettings.from_env({"DATABASE_URL": url, **settings})))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def ask(store: SqlStore) -> None:
    await store.begin(Question("Hello?"), datetime.now(UTC), 60)


async def ask_at_once(store: SqlStore, times: int) -> list[BaseException | None]:
    """Needs as many connections as there are questions."""
    return await asyncio.gather(*(ask(store) for _ in range(times)), return_exceptions=True)


async def test_it_starts_without_its_database_and_needs_no_restart() -> None:
    port = free_port()
    async with store_at(f"postgresql://chat@127.0.0.1:{port}/postgres") as store:
        with pytest.raises(StoreUnavailable):
            await ask(store)
        with pytest.raises(StoreUnavailable):
            await store.ping()


async def test_it_makes_its_schema_when_the_database_comes_up(postgres: LocalPostgres) -> None:
    postgres.stop()
    async with store_at(postgres.url()) as store:
        with pytest.raises(StoreUnavailable):
            await ask(store)
        await asyncio.to_thread(postgres.start)
        await eventually(lambda: ask(store))


async def test_after_a_crash_the_first_requests_succeed_as_soon_as_the_database_is_back(
    postgres: LocalPostgres,
) -> None:
    async with store_at(postgres.url()) as store:
        await eventually(lambda: ask(store))
        assert await ask_at_once(store, 10) == [None] * 10  # the pool is full of connections
        await asyncio.to_thread(postgres.kill)
        # Long enough for a pool that doubles its waiting time (1, 2, 4 s) to be deep in a long wait.
        away_until = time.monotonic() + 4.0
        while time.monotonic() < away_until:
            results = await ask_at_once(store, 3)
            assert all(isinstance(result, StoreUnavailable) for result in results)
        await asyncio.to_thread(postgres.start)

        started = time.monotonic()
        await ask(store)
        assert time.monotonic() - started < 1.0 + SLACK_S
        assert await ask_at_once(store, 10) == [None] * 10


async def test_a_restart_that_nobody_saw_costs_no_request(postgres: LocalPostgres) -> None:
    async with store_at(postgres.url()) as store:
        await eventually(lambda: ask(store))
        await ask_at_once(store, 10)
        await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(postgres.start)
        assert await ask_at_once(store, 10) == [None] * 10


async def test_a_black_hole_costs_a_bounded_time_and_is_left_quickly(shared_postgres: LocalPostgres) -> None:
    bounds = {"DATABASE_POOL_WAIT_S": "1", "DATABASE_TRANSACTION_S": "1", "DATABASE_CONNECT_S": "1"}
    async with proxy_to(shared_postgres.port) as proxy:
        url = shared_postgres.url().replace(str(shared_postgres.port), str(proxy.port))
        async with store_at(url, **bounds) as store:
            await eventually(lambda: ask(store))
            await ask_at_once(store, 10)

            proxy.swallowing = True
            for _ in range(3):  # first on open connections, then on none
                started = time.monotonic()
                results = await ask_at_once(store, 12)
                assert all(isinstance(result, StoreUnavailable) for result in results)
                assert time.monotonic() - started < 1.0 + 1.0 + SLACK_S
            started = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await store.ping()
            assert time.monotonic() - started < 2.0 + SLACK_S

            proxy.heal()
            started = time.monotonic()
            await eventually(lambda: ask(store))
            assert time.monotonic() - started < 1.0 + SLACK_S


async def test_a_request_that_is_cancelled_gives_its_connection_back(shared_postgres: LocalPostgres) -> None:
    async with store_at(shared_postgres.url(), DATABASE_POOL_SIZE="1") as store:
        await eventually(lambda: ask(store))
        for _ in range(20):
            asking = asyncio.create_task(ask(store))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await ask(store)
