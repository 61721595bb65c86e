"""What the migration's command line makes of its settings, and what becomes of turns in a document store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pymongo.errors import DuplicateKeyError

from targets.chat.domain import Answer, Completion, Question, Turn, Usage
from targets.chat.errors import SettingsError, StoreUnavailable
from targets.chat.migrate import main, sink_of, source_of
from targets.chat.settings import DocumentSettings
from targets.chat.stores.documents import Document
from targets.chat.stores.mongo_transfer import MongoTransfer
from targets.chat.stores.sql import SqlStore
from targets.chat.stores.sqlite import SqliteDatabase
from targets.chat.stores.transfer import Diverged, SettledKey, StoredTurn

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))


class Collection:
    """As much of a collection as the store uses; `breaks` are the inserts, by number, that work and say they do not.

    So many finds as `looks_too_early` see nothing of what somebody else is just about to insert.
    """

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.breaks: set[int] = set()
        self.inserts = 0
        self.looks_too_early = 0

    def find(self, query: dict[str, str]) -> Collection:
        found = Collection()
        if self.looks_too_early:
            self.looks_too_early -= 1
            return found
        found.documents = [one for one in self.documents if query["of"] in one.get("of", [])]
        return found

    async def to_list(self) -> list[Document]:
        return list(self.documents)

    async def index_information(self) -> dict[str, object]:
        return {"slot_1": {}}

    async def create_index(self, field: str, *, unique: bool) -> None:
        assert (field, unique) == ("slot", True)

    async def insert_one(self, document: Document) -> None:
        if any(one["_id"] == document["_id"] or one["slot"] == document["slot"] for one in self.documents):
            raise DuplicateKeyError("there already")
        self.documents.append(document)
        self.inserts += 1
        if self.inserts in self.breaks:
            raise StoreUnavailable("nobody knows")


class Door:
    """Stands in for the gateways: carries everything out on one collection."""

    def __init__(self) -> None:
        self.collection = Collection()

    def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def carry_out(self, operation: Callable[[Any], Awaitable[Any]], bound_s: float | None = None) -> Any:
        return await operation({"turns": self.collection})


async def documents(repeat_s: str = "0") -> tuple[MongoTransfer, Collection]:
    door: Any = Door()
    store = MongoTransfer(DocumentSettings.from_env({"MONGODB_REPEAT_S": repeat_s}), door)
    await store.open()
    await asyncio.sleep(0)  # the collection is prepared in a task of its own
    return store, door.collection


def turn(number: int = 0, conversation_id: UUID | None = None, key: str | None = None) -> StoredTurn:
    settled = None if key is None else SettledKey(key, Question("Hello?", key=key, stream=True).fingerprint())
    ids = (conversation_id or uuid4(), number, uuid4(), uuid4())
    return StoredTurn(*ids, "Hello?", NOW, ANSWER, NOW, settled)


async def test_a_turn_in_documents_answers_its_request_again() -> None:
    store, _ = await documents()
    stored = turn(key="k")
    assert await store.put([stored]) == 1
    answer = await store.begin(Question("Hello?", key="k", stream=True), NOW, 60.0)
    ids = (stored.conversation_id, stored.user_message_id, stored.message_id)
    assert answer == Answer(*ids, ANSWER, replayed=True)


async def test_documents_go_on_where_a_copy_was_broken_off() -> None:
    store, collection = await documents()
    one = turn(key="k1")
    two = turn(1, one.conversation_id, key="k2")
    collection.breaks = {3}  # the reservation of the second turn's key
    with pytest.raises(StoreUnavailable):
        await store.put([one, two])
    assert await store.put([one, two]) == 1
    assert await store.put([one, two]) == 0
    ids = [message.id for message in (await store.conversation(one.conversation_id)).messages]
    assert ids == [one.user_message_id, one.message_id, two.user_message_id, two.message_id]


async def test_an_insert_that_worked_and_said_otherwise_is_followed_by_a_fence() -> None:
    store, collection = await documents(repeat_s="5")
    collection.breaks = {2}  # the turn itself
    assert await store.put([turn(key="k")]) == 1
    assert [str(one["_id"]).split()[0] for one in collection.documents][-1] == "fence"


async def test_documents_of_the_other_sides_own_stay() -> None:
    store, collection = await documents()
    mine = turn(key="k")
    await store.put([mine])
    for intruder in (replace(mine, message_id=uuid4()), turn(key="k")):
        before = list(collection.documents)
        with pytest.raises(Diverged):
            await store.put([intruder])
        assert collection.documents == before


async def test_a_turn_that_is_stored_there_while_one_copies_stays() -> None:
    store, collection = await documents()
    theirs = turn()
    await store.put([theirs])
    collection.looks_too_early = 1
    with pytest.raises(Diverged, match="is taken there"):
        await store.put([turn(0, theirs.conversation_id)])
    (kept, _) = (await store.conversation(theirs.conversation_id)).messages
    assert kept.id == theirs.user_message_id


def test_a_document_store_is_no_source() -> None:
    with pytest.raises(SettingsError, match="cannot say what has changed"):
        source_of({"FROM_MONGODB_GATEWAYS": "documents:27017"})
    assert isinstance(sink_of({"TO_MONGODB_GATEWAYS": "documents:27017"}), MongoTransfer)


@pytest.mark.parametrize("env", [{}, {"DATABASE_URL": "postgresql://x/y"}, {"FROM_DATABASE_URL": ""}])
def test_a_side_that_is_not_named_is_asked_for(env: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], env) == 2
    assert "FROM_DATABASE_URL is not set" in capsys.readouterr().err


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--since", "2026-11-25T10:00:00"], {})


def _said(path: Path, *questions: Question) -> list[Turn]:
    async def say() -> list[Turn]:
        store = SqlStore(SqliteDatabase(path))
        await store.open()
        try:
            turns = []
            for question in questions:
                begun = await store.begin(question, datetime.now(UTC), 60.0)
                assert isinstance(begun, Turn)
                await store.commit(begun, ANSWER, datetime.now(UTC))
                turns.append(begun)
            return turns
        finally:
            await store.close()

    return asyncio.run(say())


def test_the_command_copies_in_rounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = {"FROM_CHAT_SQLITE_PATH": str(tmp_path / "from"), "TO_CHAT_SQLITE_PATH": str(tmp_path / "to")}
    _said(tmp_path / "from", Question("one"))
    assert main([], env) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["conversations"], first["turns"], first["new"]) == (1, 1, 1)
    _said(tmp_path / "from", Question("two"))
    assert main(["--since", first["next_since"], "--overlap", "0"], env) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["conversations"], second["new"]) == (1, 1)
    assert second["next_since"] > first["next_since"]


def test_the_command_says_why_it_will_not_overwrite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = {"FROM_CHAT_SQLITE_PATH": str(tmp_path / "from"), "TO_CHAT_SQLITE_PATH": str(tmp_path / "to")}
    (mine,) = _said(tmp_path / "from", Question("one"))
    assert main([], env) == 0
    _said(tmp_path / "to", Question("two", mine.conversation_id))
    capsys.readouterr()
    assert main([], env) == 2
    said = capsys.readouterr()
    assert said.out == "" and "has 2 turns there, and 1 here" in said.err
