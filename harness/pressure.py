"""How busy the machine was while a run went on: a reading each second, and what they come to.

Every figure is the difference of two of the kernel's own counters divided by the time between the readings, never one
of its moving averages: `/proc/pressure/*` (PSI, Documentation/accounting/psi.rst; `total` is in microseconds) and
`/proc/stat` (proc(5), in clock ticks). Where the kernel has no such file (macOS, PSI switched off) a figure is null.

Pressure alone voids no run. It says why a generator was late; lateness, which is measured, is what voids.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.clock import RunClock
from harness.history import Pressure

FILE = "pressure.jsonl"
EVERY_S = 1.0
STOPPING_S = 5.0  # how long the last reading may take
_PSI = {f"{kind}_{who}": (kind, who) for kind in ("cpu", "memory", "io") for who in ("some", "full")}
TICKS_PER_S = float(os.sysconf("SC_CLK_TCK"))


@dataclass(frozen=True)
class Reading:
    """The kernel's counters at one moment, None where it has none. `at_s` is the monotonic clock.

    `stalled_us` has the keys `cpu_some`, `cpu_full`, `memory_some`, ...; `ticks` are (all, idle and waiting for the
    disk, steal) of all processors together; `generator_ticks` the load generator's own, all its processes together.
    """

    at_s: float
    stalled_us: dict[str, int | None]
    ticks: tuple[int, int, int] | None
    generator_ticks: int | None


def read_now(proc: Path, pids: Iterable[int]) -> Reading:
    """Read the counters below `proc` (/proc) and those of the processes `pids`."""
    stalled = {key: _stalled_us(proc / "pressure" / kind, who) for key, (kind, who) in _PSI.items()}
    mine = [ticks for pid in pids if (ticks := process_ticks(proc / str(pid) / "stat")) is not None]
    return Reading(time.monotonic(), stalled, machine_ticks(proc / "stat"), sum(mine) if mine else None)


def between(before: Reading, after: Reading) -> dict[str, float | None]:
    """Return the shares (0 to 1) of the time between two readings.

    `cpu_some` ... `io_full` are PSI's; `cpu_busy` and `steal` are shares of all processors; `generator_cpu` is of ONE.
    A counter that ran backwards (a process ended between the readings) gives None.
    """
    span_s = after.at_s - before.at_s
    shares = {key: _share(before.stalled_us[key], after.stalled_us[key], span_s * 1e6) for key in _PSI}
    shares |= {"cpu_busy": None, "steal": None}
    if before.ticks is not None and after.ticks is not None:
        total = after.ticks[0] - before.ticks[0]
        idle = _share(before.ticks[1], after.ticks[1], total)
        shares["cpu_busy"] = None if idle is None else round(1 - idle, 4)
        shares["steal"] = _share(before.ticks[2], after.ticks[2], total)
    shares["generator_cpu"] = _share(before.generator_ticks, after.generator_ticks, span_s * TICKS_PER_S)
    return shares


def summarised(rows: Sequence[dict[str, Any]]) -> Pressure | None:
    """Return what the rows of `pressure.jsonl` come to; None of no row at all."""
    if not rows:
        return None

    def known(key: str) -> list[float]:
        return [row[key] for row in rows if row.get(key) is not None]

    def mean(key: str) -> float | None:
        values = known(key)
        return round(sum(values) / len(values), 4) if values else None

    def largest(key: str) -> float | None:
        return max(known(key), default=None)

    return Pressure(
        seconds=len(rows),
        cpu_some_avg=mean("cpu_some"),
        cpu_some_max=largest("cpu_some"),
        memory_some_avg=mean("memory_some"),
        io_some_avg=mean("io_some"),
        cpu_busy_share=mean("cpu_busy"),
        steal_share=mean("steal"),
        steal_max=largest("steal"),
        generator_cpu_share=mean("generator_cpu"),
    )


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read `pressure.jsonl`; a last line that was cut off is left out, a missing file has no rows."""
    if not path.is_file():
        return []
    whole = path.read_bytes()
    return [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]


class PressureLog:
    """A thread that appends a row each second to `folder/pressure.jsonl`, from entering until leaving the block.

    `pids` names the generator's processes, anew each time. Rows hold `t_s` (run time of the second's end).
    """

    def __init__(
        self, folder: Path, clock: RunClock, pids: Callable[[], Sequence[int]], proc: Path = Path("/proc")
    ) -> None:
        self._path, self._clock, self._pids, self._proc = folder / FILE, clock, pids, proc
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pressure", daemon=True)

    def __enter__(self) -> PressureLog:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(STOPPING_S)

    def _watch(self) -> None:
        before = read_now(self._proc, self._pids())
        due_s = before.at_s
        try:
            with self._path.open("ab", buffering=0) as file:
                ended = False
                while not ended:
                    due_s += EVERY_S
                    ended = self._over.wait(max(0.0, due_s - time.monotonic()))
                    after = read_now(self._proc, self._pids())
                    if ended and after.at_s - before.at_s < EVERY_S / 2:
                        return  # too short a time to say anything in clock ticks of 10 ms
                    row = {"t_s": round(self._clock.now(), 3), **between(before, after)}
                    file.write(json.dumps(row).encode() + b"\n")
                    before = after
        except OSError:
            return  # a full disk is told by those who write what counts; this only accompanies it


def _share(before: int | None, after: int | None, span: float) -> float | None:
    if before is None or after is None or after < before or span <= 0:
        return None
    return round(min(1.0, (after - before) / span), 4)


def _stalled_us(path: Path, who: str) -> int | None:
    """`some avg10=0.00 avg60=0.00 avg300=0.00 total=1234` -> 1234."""
    for line in _text(path).splitlines():
        words = line.split()
        if words and words[0] == who:
            return next((int(word[6:]) for word in words if word.startswith("total=")), None)
    return None


def machine_ticks(path: Path) -> tuple[int, int, int] | None:
    """The line 'cpu user nice system idle iowait irq softirq steal guest guest_nice': guests are in user and nice."""
    words = _text(path).partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu":
        return None
    numbers = [int(word) for word in words[1:9]]
    return sum(numbers), numbers[3] + numbers[4], numbers[7]


def process_ticks(path: Path) -> int | None:
    """Fields 14 and 15 of /proc/<pid>/stat: time in user and in kernel mode."""
    words = _text(path).rpartition(")")[2].split()
    return int(words[11]) + int(words[12]) if len(words) > 12 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:  # no such counter here, or PSI is switched off (EOPNOTSUPP when it is read)
        return ""
