"""Recent context in Redis."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from targets.chat.domain import Context, ContextMessage
from targets.chat.errors import CacheUnavailable
from targets.chat.settings import RedisSettings

Result = TypeVar("Result")


class RedisCache:
    """A ContextCache in Redis.

    redis-py's own defaults let one GET on a black hole take the better part of a minute. Here each operation has one
    attempt and `timeout_s` for all of it, connecting included; after a failure Redis is left alone for `rest_s`.
    `clock` gives monotonic seconds.
    """

    def __init__(self, settings: RedisSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._rests_until = float("-inf")
        self._redis = Redis.from_url(
            settings.url.get_secret_value(),
            socket_timeout=settings.timeout_s,
            socket_connect_timeout=settings.timeout_s,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )

    async def get(self, conversation_id: UUID) -> Context | None:
        """Return what is remembered. Raises CacheUnavailable."""
        value = await self._bounded(lambda: self._redis.get(_key(conversation_id)))
        return None if value is None else _decode(str(value))

    async def put(self, conversation_id: UUID, context: Context) -> None:
        """Remember for `ttl_s`. Raises CacheUnavailable."""
        await self._bounded(
            lambda: self._redis.set(_key(conversation_id), _encode(context), ex=self._settings.ttl_s),
        )

    async def ping(self) -> None:
        """Ask for a sign of life, also while Redis is left alone. Raises CacheUnavailable."""
        await self._attempt(self._redis.ping)
        self._rests_until = float("-inf")

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _bounded(self, command: Callable[[], Awaitable[Result]]) -> Result:
        if self._clock() < self._rests_until:
            raise CacheUnavailable("left alone after a failure")
        return await self._attempt(command)

    async def _attempt(self, command: Callable[[], Awaitable[Result]]) -> Result:
        try:
            # The socket time-outs hold for each step of connecting (TCP, HELLO, SELECT, ...); this holds for all.
            async with asyncio.timeout(self._settings.timeout_s):
                return await command()
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = self._clock() + self._settings.rest_s
            raise CacheUnavailable(type(error).__name__) from error


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
