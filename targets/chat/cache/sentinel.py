"""Redis behind sentinels: who is the primary is found out beside the requests, never by them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from targets.chat.cache.connection import RedisConnection, client
from targets.chat.errors import CacheUnavailable
from targets.chat.names import Names
from targets.chat.settings import SentinelSettings

Address = tuple[str, int]
Result = TypeVar("Result")
log = logging.getLogger("chat.cache")


@dataclass(frozen=True, order=True)
class Report:
    """What a sentinel says: in which configuration epoch (each fail-over begins a new one) who is the primary."""

    epoch: int
    host: str
    port: int


class SentinelConnection(RedisConnection):
    """A Connection to the primary that the sentinels name.

    redis-py's own Sentinel client asks the sentinels one after the other, each time it connects: two that swallow
    packets come before the third, and a request pays for all of it. Here a task of its own asks all at once, every
    `look_s`, or every `search_s` after a failure; a request finds a client that is ready, or is told at once that there
    is none. A new primary ends the rest that the old one was given.

    The task begins with the first use, as a connection is made before there is an event loop.
    """

    def __init__(
        self,
        settings: SentinelSettings,
        clock: Callable[[], float] = time.monotonic,
        names: Names | None = None,
    ) -> None:
        super().__init__(settings, clock)
        self._redis = None
        self._sentinel_settings = settings
        self._names = names or Names()
        self._primary: Address | None = None
        self._sentinels: dict[Address, tuple[str, Redis]] = {}
        self._known = asyncio.Event()
        self._failing = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop asking, and close all connections."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        for _, sentinel in self._sentinels.values():
            await sentinel.aclose()
        await super().close()

    async def _attempt(self, command: Callable[[Redis], Awaitable[Result]]) -> Result:
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        try:
            result = await super()._attempt(command)
        except CacheUnavailable:
            self._failing.set()
            raise
        self._failing.clear()
        return result

    async def _reached(self) -> Redis:
        """Return a client for the primary; only the first requests of all wait for it, within their own bound."""
        await self._known.wait()
        return await super()._reached()

    async def _watch(self) -> None:
        """Keep `_redis` a client of the current primary."""
        while True:
            reports = await asyncio.gather(*(self._asked(one) for one in self._sentinel_settings.sentinels))
            report = newest(reports)
            if report is not None and (address := await self._located(report)) is not None:
                await self._move_to(address)
            searching = self._failing.is_set() or not self._known.is_set()
            if searching:
                await asyncio.sleep(self._sentinel_settings.search_s)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._failing.wait(), self._sentinel_settings.look_s)

    async def _asked(self, sentinel: Address) -> Report | None:
        """Return what one sentinel says within `timeout_s`, None when it says nothing of use."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                address = (await self._names.addresses(sentinel[0]))[0]
                asked = await self._client_of(sentinel, address)
                state: Any = await asked.sentinel_master(self._sentinel_settings.primary, return_responses=True)
            return Report(int(state["config-epoch"]), str(state["ip"]), int(state["port"]))
        except (RedisError, OSError, TimeoutError, LookupError, TypeError, ValueError):
            return None

    async def _client_of(self, sentinel: Address, address: str) -> Redis:
        """Return the client for a sentinel, a new one when its name stands for another address now."""
        known = self._sentinels.get(sentinel)
        if known is not None and known[0] == address:
            return known[1]
        # Sentinels have neither the primary's credentials nor its databases.
        nobody = {"username": None, "password": None, "db": 0}
        made = client(self._settings, host=address, port=sentinel[1], **nobody)
        self._sentinels[sentinel] = (address, made)
        if known is not None:
            await known[1].aclose()
        return made

    async def _located(self, report: Report) -> Address | None:
        """Return the primary's IP address and port: sentinels may announce names. None when it has no address now."""
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return (await self._names.addresses(report.host))[0], report.port
        except (OSError, TimeoutError):
            return None

    async def _move_to(self, address: Address) -> None:
        """Use the primary at `address` from now on, if it is another one."""
        if address == self._primary:
            return
        log.info("cache primary", extra={"address": f"{address[0]}:{address[1]}"})
        old, self._redis, self._primary = self._redis, client(self._settings, host=address[0], port=address[1]), address
        self._known.set()
        self._end_rest()
        if old is not None:
            with suppress(RedisError, OSError, TimeoutError):
                await old.aclose()


def newest(reports: Iterable[Report | None]) -> Report | None:
    """Return the report of the latest epoch: a sentinel that was cut off still names the primary of an earlier one."""
    return max((one for one in reports if one is not None), default=None)
