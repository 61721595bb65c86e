"""How the process itself is: the memory that its container uses of what it may, and how late its event loop is."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CGROUP = Path("/sys/fs/cgroup")
NO_LIMIT_BYTES = 1 << 60
"""cgroup v1 has no word for 'no limit': it says the largest number of pages that fits."""
LOOK_S, REMEMBERED_S = 0.1, 4.0
"""The loop is looked at so often; its worst lag is shown for so long, so that no scrape misses it."""


class ContainerMemory(Collector):
    """Memory of the own control group, version 1 or 2, read at each scrape; nothing where there is none."""

    def __init__(self, root: Path = CGROUP) -> None:
        self._root = root

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what is in use without caches that can be given back (a working set), and the limit if any."""
        used, limit = memory(self._root)
        if used is not None:
            yield GaugeMetricFamily("chat_memory_bytes", "Memory that the container cannot give back.", used)
        if limit is not None:
            yield GaugeMetricFamily("chat_memory_limit_bytes", "At so much the kernel ends the container.", limit)


def memory(root: Path) -> tuple[float | None, float | None]:
    """Return what the control group under `root` uses and may use, in bytes; None for what it does not say."""
    second = root / "memory.current"
    if second.exists():
        return _used(second, root / "memory.stat", "inactive_file"), _number(root / "memory.max")
    first = root / "memory"
    used = _used(first / "memory.usage_in_bytes", first / "memory.stat", "total_inactive_file")
    limit = _number(first / "memory.limit_in_bytes")
    return used, None if limit is None or limit > NO_LIMIT_BYTES else limit


def _used(total: Path, stat: Path, idle: str) -> float | None:
    used = _number(total)
    if used is None:
        return None
    cached = 0.0
    with suppress(OSError, ValueError, StopIteration):
        lines = (line.split() for line in stat.read_text(encoding="ascii").splitlines())
        cached = float(next(words[1] for words in lines if words[0] == idle))
    return max(0.0, used - cached)


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or 'max'
        return None


class LoopLag:
    """How much later than it asked for a task got its turn: the worst of the last REMEMBERED_S seconds."""

    def __init__(self) -> None:
        self._lags: deque[tuple[float, float]] = deque()

    def add(self, now_s: float, lag_s: float) -> None:
        """Remember that at `now_s` (monotonic) somebody was `lag_s` late."""
        self._lags.append((now_s, max(0.0, lag_s)))
        while self._lags[0][0] < now_s - REMEMBERED_S:
            self._lags.popleft()

    def worst_s(self) -> float:
        """Return the worst lag that is remembered."""
        return max((lag for _, lag in self._lags), default=0.0)

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            asked = time.monotonic()
            await asyncio.sleep(LOOK_S)
            now = time.monotonic()
            self.add(now, now - asked - LOOK_S)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch the running loop for as long as the block takes."""
        watcher = asyncio.create_task(self.watch(), name="loop lag")
        try:
            yield
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
