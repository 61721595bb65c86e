"""Waiting for what a real server needs a moment for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from targets.chat.errors import CacheUnavailable, StoreUnavailable

T = TypeVar("T")


async def eventually(call: Callable[[], Awaitable[T]], within_s: float = 20.0) -> T:
    """Return what `call` returns as soon as it does not raise any more."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except (StoreUnavailable, CacheUnavailable, AssertionError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)
