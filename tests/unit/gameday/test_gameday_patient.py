"""The patient timeline: one incident after another, each only when all is quiet, and nothing after standing down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.experiment import At
from harness.gameday import patient
from harness.gameday.patient import PatientTimeline
from harness.gameday.schedule import Drawn, Kind, Pace
from harness.history import EventLog
from tests.fakes.incidents import incident
from tests.unit.test_timeline import Notes, Scripted, confirmed

FAST = 200.0  # seconds of run time in one of the wall


class Stage:
    """A stage of which only the clock is used."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self.began) * FAST


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LOOK_S", 0.002)


def drawn(*names: str, lasts_s: float = 0.02) -> list[Drawn]:
    """Incidents that are all due at once. `lasts_s` passes by the clock on the wall, as all waiting does."""
    strikes = (At(0, Scripted(confirmed()), lasts_s=lasts_s),)
    return [Drawn(k, Kind(incident(name, 1.0), "any", strikes, 1.0), 0.0) for k, name in enumerate(names, start=1)]


class Held:
    """A timeline under way, and what it wrote."""

    def __init__(self, folder: Path, days: Sequence[Drawn], **options: Any) -> None:
        self.log, self.path = EventLog(folder / "events.jsonl"), folder / "events.jsonl"
        quiet: Callable[[float], bool] = options.pop("quiet", lambda now_s: True)
        options = {"pace": Pace(quiet_s=2, wait_s=0), "ends_s": 1000.0, "together": lambda faults: "", **options}
        self.stage = Stage()
        self.timeline = PatientTimeline(days, self.stage, self.log, Notes(), quiet=quiet, **options)  # type: ignore[arg-type]

    def over(self, seconds: float = 5.0) -> list[dict[str, Any]]:
        self.timeline.start()
        self.timeline._conductor.join(seconds)
        for thread in self.timeline._threads:
            if thread.ident is not None:
                thread.join(seconds)
        return self.ended()

    def ended(self) -> list[dict[str, Any]]:
        assert self.timeline.heal_all() == []
        self.log.close()
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


def test_the_next_strikes_only_after_the_last_is_healed_and_the_quiet_time_is_over(tmp_path: Path) -> None:
    events = Held(tmp_path, drawn("a", "b", "c")).over()
    begun, receipts = named(events, "incident_begun"), named(events, "receipt")
    assert [event["id"] for event in begun] == ["a", "b", "c"]
    for receipt, later in zip(receipts, begun[1:], strict=False):
        assert later["t_s"] - receipt["t_s"] >= 2 - 0.01
        assert "the quiet time after healing was not over" in later["put_off_because"]


def test_bad_traffic_puts_the_next_off_until_it_is_good(tmp_path: Path) -> None:
    held = Held(tmp_path, drawn("a"), quiet=lambda now_s: now_s > 30)
    (begun,) = named(held.over(), "incident_begun")
    assert begun["t_s"] > 30
    assert begun["put_off_because"][-1] == "traffic was not good for the whole quiet time"
    (record,) = held.timeline.records()
    assert record.planned_on_s > 30 and record.receipt.status == "confirmed"


def test_what_cannot_be_over_before_the_end_is_not_reached_and_is_no_fault(tmp_path: Path) -> None:
    held = Held(tmp_path, drawn("a", "b", "c"), ends_s=20.0, quiet=lambda now_s: now_s < 3)
    events = held.over()
    assert [event["id"] for event in named(events, "incident_begun")] == ["a"]
    assert [event["id"] for event in named(events, "incident_not_reached")] == ["b", "c"]
    assert len(held.timeline.records()) == 1


def test_after_standing_down_nothing_strikes_and_what_is_on_is_healed_at_once(tmp_path: Path) -> None:
    held = Held(tmp_path, drawn("a", "b", lasts_s=600))
    held.timeline.start()
    end = time.monotonic() + 5
    while not held.timeline.active() and time.monotonic() < end:
        held.timeline._conductor.join(0.005)
    assert not held.timeline.calm(held.stage.now(), 0)
    held.timeline.stand_down("enough", because="of the test")
    for thread in (held.timeline._conductor, held.timeline._threads[0]):
        thread.join(5)
    now_s = held.stage.now()
    assert held.timeline.calm(now_s, 0) and not held.timeline.calm(now_s, 100)
    events = held.ended()
    assert [event["id"] for event in named(events, "incident_begun")] == ["a"]
    assert len(named(events, "fault_off")) == len(named(events, "enough")) == 1
    (record,) = held.timeline.records()  # it was asked to last until then, and no longer
    assert record.planned_off_s is not None and record.planned_off_s <= now_s


def test_with_overlap_two_are_on_at_once_and_never_three(tmp_path: Path) -> None:
    held = Held(tmp_path, drawn("a", "b", "c", lasts_s=600), pace=Pace(quiet_s=2, wait_s=0, overlap=True))
    held.timeline.start()
    end = time.monotonic() + 20
    while len(held.timeline.active()) < 2 and time.monotonic() < end:
        held.timeline._conductor.join(0.005)
    held.timeline._conductor.join(0.05)  # some looks at the third
    assert len(held.timeline.active()) == 2
    held.timeline.stand_down("enough")
    assert [event["id"] for event in named(held.ended(), "incident_begun")] == ["a", "b"]


def test_with_overlap_what_would_go_beyond_the_limits_together_waits(tmp_path: Path) -> None:
    asked: list[int] = []

    def together(faults: Sequence[Any]) -> str:
        asked.append(len(faults))
        return "a majority"

    pace = Pace(quiet_s=2, wait_s=0, overlap=True)
    held = Held(tmp_path, drawn("a", "b", lasts_s=600), pace=pace, together=together)
    held.timeline.start()
    end = time.monotonic() + 20
    while len(asked) < 3 and time.monotonic() < end:
        held.timeline._conductor.join(0.005)
    held.timeline.stand_down("enough")
    assert set(asked) == {2}
    assert [event["id"] for event in named(held.ended(), "incident_begun")] == ["a"]
