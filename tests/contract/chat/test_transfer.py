"""What a migration relies on: whatever one store gives out, each other takes in as it was, once, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from targets.chat.domain import Answer, Completion, Question, Turn, Usage
from targets.chat.errors import KeyReused
from targets.chat.migrate import SinkStore, SourceStore, copy
from targets.chat.settings import DocumentSettings, PostgresSettings
from targets.chat.stores.mongo_transfer import MongoTransfer
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql_transfer import SqlTransfer
from targets.chat.stores.sqlite import SqliteDatabase
from targets.chat.stores.transfer import Diverged
from tests.contract.chat.waiting import eventually

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "length", Usage(7, 3))
Sinks = SqlTransfer | MongoTransfer


def _postgres(url: str) -> SqlTransfer:
    return SqlTransfer(PostgresDatabase(PostgresSettings.from_env({"DATABASE_URL": url})))


@pytest.fixture(params=["sqlite", "postgres"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlTransfer]:
    if request.param == "sqlite":
        store = SqlTransfer(SqliteDatabase(tmp_path / "from.sqlite3"))
    else:
        store = _postgres(request.getfixturevalue("empty_postgres_url"))
    await store.open()
    await eventually(store.ping)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgres", pytest.param("documents", marks=pytest.mark.engine)])
async def sink(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sinks]:
    store: Sinks
    if request.param == "sqlite":
        store = SqlTransfer(SqliteDatabase(tmp_path / "to.sqlite3"))
    elif request.param == "postgres":
        store = _postgres(request.getfixturevalue("another_postgres_url"))
    else:
        store = MongoTransfer(DocumentSettings.from_env(request.getfixturevalue("empty_documents")))
    await store.open()
    await eventually(store.ping)
    yield store
    await store.close()


async def say(store: Sinks, question: Question, now: datetime = NOW) -> Turn:
    turn = await store.begin(question, now, 60.0)
    assert isinstance(turn, Turn)
    await store.commit(turn, ANSWER, now + timedelta(seconds=1))
    return turn


async def everything(source: SourceStore, sink: SinkStore, since: datetime | None = None) -> tuple[int, int, int]:
    done = await copy(source, sink, since, now=NOW, overlap_s=30)
    return done.conversations, done.turns, done.new


async def changed(source: SqlTransfer, since: datetime | None) -> list[UUID]:
    return [one async for portion in source.changed_since(since) for one in portion]


async def test_conversations_arrive_as_they_were(source: SqlTransfer, sink: Sinks) -> None:
    first = await say(source, Question("Olá! 🚀 ?", key="k"))
    await say(source, Question("And then?", first.conversation_id), NOW + timedelta(seconds=2))
    other = await say(source, Question("Hello?"))

    assert await everything(source, sink) == (2, 3, 3)
    for conversation_id in (first.conversation_id, other.conversation_id):
        assert await sink.conversation(conversation_id) == await source.conversation(conversation_id)


async def test_a_repeated_request_finds_its_answer_on_the_other_side(source: SqlTransfer, sink: Sinks) -> None:
    question = Question("Hello?", key="k", stream=True)
    turn = await say(source, question)
    await everything(source, sink)

    assert await sink.begin(question, NOW + timedelta(days=1), 60.0) == Answer(
        turn.conversation_id, turn.user_message_id, turn.message_id, ANSWER, replayed=True
    )
    with pytest.raises(KeyReused):
        await sink.begin(replace(question, stream=False), NOW, 60.0)


async def test_the_conversation_goes_on_where_it_was_left(source: SqlTransfer, sink: Sinks) -> None:
    first = await say(source, Question("one", key="k1"))
    await everything(source, sink)
    second = await say(sink, Question("two", first.conversation_id, key="k2"))
    assert second.position == 2
    ids = [message.id for message in (await sink.conversation(first.conversation_id)).messages]
    assert ids == [first.user_message_id, first.message_id, second.user_message_id, second.message_id]


async def test_later_rounds_copy_what_is_new_and_nothing_twice(source: SqlTransfer, sink: Sinks) -> None:
    first = await say(source, Question("one", key="k1"))
    await say(source, Question("left alone"))
    assert await everything(source, sink) == (2, 2, 2)
    later = NOW + timedelta(minutes=10)
    await say(source, Question("two", first.conversation_id, key="k2"), later)
    assert await everything(source, sink, later) == (1, 2, 1)
    assert await everything(source, sink) == (2, 3, 0)
    assert await sink.conversation(first.conversation_id) == await source.conversation(first.conversation_id)


async def test_a_turn_dated_before_a_round_and_stored_after_it_is_in_the_next_one(
    source: SqlTransfer, sink: Sinks
) -> None:
    late = await source.begin(Question("slow"), NOW - timedelta(seconds=5), 60.0)
    assert isinstance(late, Turn)
    assert await everything(source, sink) == (0, 0, 0)
    await source.commit(late, ANSWER, NOW - timedelta(seconds=1))
    assert await everything(source, sink, NOW) == (1, 1, 1)


async def test_a_turn_that_was_only_begun_is_not_copied_and_holds_no_key(source: SqlTransfer, sink: Sinks) -> None:
    await source.begin(Question("Hello?", key="k"), NOW, 60.0)
    assert await everything(source, sink) == (0, 0, 0)
    assert isinstance(await sink.begin(Question("Hello?", key="k"), NOW, 60.0), Turn)


async def test_traffic_of_the_other_sides_own_is_not_overwritten(source: SqlTransfer, sink: Sinks) -> None:
    first = await say(source, Question("one"))
    turns = await source.turns(first.conversation_id)
    await sink.put(turns)
    await say(sink, Question("said there", first.conversation_id))
    await say(source, Question("said here", first.conversation_id))
    before = await sink.conversation(first.conversation_id)
    with pytest.raises(Diverged):
        await sink.put(await source.turns(first.conversation_id))
    with pytest.raises(Diverged):
        await sink.put(turns)
    assert await sink.conversation(first.conversation_id) == before


async def test_a_key_that_is_used_there_is_not_taken(source: SqlTransfer, sink: Sinks) -> None:
    theirs = await say(sink, Question("Hello?", key="k"))
    mine = await say(source, Question("Hello?", key="k"))
    with pytest.raises(Diverged):
        await sink.put(await source.turns(mine.conversation_id))
    answer = await sink.begin(Question("Hello?", key="k"), NOW, 60.0)
    assert isinstance(answer, Answer) and answer.message_id == theirs.message_id


async def test_nothing_acknowledged_under_load_is_lost(source: SqlTransfer, sink: Sinks) -> None:
    """Users write while everything is copied; they stop; one more round."""
    acknowledged: dict[UUID, list[UUID]] = {}
    copied_once = asyncio.Event()

    async def user(number: int) -> None:
        conversation_id = None
        for n in range(1000):
            turn = await say(source, Question(f"{n}", conversation_id, key=f"{number}/{n}"), datetime.now(UTC))
            conversation_id = turn.conversation_id
            acknowledged.setdefault(conversation_id, []).extend((turn.user_message_id, turn.message_id))
            if copied_once.is_set():
                return

    async def operator() -> str:
        done = await copy(source, sink, None, now=datetime.now(UTC), overlap_s=30)
        while not done.turns:  # nobody had said anything yet
            done = await copy(source, sink, None, now=datetime.now(UTC), overlap_s=30)
        copied_once.set()
        return done.next_since

    results = await asyncio.gather(operator(), *(user(number) for number in range(4)))
    last = await copy(source, sink, datetime.fromisoformat(str(results[0])), now=datetime.now(UTC), overlap_s=30)
    assert last.new > 0  # else nothing was written meanwhile, and the test shows nothing
    assert (await copy(source, sink, None, now=datetime.now(UTC), overlap_s=30)).new == 0
    for conversation_id, ids in acknowledged.items():
        assert [message.id for message in (await sink.conversation(conversation_id)).messages] == ids


async def test_nothing_is_nothing(sink: Sinks) -> None:
    assert await sink.put([]) == 0
    await sink.settle()


async def test_all_portions_are_listed_once(source: SqlTransfer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("targets.chat.stores.sql_transfer.PORTION", 3)
    stored: Sequence[Turn] = [await say(source, Question(f"{n}"), NOW + timedelta(minutes=n)) for n in range(7)]
    assert sorted(await changed(source, None)) == sorted(turn.conversation_id for turn in stored)
    recent = await changed(source, NOW + timedelta(minutes=1, seconds=1))  # the second one's end, which counts
    assert sorted(recent) == sorted(turn.conversation_id for turn in stored[1:])
    assert await source.turns(uuid4()) == []
