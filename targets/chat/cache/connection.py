"""Commands to a Redis that may be away: bounded, once, and not at all for a while after a failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from targets.chat.errors import CacheUnavailable
from targets.chat.settings import RedisSettings

Result = TypeVar("Result")


class Connection(Protocol):
    """What may be asked of a Redis, wherever it is. Every failure leaves as CacheUnavailable."""

    async def run(self, command: Callable[[Redis], Awaitable[Result]]) -> Result:
        """Return what `command` does with a client; it is called once at most."""
        ...

    async def ping(self) -> None:
        """Return when Redis answers; ask also while it is left alone."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class RedisConnection:
    """A Connection to the Redis of one URL.

    redis-py's own defaults let one GET on a black hole take the better part of a minute. Here each command has one
    attempt and `timeout_s` for all of it, connecting included; after a failure Redis is left alone for `rest_s`.
    `clock` gives monotonic seconds.
    """

    def __init__(self, settings: RedisSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._rests_until = float("-inf")
        self._redis: Redis | None = client(settings)

    async def run(self, command: Callable[[Redis], Awaitable[Result]]) -> Result:
        """Run the command, unless Redis is left alone. Raises CacheUnavailable."""
        if self._clock() < self._rests_until:
            raise CacheUnavailable("left alone after a failure")
        return await self._attempt(command)

    async def ping(self) -> None:
        """Ask for a sign of life, also while Redis is left alone. Raises CacheUnavailable."""
        await self._attempt(lambda redis: redis.ping())
        self._end_rest()

    async def close(self) -> None:
        """Close the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _reached(self) -> Redis:
        """Return the client to use now."""
        assert self._redis is not None  # noqa: S101 - only where the primary is looked for there is a time without
        return self._redis

    def _end_rest(self) -> None:
        self._rests_until = float("-inf")

    async def _attempt(self, command: Callable[[Redis], Awaitable[Result]]) -> Result:
        try:
            # The socket time-outs hold for each step of connecting (TCP, HELLO, SELECT, ...); this holds for all.
            async with asyncio.timeout(self._settings.timeout_s):
                return await command(await self._reached())
        except (RedisError, OSError, TimeoutError) as error:
            self._rests_until = self._clock() + self._settings.rest_s
            raise CacheUnavailable(type(error).__name__) from error


def client(settings: RedisSettings, **elsewhere: Any) -> Redis:
    """Return a client for the URL of the settings, whose parts (`host`, `port`, ...) may be replaced."""
    bounds: dict[str, Any] = {
        "socket_timeout": settings.timeout_s,
        "socket_connect_timeout": settings.timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
    }
    return Redis.from_pool(ConnectionPool(**bounds | dict(parse_url(settings.url.get_secret_value())) | elsewhere))
