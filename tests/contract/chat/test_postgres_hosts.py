"""PostgreSQL on two hosts: whichever can serve is used, a fail-over is followed, no COMMIT is guessed at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest

from targets.chat.domain import Answer, Completion, Question, Turn, Usage
from targets.chat.errors import StoreUnavailable
from targets.chat.settings import PostgresSettings
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql import SqlStore
from tests.contract.chat.local_servers import LocalPostgres, free_port, postgres_missing_because
from tests.contract.chat.tcp_proxy import TcpProxy, proxy_to
from tests.contract.chat.waiting import eventually

ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))
BOUNDS = {"DATABASE_CONNECT_S": "1", "DATABASE_POOL_WAIT_S": "1", "DATABASE_TRANSACTION_S": "1"}
SLACK_S = 2.0


@asynccontextmanager
async def store_at(*hosts: str, **env: str) -> AsyncIterator[SqlStore]:
    url = f"postgresql://chat:secret@{','.join(hosts)}/postgres?target_session_attrs=read-write"
    settings = PostgresSettings.from_env({"DATABASE_URL": url, **BOUNDS, **env})
    store = SqlStore(PostgresDatabase(settings), settings.repeat_s)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def silent_host() -> AsyncIterator[str]:
    """Accepts connections and says nothing."""
    async with proxy_to(free_port()) as proxy:

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        proxy.serve = hang  # type: ignore[method-assign]
        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        try:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


def at(server: LocalPostgres | TcpProxy) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.fixture
def pair() -> Iterator[tuple[LocalPostgres, LocalPostgres]]:
    """A primary and its hot standby; the test may do with them what it wants."""
    if reason := postgres_missing_because():
        pytest.skip(reason)
    primary = LocalPostgres()
    servers = [primary]
    try:
        primary.start()
        standby = LocalPostgres(standby_of=primary)
        servers.append(standby)
        standby.start()
        yield primary, standby
    finally:
        for server in reversed(servers):
            server.remove()


async def ask(store: SqlStore, key: str | None = None) -> Turn | Answer:
    return await store.begin(Question("Hello?", key=key), datetime.now(UTC), 60)


async def chat(store: SqlStore, key: str | None = None) -> Turn:
    turn = await ask(store, key)
    assert isinstance(turn, Turn)
    await store.commit(turn, ANSWER, datetime.now(UTC))
    return turn


def count(server: LocalPostgres, table: str = "messages") -> int:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.parametrize("first", ["refused", "silent", "unknown"])
async def test_a_dead_first_host_does_not_stop_the_second(shared_postgres: LocalPostgres, first: str) -> None:
    async with silent_host() as silent:
        hosts = {"refused": f"127.0.0.1:{free_port()}", "silent": silent, "unknown": "no-such-name.invalid:5432"}
        async with store_at(hosts[first], at(shared_postgres)) as store:
            await eventually(lambda: ask(store), 5)
            started = time.monotonic()
            # A full pool: nine connections are made one after another, and none of them waits for the dead host again.
            assert not any(isinstance(one, Exception) for one in await asyncio.gather(*(ask(store) for _ in range(10))))
            assert time.monotonic() - started < 1.0 + SLACK_S


async def test_a_fail_over_to_the_standby_is_followed_and_costs_no_request(
    pair: tuple[LocalPostgres, LocalPostgres],
) -> None:
    primary, standby = pair
    async with store_at(at(primary), at(standby), DATABASE_REPEAT_S="15") as store:
        turn = await eventually(lambda: chat(store))
        await asyncio.gather(*(ask(store) for _ in range(10)))  # the pool is full of connections to the old primary
        await asyncio.to_thread(primary.kill)
        going_on = [asyncio.create_task(chat(store)) for _ in range(5)]
        await asyncio.sleep(0.5)
        await asyncio.to_thread(standby.promote)
        promoted = time.monotonic()
        await asyncio.gather(*going_on)
        assert time.monotonic() - promoted < 2.0 + SLACK_S
        assert len((await store.conversation(turn.conversation_id)).messages) == 2
        assert await asyncio.to_thread(count, standby) == 12


async def test_a_primary_that_falls_silent_is_left_by_all_connections_at_once(
    pair: tuple[LocalPostgres, LocalPostgres],
) -> None:
    primary, standby = pair
    async with (
        proxy_to(primary.port) as proxy,
        store_at(at(proxy), at(standby), DATABASE_REPEAT_S="10") as store,
    ):
        await eventually(lambda: chat(store))
        await asyncio.gather(*(ask(store) for _ in range(10)))
        proxy.swallowing = True
        await asyncio.to_thread(standby.promote)
        started = time.monotonic()
        await ask(store)
        assert time.monotonic() - started < 1.0 + 1.0 + SLACK_S
        started = time.monotonic()
        for _ in range(10):  # one after another they would meet nine more silent connections, a second each
            await ask(store)
        assert time.monotonic() - started < SLACK_S


async def test_a_server_that_has_become_read_only_is_left_at_once(
    postgres: LocalPostgres, shared_postgres: LocalPostgres
) -> None:
    async with store_at(at(shared_postgres)) as store:
        await eventually(store.ping)  # its schema is there, as a standby's would be
    async with store_at(at(postgres), at(shared_postgres), DATABASE_REPEAT_S="5") as store:
        await eventually(lambda: chat(store))
        await asyncio.gather(*(ask(store) for _ in range(10)))
        before = count(postgres)
        await asyncio.to_thread(postgres.configure, "default_transaction_read_only", "on")
        started = time.monotonic()
        await chat(store)
        assert time.monotonic() - started < SLACK_S
        assert count(postgres) == before


async def test_a_commit_whose_outcome_is_lost_is_found_again_and_not_stored_twice(postgres: LocalPostgres) -> None:
    async with proxy_to(postgres.port) as proxy, store_at(at(proxy), DATABASE_REPEAT_S="10") as store:
        turn = await eventually(lambda: ask(store, "k"))
        assert isinstance(turn, Turn)
        proxy.last_words = b"COMMIT"
        storing = asyncio.create_task(store.commit(turn, ANSWER, datetime.now(UTC)))

        async def arrived() -> None:
            assert await asyncio.to_thread(count, postgres) == 2

        await eventually(arrived)
        assert not storing.done()
        proxy.heal()
        assert await storing == 2
        assert (await store.conversation(turn.conversation_id)).messages[1].id == turn.message_id
        assert await asyncio.to_thread(count, postgres) == 2
        assert isinstance(await ask(store, "k"), Answer)


async def test_a_commit_that_no_standby_confirms_is_not_reported_as_stored(postgres: LocalPostgres) -> None:
    """It hangs on the standby; when somebody ends its waiting, PostgreSQL calls it a success with a warning."""
    async with store_at(at(postgres), DATABASE_TRANSACTION_S="3") as store:
        turn = await eventually(lambda: ask(store, "k"))
        assert isinstance(turn, Turn)
        await asyncio.to_thread(postgres.configure, "synchronous_standby_names", "nobody")
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.commit(turn, ANSWER, datetime.now(UTC))
        assert 2.0 < time.monotonic() - started < 3.0 + SLACK_S
        # The server still waits, and holds the key's row: ending that wait makes the turn durable where it is.
        again = await another_turn(store)
        storing = asyncio.create_task(store.commit(again, ANSWER, datetime.now(UTC)))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(
            postgres.execute, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        )
        with pytest.raises(StoreUnavailable) as caught:
            await storing
        assert "warning" in str(caught.value.__cause__)
        await asyncio.to_thread(postgres.configure, "synchronous_standby_names", "")
        retried = await ask(store, "k")  # the first one was stored in the end: a retry gets it, and stores no other
        assert isinstance(retried, Answer)
        assert retried.message_id == turn.message_id


async def another_turn(store: SqlStore) -> Turn:
    turn = await ask(store)
    assert isinstance(turn, Turn)
    return turn
