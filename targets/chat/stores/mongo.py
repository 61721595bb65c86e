"""The store in documents, on what speaks MongoDB's protocol: FerretDB's gateways over PostgreSQL, or MongoDB itself.

FerretDB 1.24 has no transactions over several documents, and its updates are a read and a write with nothing in between
that would keep others out. What it has is inserts, and fields that are unique: see documents.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

from pymongo.errors import DuplicateKeyError, PyMongoError

from targets.chat.domain import Answer, Completion, Context, ContextMessage, Conversation, Question, Turn
from targets.chat.errors import ConversationUnknown, KeyInProgress, KeyReused, StoreUnavailable
from targets.chat.settings import DocumentSettings
from targets.chat.stores.documents import (
    STRETCH,
    Document,
    answer_of,
    history,
    is_turn,
    last_entry,
    messages_of,
    position_after,
    release,
    reservation,
    reserved_by,
    stretch,
    turn_at,
)
from targets.chat.stores.gateways import RETRY_AFTER_S, Database, Gateways
from targets.chat.stores.repeat import repeated

COLLECTION = "turns"
UNIQUE = "slot_1"  # the name of the index on `slot`, as MongoDB would call it
PREPARE_EVERY_S = 0.5  # how often the index is asked for while the store is not up yet
PING_S = 1.0  # how long a readiness probe may take
PAUSE_S = 0.2  # between two attempts: each asks all gateways
Result = TypeVar("Result")
log = logging.getLogger("chat.documents")


class _KnowsNothing(PyMongoError):
    """A gateway that does not know the collection finds nothing in it: that is no answer."""


class MongoStore:
    """A Store in documents. Whatever broke is tried again for `repeat_s`: ids are made before the first attempt.

    That an insert collides with what it wanted to insert itself is how a later attempt learns that an earlier one
    worked. What is visible need not be durable then: see `_fence`.
    """

    def __init__(self, settings: DocumentSettings, gateways: Gateways | None = None) -> None:
        self._gateways = gateways or Gateways(settings)
        self._repeat_s = settings.repeat_s
        self._is_prepared = False
        self._preparing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start, at once; the collection is made as soon as a gateway can be reached."""
        self._gateways.open()
        self._preparing = asyncio.create_task(self._prepare_when_possible())

    async def begin(self, question: Question, now: datetime, lease_s: float) -> Turn | Answer:
        """Reserve the key and look up the conversation (see Store)."""
        owner = uuid4()

        async def begun(_: int) -> int | Answer:
            position = await self._position(question)
            answer = None if question.key is None else await self._reserve(question, question.key, owner, now, lease_s)
            return position if answer is None else answer

        position = await self._repeated(begun)
        if isinstance(position, Answer):
            return position
        return Turn.begun(question, owner, position, now)

    async def context(self, turn: Turn, limit: int) -> Context:
        """Return the last `limit` messages as the turn found them, oldest first."""
        ends = turn.position // 2
        first = max(0, ends - (limit + 1) // 2)
        turns = await self._repeated(lambda _: self._turns(turn.conversation_id, first))
        found = [message for one in turns if one["number"] < ends for message in messages_of(one)]
        return Context(turn.position, tuple(ContextMessage(one.role, one.content) for one in found[-limit:]))

    async def commit(self, turn: Turn, completion: Completion, now: datetime) -> int:
        """Keep both messages, as one document; return the position of the second (see Store)."""
        return await self._repeated(lambda _: self._add(turn, completion, now))

    async def release(self, turn: Turn) -> None:
        """Give back the key of a turn that will not be stored; nothing happens when it was."""
        key = turn.question.key
        if key is not None:
            await self._repeated(lambda _: self._insert(release(key, turn.owner)))

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """Return the whole conversation. Raises ConversationUnknown."""
        turns = await self._repeated(lambda _: self._turns(conversation_id, 0))
        if not turns:
            raise ConversationUnknown(f"There is no conversation {conversation_id}.")
        return Conversation(conversation_id, tuple(message for turn in turns for message in messages_of(turn)))

    async def ping(self) -> None:
        """Return when a gateway answers and, through it, the database; and the collection is there."""
        self._check_prepared()
        await self._gateways.carry_out(lambda database: database.command("ping"), bound_s=PING_S)

    async def close(self) -> None:
        """Let go of connections."""
        if self._preparing is not None:
            self._preparing.cancel()
            with suppress(asyncio.CancelledError):
                await self._preparing
        await self._gateways.close()

    async def _repeated(self, operation: Callable[[int], Awaitable[Result]]) -> Result:
        self._check_prepared()
        return await repeated(operation, self._repeat_s, PAUSE_S)

    def _check_prepared(self) -> None:
        if not self._is_prepared:
            raise StoreUnavailable("The document store could not be reached yet.", retry_after_s=RETRY_AFTER_S)

    async def _prepare_when_possible(self) -> None:
        """Keep trying until the collection is there: the app starts without its store and needs no restart."""
        while not self._is_prepared:
            try:
                await self._gateways.carry_out(lambda database: database[COLLECTION].create_index("slot", unique=True))
                self._is_prepared = True
                log.info("the collection is there")
            except StoreUnavailable as error:
                log.warning("collection not made yet", extra={"reason": repr(error.__cause__)})
                await asyncio.sleep(PREPARE_EVERY_S)

    async def _position(self, question: Question) -> int:
        """How many messages the conversation holds. Raises ConversationUnknown.

        A new one without a key is asked for as well: whether the store is there is worth knowing before paying.
        """
        if question.conversation_id is None:
            if question.key is None:
                await self._gateways.carry_out(lambda database: database.command("ping"))
            return 0
        turns = await self._turns(question.conversation_id, 0)
        if not turns:
            raise ConversationUnknown(f"There is no conversation {question.conversation_id}.")
        return position_after(turns[-1])

    async def _reserve(self, question: Question, key: str, owner: UUID, now: datetime, lease_s: float) -> Answer | None:
        """Reserve the key for `owner`; return the stored answer when there is one already."""
        after: str | None = None
        while not await self._insert(reservation(question, owner, now, lease_s, after)):
            last = await self._last_entry(key)
            if last["_id"] == reserved_by(owner):
                await self._fence()
                return None
            if last.get("hash", question.fingerprint()) != question.fingerprint():
                raise KeyReused("This Idempotency-Key was used with another request body. Use a new key.")
            if is_turn(last):
                await self._fence()
                return answer_of(last)
            if last.get("until", now - timedelta(seconds=1)) >= now:
                raise KeyInProgress("A request with this Idempotency-Key is still in progress.", retry_after_s=1)
            after = str(last["_id"])  # released, or its lease has ended: whoever is the first takes it over
        return None

    async def _last_entry(self, key: str) -> Document:
        entry = last_entry(await self._find(history(key)), key)
        if entry is None:
            raise StoreUnavailable("The document store has lost an Idempotency-Key.", retry_after_s=RETRY_AFTER_S)
        return entry

    async def _add(self, turn: Turn, completion: Completion, now: datetime) -> int:
        """Insert the turn at the first place that is free; find it where an earlier attempt has put it."""
        number = turn.position // 2
        while not await self._insert(turn_at(number, turn, completion, now)):
            if turn.question.key is not None:
                await self._check_reservation(turn, turn.question.key)
            turns = [one for one in await self._turns(turn.conversation_id, number) if one["number"] >= number]
            for one in turns:
                if one["assistant"]["id"] == str(turn.message_id):
                    await self._fence()
                    return position_after(one)
            if not turns:
                raise StoreUnavailable("The document store answered oddly.", retry_after_s=RETRY_AFTER_S)
            number = turns[-1]["number"] + 1
        return 2 * (number + 1)

    async def _check_reservation(self, turn: Turn, key: str) -> None:
        """Raise KeyInProgress when something else than the turn has followed its reservation."""
        for entry in await self._find(history(key)):
            follows = entry["slot"] == f"after {reserved_by(turn.owner)}"
            if follows and not (is_turn(entry) and entry["assistant"]["id"] == str(turn.message_id)):
                raise KeyInProgress("Another request took this Idempotency-Key over.")

    async def _fence(self) -> None:
        """Make durable whatever is visible now, by writing something after it.

        A write becomes visible without a standby's confirmation when the primary crashed, or was told not to wait for
        it, between the two. Whatever comes later in its log is confirmed only together with what came before.
        """
        mark = f"fence {uuid4()}"
        if not await self._insert({"_id": mark, "slot": mark}):
            raise StoreUnavailable("The document store answered oddly.", retry_after_s=RETRY_AFTER_S)

    async def _turns(self, conversation_id: UUID, number: int) -> Sequence[Document]:
        """Return the turns of a conversation in order, those around the `number`-th and all after it."""
        turns: list[Document] = []
        while True:
            found = await self._find(stretch(conversation_id, number))
            turns += sorted(found, key=lambda one: int(one["number"]))
            if len(found) < STRETCH:
                return turns
            number += STRETCH

    async def _find(self, of: str) -> Sequence[Document]:
        async def found(database: Database) -> Sequence[Document]:
            documents = await database[COLLECTION].find({"of": of}).to_list()
            if not documents and UNIQUE not in await database[COLLECTION].index_information():
                raise _KnowsNothing("this gateway does not know the collection")
            return documents

        return await self._gateways.carry_out(found)

    async def _insert(self, document: Document) -> bool:
        """Return False when its `_id` or its `slot` is taken, maybe by itself: this may be carried out twice."""

        async def inserted(database: Database) -> bool:
            try:
                await database[COLLECTION].insert_one(document)
            except DuplicateKeyError:
                return False
            return True

        return await self._gateways.carry_out(inserted)
