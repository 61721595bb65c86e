"""What a migration asks of the stores: give out stored turns, and take in those of another store, ids and all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from targets.chat.domain import Completion


class Diverged(Exception):
    """The receiving store holds something else in the place of what it is given: it had traffic of its own."""


@dataclass(frozen=True)
class SettledKey:
    """The Idempotency-Key of a stored turn, and the fingerprint of the request that it belongs to."""

    key: str
    request_hash: str


@dataclass(frozen=True)
class StoredTurn:
    """A turn as any store keeps it, the `number`-th of its conversation, counted from 0."""

    conversation_id: UUID
    number: int
    user_message_id: UUID
    message_id: UUID
    message: str
    began_at: datetime
    completion: Completion
    ended_at: datetime
    key: SettledKey | None = None


class Source(Protocol):
    """A store that is migrated away from. It goes on serving: everything it cannot do now is StoreUnavailable."""

    def changed_since(self, moment: datetime | None) -> AsyncIterator[Sequence[UUID]]:
        """Return, in portions, the conversations with a turn that ended at `moment` or later; None: all of them.

        What is stored meanwhile may or may not be among them.
        """
        ...

    async def turns(self, conversation_id: UUID) -> list[StoredTurn]:
        """Return a conversation's turns in order, as they stand at one moment."""
        ...


class Sink(Protocol):
    """A store that is migrated to."""

    async def put(self, turns: Sequence[StoredTurn]) -> int:
        """Keep the turns of one conversation (all of them, in order) durably; return how many were new.

        May be called again with the same turns and more. Raises Diverged when another turn, or another answer to one
        of the keys, is there already, and StoreUnavailable.
        """
        ...

    async def settle(self) -> None:
        """Return when what `put` found there already is durable as well."""
        ...


def new_among(turns: Sequence[StoredTurn], there: Sequence[UUID]) -> Sequence[StoredTurn]:
    """Return the turns that come after those that are `there` (the ids of the answers, in order). Raises Diverged."""
    for turn, message_id in zip(turns, there, strict=False):
        if turn.message_id != message_id:
            raise Diverged(f"Turn {turn.number} of conversation {turn.conversation_id} is another one there.")
    if len(there) > len(turns):
        conversation_id = turns[0].conversation_id if turns else "nobody knows which"
        raise Diverged(f"Conversation {conversation_id} has {len(there)} turns there, and {len(turns)} here.")
    return turns[len(there) :]
