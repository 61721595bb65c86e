"""Writes down each second what the target and the harness have used: `cost.jsonl`, see `harness.cost`.

It is the cheap way: where the engine's machine is this one, a look opens two or three small files of the kernel for
each container and asks the engine nothing, unless a container has started since. docs/laboratory.md has what it costs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from harness.clock import RunClock
from harness.cost import FILE, GENERATOR, HARNESS, Meter, Meters, Totals
from harness.pressure import TICKS_PER_S, machine_ticks, process_ticks
from harness.repeatedly import Repeatedly

_PAGE = os.sysconf("SC_PAGE_SIZE")


class CostLog(Repeatedly):
    """A row when the block is entered, each second, and when it is left. `pids` are the generator's, anew each time."""

    def __init__(
        self,
        folder: Path,
        clock: RunClock,
        meters: Meters,
        pids: Callable[[], Sequence[int]],
        proc: Path = Path("/proc"),
    ) -> None:
        super().__init__("cost", meters.every_s, anything=True)
        self._path, self._clock, self._meters, self._pids, self._proc = folder / FILE, clock, meters, pids, proc
        self._totals, self._own = Totals(), Totals()
        self._busy_from: float | None = None
        self._full = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if not self.going_on:  # a look that hangs has the files
            self.look()
            self._meters.close()

    def look(self) -> None:
        """Read everything and append a row. A full disk is told by those who write what counts."""
        if self._full:
            return
        lines: list[dict[str, object]] = [] if self._path.is_file() else [{"roles": dict(self._meters.roles())}]
        lines.append(self._row())
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        except OSError:
            self._full = True

    def _row(self) -> dict[str, object]:
        found = self._meters.read()
        target, proxies = [m for m in found if not m.ours], [m for m in found if m.ours]
        own = [*self._processes(), *proxies]
        return {
            "t_s": round(self._clock.now(), 3),
            "busy_s": self._busy_s(),
            "components": _used(self._totals, target),
            "harness": _used(self._own, own),
        }

    def _processes(self) -> Iterator[Meter]:
        me = os.getpid()
        for part, pid in ((HARNESS, me), *((GENERATOR, pid) for pid in self._pids() if pid != me)):
            ticks = process_ticks(self._proc / str(pid) / "stat")
            cpu_s = None if ticks is None else ticks / TICKS_PER_S
            yield Meter(f"process {pid}", part, cpu_s, _resident(self._proc / str(pid) / "statm"), ours=True)

    def _busy_s(self) -> float | None:
        ticks = machine_ticks(self._proc / "stat")
        if ticks is None:
            return None
        busy_s = (ticks[0] - ticks[1]) / TICKS_PER_S
        self._busy_from = busy_s if self._busy_from is None else self._busy_from
        return round(busy_s - self._busy_from, 2)


def _used(totals: Totals, meters: Sequence[Meter]) -> dict[str, list[float | None]]:
    """Every part that ever used anything, with its memory now; [s, bytes]."""
    totals.add((one.key, one.part, one.cpu_s) for one in meters if one.cpu_s is not None)
    memory: dict[str, int] = {}
    for one in meters:
        if one.memory_bytes is not None:
            memory[one.part] = memory.get(one.part, 0) + one.memory_bytes
    return {part: [round(used, 3), memory.get(part)] for part, used in totals.sums.items()}


def _resident(path: Path) -> int | None:
    """The second number of /proc/<pid>/statm: pages of the process that are in memory, shared ones as well."""
    try:
        return int(path.read_text(encoding="utf-8").split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None
