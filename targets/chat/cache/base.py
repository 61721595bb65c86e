"""What the chat asks of a cache: to remember recent context. It may forget at any time; the store is the truth."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from targets.chat.domain import Context


class ContextCache(Protocol):
    """Remembers the recent messages of conversations. Every failure leaves as CacheUnavailable."""

    async def get(self, conversation_id: UUID) -> Context | None:
        """Return what is remembered, None when nothing is. It may be older than the store: compare positions."""
        ...

    async def put(self, conversation_id: UUID, context: Context) -> None:
        """Remember the context of a conversation."""
        ...

    async def ping(self) -> None:
        """Return when the cache answers."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
