"""Instances over time: only changes are kept, silence of the engine is left out, and the report shows them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.history import Running
from harness.replicas import ReplicaWatch
from harness.report.charts import run_chart
from harness.report.series import replicas
from tests.fakes.histories import history


class Growing:
    """A service that has as many instances as the script says, one entry for each question; None is no answer."""

    name = "app-a"

    def __init__(self, *counts: int | None) -> None:
        self._counts = list(counts)

    def instances(self) -> list[str]:
        count = self._counts.pop(0) if len(self._counts) > 1 else self._counts[0]
        if count is None:
            raise InstrumentError("the engine does not answer")
        return [f"id-{k}" for k in range(count)]


def test_changes_alone_are_kept() -> None:
    service: Any = Growing(2, 2, None, 3, 3, 2)
    watch = ReplicaWatch([service], RunClock.starting_in(0))
    for _ in range(6):
        watch.look()
    assert [(one.component, one.count) for one in watch.seen] == [("app-a", 2), ("app-a", 3), ("app-a", 2)]


def test_it_asks_from_entering_until_leaving() -> None:
    service: Any = Growing(1, 2, 3, 4, 5, 6, 7, 8, 9)
    with ReplicaWatch([service], RunClock.starting_in(0), every_s=0.01) as watch:
        deadline = time.monotonic() + 10
        while len(watch.seen) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
    count = len(watch.seen)
    assert count >= 5
    time.sleep(0.05)
    assert len(watch.seen) == count


def test_nothing_to_watch_is_no_thread() -> None:
    with ReplicaWatch([], RunClock.starting_in(0)) as watch:
        pass
    assert watch.seen == []


def test_the_report_shows_them_added_up_over_the_counted_window() -> None:
    run = history()
    seen = [Running(-2.5, "a", 2), Running(-2.5, "b", 2), Running(12.0, "a", 3), Running(40.0, "b", 3)]
    grown = replace(run, record=replace(run.record, replicas=seen))
    assert replicas(grown) == [(0.0, 4), (12.0, 5), (38.0, 6), (38.0, 6)]
    assert "app instances" in run_chart(grown, "c1", "A picture.")
    assert "app instances" not in run_chart(run, "c1", "A picture.")
