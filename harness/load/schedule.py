"""Keeps the plan: starts every arrival at its due time, whatever became of the ones before."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import gevent
from gevent.pool import Group

from harness.clock import RunClock
from harness.load.asking import Asker
from harness.load.rawlog import RawLog, Record
from harness.load.rows import Arrival, Rows
from harness.load.settings import Summary
from harness.outcome import Outcome

FLUSH_S = 0.25
"""How long (s) a record may wait before it is on disk."""

BEAT_S = 0.05
"""How often (s) the event loop is asked whether it is on time."""

GRACE_S = 1.0
"""How much longer (s) than the last deadline the drain waits: arrivals end by themselves at their deadlines."""


class Schedule:
    """One greenlet per arrival of an absolute plan. Counts what it does, and how well."""

    def __init__(
        self,
        mine: Rows,
        asker: Asker,
        log: RawLog,
        clock: RunClock,
        on_record: Callable[[Arrival, Record], None],
    ) -> None:
        """Take the arrivals to keep, in the order of their due times: the plan, or this worker's share of it."""
        self._mine = mine
        self._asker = asker
        self._log = log
        self._clock = clock
        self._on_record = on_record
        self._greenlets = Group()
        self._in_flight: dict[int, tuple[Arrival, float]] = {}
        self._in_flight_max = 0
        self._started = 0
        self._lags_s: list[float] = []
        self._finished = False
        self._begun = (time.monotonic(), _cpu_s())

    def run(self, deadline_s: float) -> None:
        """Start all arrivals at their due times, then wait until the last one has met its deadline."""
        for arrival in self._mine:
            # Also when late, so that what was started gets a turn before the next one is.
            gevent.sleep(max(0.0, arrival.due_s - self._clock.now()))
            self._started += 1
            self._greenlets.spawn(self._serve, arrival)
        last_due = self._mine[-1].due_s if self._mine else 0.0
        self._greenlets.join(timeout=max(0.0, last_due + deadline_s + GRACE_S - self._clock.now()))
        self._greenlets.kill()
        for arrival, sent_s in list(self._in_flight.values()):
            detail = "still in flight when the drain ended"
            ended_s = self._clock.now()
            self._take(
                arrival, Record(arrival.seq, arrival.kind, sent_s, None, ended_s, Outcome.DEADLINE, detail=detail)
            )
        self._finished = True

    def keep_house(self, parent_pid: int, on_orphan: Callable[[], None]) -> None:
        """Flush the records and watch the event loop, until killed; call `on_orphan` once the parent is gone."""
        flushed = time.monotonic()
        while True:
            asleep = time.monotonic()
            gevent.sleep(BEAT_S)
            now = time.monotonic()
            self._lags_s.append(max(0.0, now - asleep - BEAT_S))
            if now - flushed < FLUSH_S:
                continue
            flushed = now
            self._log.flush()
            if os.getppid() != parent_pid:
                on_orphan()
                return

    def summary(self) -> Summary:
        """Say how it went, up to now."""
        wall, cpu = self._begun
        return Summary(
            finished=self._finished,
            planned=len(self._mine),
            started=self._started,
            recorded=self._log.recorded,
            in_flight_max=self._in_flight_max,
            wall_s=round(time.monotonic() - wall, 3),
            cpu_s=round(_cpu_s() - cpu, 3),
            max_rss_kb=_peak_kb(),
            loop_lag_ms_max=round(max(self._lags_s, default=0.0) * 1000, 3),
            loop_lag_ms_p99=round(_p99(self._lags_s) * 1000, 3),
        )

    def _serve(self, arrival: Arrival) -> None:
        self._in_flight[arrival.seq] = (arrival, self._clock.now())
        self._in_flight_max = max(self._in_flight_max, len(self._in_flight))
        self._take(arrival, self._asker.ask(arrival))

    def _take(self, arrival: Arrival, record: Record) -> None:
        del self._in_flight[arrival.seq]
        self._log.add(record)
        self._on_record(arrival, record)


def _p99(values: list[float]) -> float:
    """Return the 99th percentile: the smallest value that at least 99 in 100 do not exceed; 0 of none."""
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)] if values else 0.0


def _peak_kb() -> int:
    """Return the most memory (kB) that this process was resident with, from /proc (proc(5), VmHWM).

    Not `ru_maxrss`, which begins with that of the process that started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
