"""Recent context in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from uuid import UUID

from targets.chat.cache.connection import Connection, RedisConnection
from targets.chat.domain import Context, ContextMessage
from targets.chat.settings import RedisSettings


class RedisCache:
    """A ContextCache in Redis, reached over `connection` (default: the Redis of the settings' URL)."""

    def __init__(
        self,
        settings: RedisSettings,
        clock: Callable[[], float] = time.monotonic,
        connection: Connection | None = None,
    ) -> None:
        self._settings = settings
        self._connection = connection or RedisConnection(settings, clock)

    async def get(self, conversation_id: UUID) -> Context | None:
        """Return what is remembered. Raises CacheUnavailable."""
        value = await self._connection.run(lambda redis: redis.get(_key(conversation_id)))
        return None if value is None else _decode(str(value))

    async def put(self, conversation_id: UUID, context: Context) -> None:
        """Remember for `ttl_s`. Raises CacheUnavailable."""
        await self._connection.run(
            lambda redis: redis.set(_key(conversation_id), _encode(context), ex=self._settings.ttl_s),
        )

    async def ping(self) -> None:
        """Ask for a sign of life, also while Redis is left alone. Raises CacheUnavailable."""
        await self._connection.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()


def _key(conversation_id: UUID) -> str:
    return f"chat:context:{conversation_id}"


def _encode(context: Context) -> str:
    return json.dumps({"position": context.position, "messages": [[m.role, m.content] for m in context.messages]})


def _decode(value: str) -> Context | None:
    """A value that another version of the code wrote, or nobody, is a miss."""
    try:
        data = json.loads(value)
        messages = tuple(ContextMessage(role, content) for role, content in data["messages"])
        return Context(int(data["position"]), messages)
    except (ValueError, KeyError, TypeError):
        return None
