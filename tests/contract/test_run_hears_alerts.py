"""A run of a target with a pager, through everything but the engine: what was heard is in its record on the disk."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.alerts import Key, Notifications
from harness.engine.wide_area import WideArea
from harness.errors import InstrumentError
from harness.experiment import At, Experiment, Rate
from harness.history import RunRecord, read_record
from harness.run import Lab, run_experiment
from harness.target import find_target
from tests.fakes.chat_server import ChatServer
from tests.fakes.lab import Marking
from tests.fakes.meters import FakeMeters
from tests.fakes.pager import told, webhook

TARGET = find_target("v1")


@dataclass
class LivePager:
    """It was called 0.5 s before it is asked, and told that it is over when it is asked a second time."""

    broken: bool = False
    carried: dict[Key, str] = field(default_factory=dict)
    called: float = 0.0

    def notifications(self) -> Notifications:
        if self.broken:
            raise InstrumentError("The pager 'pager' cannot be reached.")
        now, first = time.time(), self.called == 0.0
        self.called = self.called or now - 0.5
        heard = [webhook(self.called, told("Down", starts=self.called - 0.25))]
        if not first:
            heard.append(webhook(self.called + 0.4, told("Down", "resolved", starts=self.called - 0.25)))
        return Notifications.model_validate({"now": now, "notifications": heard})

    def heartbeats(self) -> list[float]:
        return [self.called]


@dataclass(frozen=True)
class MarkingOf(Marking):
    """A fault aimed at a role."""

    role: str = "app"


def run(folder: Path, pager: LivePager, role: str) -> RunRecord:
    fault = MarkingOf(folder / "mark", lambda _: None, role=role)
    experiment = Experiment(
        (At(0.2, fault, lasts_s=0.5),), Rate(20), duration_s=1.0, warmup_s=0.3, deadline_s=1.0, name="cache_down"
    )
    quiet: Any = SimpleNamespace(
        say=lambda _: None, tick=lambda _: None, process_started=lambda *_: None, fault_on=lambda *_: None,
        fault_off=lambda *_: None,
    )  # fmt: skip
    (folder / "run").mkdir()
    with ChatServer() as server:
        stack: Any = SimpleNamespace(
            base_url=server.url, doors={}, place_links={}, pagers={"pager": pager},
            settle=lambda _: [], disturbances=lambda *_: [], meters=FakeMeters, wide_area=WideArea(None, (), {}),
        )  # fmt: skip
        run_experiment(experiment, 1, 7, Lab(TARGET, stack, quiet, quiet), folder / "run")
    return read_record(folder / "run")


def test_what_the_pager_was_told_is_in_the_record(tmp_path: Path) -> None:
    record = run(tmp_path, LivePager(), "app")
    assert record.void_because == []
    assert record.alerts is not None and record.listening is not None and record.listening.until_s is not None
    (alert,) = record.alerts
    assert (alert.name, alert.severity) == ("Down", "page")
    assert alert.resolved_s == pytest.approx(alert.received_s + 0.4, abs=0.01)
    assert alert.starts_s == pytest.approx(alert.received_s - 0.25, abs=0.01)
    # It was called after the load had begun, and listened to until it was told of the end.
    assert 0 < alert.received_s < record.listening.until_s < 30


def test_a_pager_that_cannot_be_read_makes_the_run_void(tmp_path: Path) -> None:
    record = run(tmp_path, LivePager(broken=True), "app")
    assert record.alerts is None
    assert record.void_because == ["The pager 'pager' cannot be reached."]


def test_where_the_fault_was_aimed_at_the_monitoring_it_is_blind_and_not_void(tmp_path: Path) -> None:
    record = run(tmp_path, LivePager(broken=True), "monitoring")
    assert record.void_because == []
    assert record.alerts is None
    assert record.listening is not None
    assert record.listening.blind_because.startswith("marking was aimed at what alerts come from")
