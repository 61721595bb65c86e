"""The timeline: faults strike once, nothing stays unhealed, and no proof means no confirmation."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import InstrumentError
from harness.experiment import At
from harness.history import EventLog, Receipt
from harness.timeline import Timeline


@dataclass
class ScriptedInjection:
    """Heals after so many refusals and gives the receipt it was told to give."""

    refusals: int
    receipt_given: Receipt
    heals: int = 0

    def heal(self) -> None:
        self.heals += 1
        if self.heals <= self.refusals:
            raise InstrumentError("it does not heal")

    def receipt(self) -> Receipt:
        return self.receipt_given


@dataclass(frozen=True)
class Scripted:
    """A fault that does nothing but what the test says."""

    receipt: Receipt
    refusals: int = 0
    broken: str = ""
    injections: list[ScriptedInjection] = field(default_factory=list)
    name: str = "scripted"
    aimed_at: str = "nothing real"

    def check_aim(self, stage: Any) -> None: ...

    def inject(self, stage: Any) -> ScriptedInjection:
        if self.broken:
            raise InstrumentError(self.broken)
        self.injections.append(ScriptedInjection(self.refusals, self.receipt))
        return self.injections[-1]


class Stage:
    """A stage of which only the clock is used; it runs a hundred times faster than the wall."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self.began


@dataclass
class Notes:
    """A journal in memory."""

    written: list[str] = field(default_factory=list)

    def fault_on(self, name: str, aimed_at: str) -> None:
        self.written.append("on")

    def fault_off(self, name: str, aimed_at: str) -> None:
        self.written.append("off")


def confirmed(on_s: float | None = 0.0, off_s: float | None = 0.05) -> Receipt:
    return Receipt("confirmed", {}, {}, on_s, off_s)


def carried_out(tmp_path: Path, *strikes: At, wait: bool = True) -> tuple[Timeline, list[str], list[dict[str, Any]]]:
    log = EventLog(tmp_path / "events.jsonl")
    timeline = Timeline(strikes, Stage(), log, Notes())  # type: ignore[arg-type]
    timeline.start()
    if wait:
        for thread in timeline._threads:
            thread.join(5)
    errors = timeline.heal_all()
    log.close()
    return timeline, errors, [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]


def test_a_fault_strikes_heals_and_proves(tmp_path: Path) -> None:
    fault = Scripted(confirmed())
    timeline, errors, events = carried_out(tmp_path, At(0.0, fault, lasts_s=0.05))
    assert errors == []
    assert [e["event"] for e in events] == ["fault_asked", "fault_on", "fault_off", "receipt"]
    record = timeline.records()[0]
    assert record.healed and record.receipt.status == "confirmed"
    assert fault.injections[0].heals == 1


def test_ending_early_heals_what_bites_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    biting, later = Scripted(confirmed()), Scripted(confirmed())
    log = EventLog(tmp_path / "events.jsonl")
    timeline = Timeline([At(0, biting, 60), At(50, later, 5)], Stage(), log, Notes())  # type: ignore[arg-type]
    timeline.start()
    while not timeline.active():
        time.sleep(0.001)
    assert timeline.heal_all() == []
    assert biting.injections[0].heals == 1
    assert later.injections == []
    assert [r.receipt.status for r in timeline.records()] == ["mismatch", "missing"]


def test_a_fault_that_cannot_be_injected_is_never_confirmed(tmp_path: Path) -> None:
    timeline, _, events = carried_out(tmp_path, At(0.0, Scripted(confirmed(), broken="the engine refused"), 0.05))
    assert timeline.failed() == ["the engine refused"]
    assert timeline.records()[0].receipt.status == "missing"
    assert events[-1]["event"] == "fault_failed"


def test_healing_is_tried_again_and_its_failure_is_told(tmp_path: Path) -> None:
    _, errors, _ = carried_out(tmp_path, At(0.0, Scripted(confirmed(), refusals=1), 0.05))
    assert errors == []
    (tmp_path / "events.jsonl").unlink()
    timeline, errors, _ = carried_out(tmp_path, At(0.0, Scripted(confirmed(), refusals=9), 0.05))
    assert errors == ["scripted on nothing real was not healed"]
    assert timeline.records()[0].healed is False


def test_half_the_time_is_not_the_dose_that_was_asked_for(tmp_path: Path) -> None:
    timeline, _, _ = carried_out(tmp_path, At(0.0, Scripted(confirmed(0.0, 0.02)), lasts_s=0.05))
    receipt = timeline.records()[0].receipt
    assert receipt.status == "mismatch"
    assert (receipt.requested["lasts_s"], receipt.delivered["lasts_s"]) == (0.05, 0.02)
