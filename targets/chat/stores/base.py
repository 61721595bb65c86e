"""What the chat asks of the place where conversations are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from targets.chat.domain import Answer, Completion, Context, Conversation, Question, Turn


class Store(Protocol):
    """Keeps conversations and Idempotency-Keys. When it is away, everything raises StoreUnavailable.

    `now` is given by the caller (aware, UTC), so that leases can be tested without waiting.
    """

    async def open(self) -> None:
        """Start; return at once, also when the database is away. Its schema is made as soon as it can be."""
        ...

    async def begin(self, question: Question, now: datetime, lease_s: float) -> Turn | Answer:
        """Reserve the question's key and look up its conversation; nothing else is kept yet.

        An Answer comes back when the same request was answered before. Raises ConversationUnknown, KeyReused (the
        key belongs to another body), KeyInProgress (it is reserved for another request, whose lease has not ended).
        """
        ...

    async def context(self, turn: Turn, limit: int) -> Context:
        """Return the last `limit` messages of the turn's conversation, oldest first."""
        ...

    async def commit(self, turn: Turn, completion: Completion, now: datetime) -> int:
        """Keep both messages of the turn, in one transaction; return the position of the second.

        When it returns, they are durable. Raises KeyInProgress when the key is no longer reserved for this turn.
        """
        ...

    async def release(self, turn: Turn) -> None:
        """Give back the key of a turn that will not be stored; nothing happens when it was."""
        ...

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """Return the whole conversation. Raises ConversationUnknown."""
        ...

    async def ping(self) -> None:
        """Return when the database answers and its schema is there; give up within about a second."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
