"""Faults whose victim is scaled away meanwhile: nobody waits for it, and what is said is whether it had been hit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from harness.errors import InstrumentError
from harness.faults import away, component
from harness.faults.component import ComponentFault
from harness.faults.crash import Crash
from harness.faults.stop import Stop
from harness.target import find_target
from tests.fakes.container import FakeContainer
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULTS: dict[str, Callable[[], ComponentFault]] = {
    "crash": lambda: Crash(role="app"),
    "crash_away": lambda: Crash(role="app", stays_away=True),
    "stop": lambda: Stop(role="app"),
}


class Clock:
    """The engine's: what it says, plus the seconds that passed."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.passed_s)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for patience in ("UNTOUCHED_AFTER_S", "MENDING_PATIENCE_S", "COUNTING_PATIENCE_S"):
        monkeypatch.setattr(away, patience, 0.0)
    monkeypatch.setattr(component.time, "sleep", lambda _: None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def app(clock: Clock, name: str = "app.1", *, deaf: bool = False) -> FakeContainer:
    return FakeContainer(TARGET.components["app"], name=name, policy="no", deaf=deaf, clock=clock)


def stage(*containers: FakeContainer) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


@pytest.mark.parametrize("name", FAULTS)
def test_one_that_was_hit_and_then_scaled_away_is_mended_and_says_so(name: str, clock: Clock) -> None:
    victim = app(clock)
    injection = FAULTS[name]().inject(stage(victim))
    clock.passed_s = 20.0
    victim.dismiss()
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["containers"], receipt.delivered["came_back"]) == (1, 0)
    assert receipt.delivered["no_longer_wanted"] == 1
    assert "meanwhile its service was scaled down below it" in receipt.evidence[0]
    assert receipt.on_s is not None and receipt.off_s is not None
    assert "start" not in victim.calls or name != "crash", "there is nothing to start"


@pytest.mark.parametrize("name", FAULTS)
def test_one_that_was_only_scaled_away_is_not_confirmed(name: str, clock: Clock) -> None:
    victim = app(clock, deaf=True)
    injection = FAULTS[name]().inject(stage(victim))
    clock.passed_s = 20.0
    victim.dismiss()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert "is not known to have ended by it" in receipt.evidence[0]


@pytest.mark.parametrize("name", FAULTS)
def test_of_two_one_may_go_and_the_other_must_come_back(name: str, clock: Clock) -> None:
    goes, stays = app(clock), app(clock, "app.2")
    stays.policy = "always"
    injection = FAULTS[name]().inject(stage(goes, stays))
    goes.dismiss()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["came_back"], receipt.delivered["no_longer_wanted"]) == (1, 1)
    assert stays.state().status == "running"


@pytest.mark.parametrize("name", ["crash_away", "stop"])
def test_one_that_is_wanted_and_does_not_come_back_is_still_an_error(name: str, clock: Clock) -> None:
    goes, lost = app(clock), app(clock, "app.2")
    injection = FAULTS[name]().inject(stage(goes, lost))
    goes.dismiss()
    lost.stays_down = True
    with pytest.raises(InstrumentError, match=r"app\.2 could not be started again"):
        injection.heal()


def test_one_that_came_back_before_it_was_scaled_away_counts_by_its_first_end(clock: Clock) -> None:
    victim = app(clock)
    victim.policy = "always"
    injection = Crash(role="app").inject(stage(victim))
    assert victim.state().status == "running"
    clock.passed_s = 20.0
    victim.dismiss()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s is not None and receipt.on_s < 5.0
