"""Operations that a fail-over broke, tried again until there is a primary or time is up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from targets.chat.errors import StoreUnavailable

PAUSE_S = 0.1
"""Pause (s) between two attempts: a fail-over takes seconds, and a refusal takes next to nothing."""

Result = TypeVar("Result")
log = logging.getLogger("chat.store")


async def repeated(
    operation: Callable[[int], Awaitable[Result]], repeat_s: float, pause_s: float | None = None
) -> Result:
    """Return what `operation` returns; it is given the number of the attempt, from 1.

    An attempt that raises StoreUnavailable is followed by another, as long as it begins within `repeat_s` of the first
    one's beginning; `pause_s` (default: PAUSE_S) lies between two. The operation must be one that may be carried out
    twice.
    """
    pause_s = PAUSE_S if pause_s is None else pause_s
    loop = asyncio.get_running_loop()
    ends, attempt = loop.time() + repeat_s, 1
    while True:
        try:
            return await operation(attempt)
        except StoreUnavailable as error:
            if loop.time() + pause_s >= ends:
                raise
            log.info("trying again", extra={"attempt": attempt, "reason": repr(error.__cause__)})
        await asyncio.sleep(pause_s)
        attempt += 1
