"""Was the machine ours while a repeat was measured? A shared machine answers for itself, not for the code."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

MOST_STEAL = 0.02
"""Largest share of processor time that the host may have taken away."""

MOST_FOREIGN, MOST_FOREIGN_WITH_ENGINE = 0.15, 0.4
"""Largest use (processors) by processes that are neither the benchmark's own nor in a container; the Docker engine's
own work, which is for us but by nobody's child, must fit into the second."""

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Load:
    """What the processors did in a stretch: `steal` as a share of all time, `foreign` and `waiting` as below.

    `foreign` is the use by processes that are not ours, in processors, and `containers` the part of it that was in
    Docker containers; `waiting` is the share of time in which somebody waited for a processor (PSI 'some'). None
    where the kernel does not say.
    """

    steal: float
    foreign: float
    containers: float | None
    waiting: float | None

    def contaminated(self, containers: bool) -> bool:
        """Whether the stretch cannot be trusted. `containers` says that those on the engine were ours."""
        if not containers:
            return self.steal > MOST_STEAL or self.foreign > MOST_FOREIGN
        others = 0.0 if self.containers is None else self.foreign - self.containers
        return self.steal > MOST_STEAL or others > MOST_FOREIGN_WITH_ENGINE


class Gate:
    """Measures from its making to `load()`. Children count once they have ended and were waited for."""

    def __init__(self) -> None:
        self._begun = Reading()

    def load(self) -> Load:
        """Return what the processors did since."""
        a, b = self._begun, Reading()
        wall = max(b.at - a.at, 1e-6)
        total = max(b.total - a.total, 1e-6)
        busy = (b.busy - a.busy) - (b.own - a.own)
        return Load((b.steal - a.steal) / total, max(0.0, busy / wall), _rate(a, b, "contained"), _rate(a, b, "waited"))


def _rate(a: Reading, b: Reading, name: str) -> float | None:
    before, after = getattr(a, name), getattr(b, name)
    return None if before is None or after is None else float(after - before) / max(b.at - a.at, 1e-6)


class Reading:
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
        self.contained = contained_s()
        self.at = time.monotonic()


def _psi_s(path: Path = Path("/proc/pressure/cpu")) -> float | None:
    try:
        return int(path.read_text().split("total=")[1].split()[0]) / 1e6
    except (OSError, IndexError, ValueError):
        return None


def contained_s(root: Path = CGROUPS) -> float | None:
    """Processor time (s) of all containers since boot, those that are gone included; cgroup version 1 or 2."""
    for name, unit in (("cpuacct/docker/cpuacct.usage", 1e9), ("docker/cpu.stat", 1e6), ("system.slice/cpu.stat", 1e6)):
        try:
            return int((root / name).read_text().split("\n")[0].split()[-1]) / unit
        except (OSError, ValueError, IndexError):
            continue
    return None
