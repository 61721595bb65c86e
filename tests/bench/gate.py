"""Was the machine ours while a repeat was measured? A shared machine answers for itself, not for the code."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

MOST_STEAL = 0.02
"""Largest share of processor time that the host may have taken away."""

MOST_FOREIGN = 0.15
"""Largest use (processors) by processes that are not the benchmark's own."""


@dataclass(frozen=True)
class Load:
    """What the processors did in a stretch: `steal` as a share of all time, `foreign` and `waiting` as below.

    `foreign` is the use by other processes, in processors; `waiting` the share of time in which somebody waited
    for a processor (PSI 'some'), None where the kernel does not say.
    """

    steal: float
    foreign: float
    waiting: float | None

    def contaminated(self, ours: bool) -> bool:
        """Whether the stretch cannot be trusted. Foreign use counts only where all work was done by our children."""
        return self.steal > MOST_STEAL or (ours and self.foreign > MOST_FOREIGN)


class Gate:
    """Measures from its making to `load()`. Children count once they have ended and were waited for."""

    def __init__(self) -> None:
        self._begun = _Reading()

    def load(self) -> Load:
        """Return what the processors did since."""
        a, b = self._begun, _Reading()
        wall = max(b.at - a.at, 1e-6)
        total = max(b.total - a.total, 1e-6)
        busy = (b.busy - a.busy) - (b.own - a.own)
        waiting = None if a.waited is None or b.waited is None else (b.waited - a.waited) / wall
        return Load((b.steal - a.steal) / total, max(0.0, busy / wall), waiting)


class _Reading:
    """The counters of now, all in seconds."""

    def __init__(self) -> None:
        tick = os.sysconf("SC_CLK_TCK")
        fields = [int(x) / tick for x in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        user, nice, system, idle, iowait, irq, softirq, self.steal = fields
        self.busy = user + nice + system + irq + softirq
        self.total = self.busy + idle + iowait + self.steal
        self.own = 0.0
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            self.own += usage.ru_utime + usage.ru_stime
        self.waited = _psi_s()
        self.at = time.monotonic()


def _psi_s(path: Path = Path("/proc/pressure/cpu")) -> float | None:
    try:
        return int(path.read_text().split("total=")[1].split()[0]) / 1e6
    except (OSError, IndexError, ValueError):
        return None
