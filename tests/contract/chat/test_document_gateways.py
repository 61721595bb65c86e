"""The document store when a gateway or a PostgreSQL behind it goes away: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from targets.chat.domain import Answer, Completion, Question, Turn, Usage
from targets.chat.errors import ConversationUnknown, StoreUnavailable
from targets.chat.settings import DocumentSettings
from targets.chat.stores.mongo import MongoStore
from tests.contract.chat.document_gateways import Gateway, engine_missing_because
from tests.contract.chat.local_servers import LocalPostgres, free_port, postgres_missing_because
from tests.contract.chat.tcp_proxy import proxy_to
from tests.contract.chat.waiting import eventually

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))
SLACK_S = 2.0


@asynccontextmanager
async def store_at(*addresses: str, **env: str) -> AsyncIterator[MongoStore]:
    store = MongoStore(DocumentSettings.from_env({"MONGODB_GATEWAYS": ",".join(addresses), **env}))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def chat(store: MongoStore, key: str | None = None) -> Turn:
    turn = await store.begin(Question("Hello?", key=key), datetime.now(UTC), 60)
    assert isinstance(turn, Turn)
    await store.commit(turn, ANSWER, datetime.now(UTC))
    return turn


async def chats(store: MongoStore, times: int) -> list[Turn]:
    return await asyncio.gather(*(chat(store, f"key {n} of {time.monotonic()}") for n in range(times)))


def table(server: LocalPostgres) -> str:
    with psycopg.connect(server.url()) as connection:
        name = "SELECT tablename FROM pg_tables WHERE schemaname = 'chat' AND tablename LIKE 'turns%'"
        row = connection.execute(name).fetchone()
        assert row is not None
        return f'chat."{row[0]}"'


def stored(server: LocalPostgres) -> int:
    """How many turns a PostgreSQL holds."""
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table(server)} WHERE _jsonb ? 'number'").fetchone()
        assert row is not None
        return int(row[0])


def until_commits_wait(server: LocalPostgres, within_s: float = 30.0) -> None:
    """Return when a commit waits for a standby: the checkpointer, which may be busy, tells backends of the setting."""
    deadline, said = time.monotonic() + within_s, list[str]()
    while not any("canceling wait for synchronous replication" in one for one in said):
        assert time.monotonic() < deadline, f"no commit waited within {within_s:g} s"
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
            impatient = threading.Timer(0.3, connection.cancel)
            impatient.start()
            with suppress(psycopg.errors.QueryCanceled):
                connection.execute("CREATE TABLE IF NOT EXISTS waited (at timestamptz)")
            impatient.cancel()
            impatient.join()


@pytest.fixture
def pair() -> Iterator[tuple[LocalPostgres, LocalPostgres]]:
    """A primary and its hot standby."""
    if reason := postgres_missing_because() or engine_missing_because():
        pytest.skip(reason)
    primary = LocalPostgres()
    servers = [primary]
    try:
        primary.start()
        servers.append(LocalPostgres(standby_of=primary))
        servers[1].start()
        yield primary, servers[1]
    finally:
        for server in reversed(servers):
            server.remove()


@pytest.fixture
def gateways(pair: tuple[LocalPostgres, LocalPostgres]) -> Iterator[tuple[Gateway, Gateway]]:
    """Two gateways before both, started at the same time: one of them makes the collection."""
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in pair)
    url = f"postgresql://chat:secret@{hosts}/postgres?target_session_attrs=read-write"
    both = Gateway(url), Gateway(url)
    try:
        for gateway in both:
            gateway.start(wait=False)
        for gateway in both:
            gateway.start()
        yield both
    finally:
        for gateway in both:
            gateway.remove()


async def test_gateways_that_crash_or_restart_cost_no_turn(gateways: tuple[Gateway, Gateway]) -> None:
    first, second = gateways
    async with store_at(first.address, second.address, MONGODB_REPEAT_S="4") as store:
        turn = await eventually(lambda: chat(store, "k"))
        await chats(store, 10)
        await asyncio.to_thread(first.kill)
        started = time.monotonic()
        await chats(store, 10)
        assert time.monotonic() - started < SLACK_S
        again = await store.begin(Question("Hello?", key="k"), datetime.now(UTC), 60)
        assert isinstance(again, Answer)
        assert again.message_id == turn.message_id
        await asyncio.to_thread(first.start)
        going_on = asyncio.create_task(chats(store, 10))
        assert await asyncio.to_thread(second.stop) == 0
        await going_on
        assert len((await store.conversation(turn.conversation_id)).messages) == 2
        with pytest.raises(ConversationUnknown):
            await store.conversation(turn.message_id)


async def test_a_first_gateway_that_is_not_there_or_says_nothing_is_passed_over(
    gateways: tuple[Gateway, Gateway],
) -> None:
    first, second = gateways
    async with store_at(f"127.0.0.1:{free_port()}", second.address) as store:
        await eventually(lambda: chat(store), 5)
    async with store_at(first.address, second.address) as store:
        await eventually(lambda: chat(store))
        await asyncio.to_thread(first.pause)
        try:
            started = time.monotonic()
            await chats(store, 10)
            assert time.monotonic() - started < 1.0 + SLACK_S  # 0.5 s of silence, 0.5 s for a hello
            started = time.monotonic()
            await chats(store, 10)
            assert time.monotonic() - started < SLACK_S
        finally:
            await asyncio.to_thread(first.unpause)


async def test_a_fail_over_of_postgresql_is_followed_and_costs_no_turn(
    pair: tuple[LocalPostgres, LocalPostgres], gateways: tuple[Gateway, Gateway]
) -> None:
    primary, standby = pair
    async with store_at(*(one.address for one in gateways), MONGODB_REPEAT_S="15") as store:
        await eventually(lambda: chat(store))
        await chats(store, 20)
        await asyncio.to_thread(primary.kill)
        going_on = asyncio.create_task(chats(store, 5))
        await asyncio.sleep(1.5)
        assert [one.ask("ready")[0] for one in gateways] == [503, 503]
        assert [one.ask("live")[0] for one in gateways] == [200, 200]
        await asyncio.to_thread(standby.promote)
        promoted = time.monotonic()
        await going_on
        assert time.monotonic() - promoted < 2.0 + SLACK_S
        assert await asyncio.to_thread(stored, standby) == 26


async def test_a_primary_that_falls_silent_is_left_when_there_is_another(
    pair: tuple[LocalPostgres, LocalPostgres],
) -> None:
    primary, standby = pair
    async with proxy_to(primary.port) as proxy:
        url = f"postgresql://chat:secret@127.0.0.1:{proxy.port},127.0.0.1:{standby.port}/postgres"
        gateway = Gateway(url)
        try:
            await asyncio.to_thread(gateway.start)
            async with store_at(gateway.address, MONGODB_REPEAT_S="15") as store:
                await eventually(lambda: chat(store))
                await chats(store, 20)  # connections of the pool lead to the old primary
                proxy.swallowing = True
                await asyncio.to_thread(standby.promote)
                started = time.monotonic()
                await chats(store, 10)
                assert time.monotonic() - started < 4.0 + SLACK_S
                assert await asyncio.to_thread(gateway.metric, "gateway_postgres_cut_total") > 0
        finally:
            gateway.remove()


async def test_a_commit_that_no_standby_confirms_is_not_reported_as_stored(
    pair: tuple[LocalPostgres, LocalPostgres], gateways: tuple[Gateway, Gateway]
) -> None:
    """PostgreSQL ends the wait when a statement takes too long, and calls it a success with a warning."""
    primary, _ = pair
    async with store_at(*(one.address for one in gateways), MONGODB_REPEAT_S="5") as store:
        turn = await eventually(lambda: chat(store))
        await asyncio.to_thread(primary.configure, "synchronous_standby_names", "nobody")
        await asyncio.to_thread(until_commits_wait, primary)
        with pytest.raises(StoreUnavailable):
            await chat(store)
        assert sum(one.metric("gateway_unconfirmed_commits_total") for one in gateways) > 0
        assert [one.ask("ready")[0] for one in gateways] == [503, 503]
        # What hangs has an end, so that there are connections left for those who only read.
        assert len((await store.conversation(turn.conversation_id)).messages) == 2
        await asyncio.to_thread(primary.configure, "synchronous_standby_names", "")
        await eventually(lambda: chat(store))


async def test_gateways_that_start_without_their_database_need_no_restart(postgres: LocalPostgres) -> None:
    if reason := engine_missing_because():
        pytest.skip(reason)
    postgres.stop()
    gateway = Gateway(postgres.url())
    try:
        gateway.start(wait=False)
        async with store_at(gateway.address) as store:
            with pytest.raises(StoreUnavailable):
                await chat(store)
            await asyncio.to_thread(postgres.start)
            await eventually(lambda: chat(store))
            await eventually(store.ping)
    finally:
        gateway.remove()


async def test_reads_use_an_index_and_the_metrics_are_ferretdbs_own(shared_gateway: Gateway) -> None:
    async with store_at(shared_gateway.address) as store:
        await eventually(store.ping)
        turn = await chat(store, f"key {time.monotonic()}")
        for _ in range(10):
            await store.conversation(turn.conversation_id)
    metrics = shared_gateway.ask("metrics")[1]
    assert 'ferretdb_client_responses_total{argument="unknown",command="find"' in metrics
    assert shared_gateway.metric("gateway_ready") == 1
    assert shared_gateway.metric("gateway_postgres_connections") >= 1


async def test_a_document_that_is_found_by_its_field_is_found_by_an_index(
    shared_postgres: LocalPostgres, shared_gateway: Gateway
) -> None:
    async with store_at(shared_gateway.address) as store:
        await eventually(store.ping)
        turn = await chat(store)
        with psycopg.connect(shared_postgres.url("documents"), autocommit=True) as connection:
            name = connection.execute("SELECT relname FROM pg_class WHERE relname ~ '^turns_[0-9a-f]+$'").fetchone()
            assert name is not None
            fill = f'INSERT INTO chat."{name[0]}" SELECT jsonb_build_object($1::text, jsonb_build_array(n::text)) '
            connection.execute(fill.replace("$1", "%s") + "FROM generate_series(1, 20000) AS n", ("of",))
            connection.execute(f'ANALYZE chat."{name[0]}"')
            scans = f"SELECT seq_scan FROM pg_stat_user_tables WHERE relname = '{name[0]}'"
            before = connection.execute(scans).fetchone()
            for _ in range(20):
                await store.conversation(turn.conversation_id)
            await asyncio.sleep(1.5)  # statistics are written once a second
            assert connection.execute(scans).fetchone() == before
            connection.execute(f"DELETE FROM chat.\"{name[0]}\" WHERE NOT _jsonb ? '_id'")


async def test_a_lease_that_ended_is_taken_over_through_another_gateway(gateways: tuple[Gateway, Gateway]) -> None:
    first, second = gateways
    now = datetime.now(UTC)
    async with store_at(first.address) as here, store_at(second.address) as there:
        for store in (here, there):
            await eventually(store.ping)
        question = Question("Hello?", key="k")
        dead = await here.begin(question, now, 60)
        heir = await there.begin(question, now + timedelta(seconds=61), 60)
        assert isinstance(dead, Turn)
        assert isinstance(heir, Turn)
        await there.commit(heir, ANSWER, now)
        again = await here.begin(question, now, 60)
        assert isinstance(again, Answer)
        assert again.message_id == heir.message_id
