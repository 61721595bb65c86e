"""A cache inside the process: for development, where there is one process, and for tests."""

from __future__ import annotations

from collections import OrderedDict
from uuid import UUID

from targets.chat.domain import Context


class MemoryCache:
    """Remembers the context of the `capacity` conversations that were used last."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._contexts: OrderedDict[UUID, Context] = OrderedDict()

    async def get(self, conversation_id: UUID) -> Context | None:
        """Return what is remembered."""
        context = self._contexts.get(conversation_id)
        if context is not None:
            self._contexts.move_to_end(conversation_id)
        return context

    async def put(self, conversation_id: UUID, context: Context) -> None:
        """Remember, and forget the conversation that was not used for longest when there are too many."""
        self._contexts[conversation_id] = context
        self._contexts.move_to_end(conversation_id)
        if len(self._contexts) > self._capacity:
            self._contexts.popitem(last=False)

    async def ping(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """Forget everything."""
        self._contexts.clear()
