"""A game day through everything but the engine: real load, real faults in a server of the test's own, real limits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.engine.wide_area import WideArea
from harness.experiment import At
from harness.gameday import plan as plans
from harness.gameday import vitals
from harness.gameday.conduct import GameDay
from harness.gameday.plan import Day
from harness.gameday.schedule import Drawn, Kind, Pace
from harness.gameday.traffic import Budget
from harness.history import Receipt, RunRecord, read_history
from harness.load.arrivals import only_late
from harness.run import Lab, run_experiment
from harness.target import find_target
from tests.fakes.chat_server import ChatServer
from tests.fakes.incidents import incident
from tests.fakes.meters import FakeMeters


class Switch:
    """Whether the server answers with errors."""

    broken = False


@dataclass
class Broken:
    """Errors that end when they are healed, or when told to some while later."""

    switch: Switch
    stage: Any
    on_s: float
    off_s: float | None = None

    def heal(self) -> None:
        self.switch.broken = False
        self.off_s = self.off_s or self.stage.now()

    def receipt(self) -> Receipt:
        return Receipt("confirmed", {}, {}, self.on_s, self.off_s, ["The switch was on."])


@dataclass(frozen=True)
class Break:
    """The server answers everything with 503."""

    switch: Switch
    name: str = "break"
    aimed_at: str = "role app"

    def check_aim(self, stage: Any) -> None: ...

    def inject(self, stage: Any) -> Broken:
        self.switch.broken = True
        return Broken(self.switch, stage, stage.now())


def held(folder: Path, lasts_s: float, duration_s: float, allowed: float) -> tuple[RunRecord, list[dict[str, Any]]]:
    """Hold a day with two incidents, due at 2 and 3 s; `allowed` arrivals may go bad."""
    switch = Switch()
    kind = Kind(incident("broken", 1.0), "any", (At(0, Break(switch), lasts_s=lasts_s),), 1.0)
    drawn = (Drawn(1, kind, 2.0), Drawn(2, kind, 3.0))
    planned = round(plans.PER_S * duration_s)
    budget = Budget(0.99, planned, burn=allowed / (0.01 * planned))
    target = find_target("v1")
    day = Day(target, (kind.incident,), (kind,), {}, drawn, Pace(2, 0), budget, duration_s, 1, "make gameday")
    quiet: Any = SimpleNamespace(
        say=lambda _: None, tick=lambda _: None, process_started=lambda *_: None, fault_on=lambda *_: None,
        fault_off=lambda *_: None,
    )  # fmt: skip
    (folder / "run").mkdir()
    with ChatServer(lambda t, method: "unavailable" if switch.broken else "ok") as server:
        stack: Any = SimpleNamespace(
            base_url=server.url, doors={}, place_links={}, pagers={}, settle=lambda _: [],
            disturbances=lambda *_: [], meters=FakeMeters, wide_area=WideArea(None, (), {}),
        )  # fmt: skip
        lab = Lab(target, stack, quiet, quiet, director=GameDay(day, folder))
        run_experiment(day.experiment(), 1, 7, lab, folder / "run")
    assert not switch.broken
    events = [json.loads(line) for line in (folder / "run" / "events.jsonl").read_text().splitlines()]
    return read_history(folder / "run").record, events


def test_the_second_incident_waits_for_good_traffic_after_the_first(tmp_path: Path) -> None:
    record, events = held(tmp_path, lasts_s=2.0, duration_s=14.0, allowed=1000)
    assert [why for why in record.void_because if not only_late([why])] == []
    first, second = (event for event in events if event["event"] == "incident_begun")
    healed = next(event["t_s"] for event in events if event["event"] == "fault_off")
    assert first["t_s"] < 4
    assert second["t_s"] >= healed + 2  # planned for 3 s, when the first was still on
    assert "the incident before was not over" in second["put_off_because"]
    assert [fault.receipt.status for fault in record.faults] == ["confirmed", "confirmed"]
    assert record.faults[1].planned_on_s >= healed + 2
    assert vitals.noted(tmp_path)


def test_a_spent_budget_heals_ends_the_day_early_and_is_no_fault_of_the_instrument(tmp_path: Path) -> None:
    record, events = held(tmp_path, lasts_s=30.0, duration_s=120.0, allowed=40)
    assert [why for why in record.void_because if not only_late([why])] == []
    (spent,) = (event for event in events if event["event"] == "error_budget_spent")
    (off,) = (event["t_s"] for event in events if event["event"] == "fault_off")
    assert spent["t_s"] < 12 and off < spent["t_s"] + 1  # long before the 30 s that were planned
    assert len([event for event in events if event["event"] == "incident_begun"]) == 1
    assert "all was well again" in record.notes[0]
    assert off + 2 <= record.duration_s < 60
    history = read_history(tmp_path / "run")
    assert record.generator is not None and record.generator.unsent == 0
    assert record.durability is not None and record.durability.lost == 0
    last = history.counted().select(history.counted().due_s > record.duration_s - 2)
    assert last.good(10).all() and len(last) > 20
