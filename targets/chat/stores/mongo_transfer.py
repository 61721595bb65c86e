"""A store in documents that a migration can write to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from targets.chat.stores.documents import Document, same, taken_in
from targets.chat.stores.mongo import MongoStore
from targets.chat.stores.transfer import Diverged, StoredTurn, new_among


class MongoTransfer(MongoStore):
    """A MongoStore that is a Sink.

    It is no Source: documents are only ever looked for by what they belong to, and nothing lists the conversations that
    changed; FerretDB 1.24 would read all of them for every question.
    """

    async def put(self, turns: Sequence[StoredTurn]) -> int:
        """Keep the turns of one conversation, document by document: what was broken off is gone on with (see Sink)."""
        if not turns:
            return 0
        there = await self._repeated(lambda _: self._turns(turns[0].conversation_id, 0))
        missing = new_among(turns, [UUID(one["assistant"]["id"]) for one in there])
        for turn in missing:
            await self._repeated(partial(self._take_in, turn))
        return len(missing)

    async def settle(self) -> None:
        """Make durable what was found here: it may be an earlier call's, broken off before its confirmation."""
        await self._repeated(lambda _: self._fence())

    async def _take_in(self, turn: StoredTurn, attempt: int) -> None:
        """Insert what the turn is here, unless an earlier attempt, or an earlier call, has inserted it."""
        for document in taken_in(turn):
            if not await self._insert(document) and not await self._is_there(document):
                raise Diverged(f"The place or key of turn {turn.number} of {turn.conversation_id} is taken there.")
        if attempt > 1:
            await self._fence()

    async def _is_there(self, document: Document) -> bool:
        return any(same(one, document) for one in await self._find(document["of"][0]))
