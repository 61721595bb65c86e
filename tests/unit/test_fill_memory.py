"""Memory that runs full: the kernel must be seen to strike, a leak is taken away, and nobody runs the machine dry."""

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import away, component
from harness.faults.fill_memory import FIRST_TO_GO, FillMemory
from harness.target import find_target
from tests.fakes.container import FakeContainer
from tests.fakes.inside import InhabitedContainer
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULT = FillMemory(role="app", only="one", within_s=20)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "MENDING_PATIENCE_S", 0.0)
    monkeypatch.setattr(component.time, "sleep", lambda _: None)


def app(**tampering: object) -> InhabitedContainer:
    return InhabitedContainer(TARGET.components["app"], **tampering)


def stage(*containers: FakeContainer) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


def test_the_kernel_strikes_and_the_target_mends_it() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    assert (container.offered, list(container.left.values())) == (FIRST_TO_GO, ["TESTBED_FAULT=leak"])
    container.run_out_of_memory()
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["killed"] == receipt.delivered["came_back"] == 1
    assert receipt.delivered["mended_by_target"] is True
    assert 0 <= receipt.delivered["within_s"] < 5
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    assert "80 of 200 MB" in receipt.evidence[0]


def test_a_leak_that_nobody_died_of_is_taken_away_and_missing() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    injection.heal()
    assert (container.left, container.offered) == ({}, 0)
    assert injection.receipt().status == "missing"


def test_a_death_of_another_kind_is_missing() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    container.crash()
    injection.heal()
    assert injection.receipt().status == "missing"


def test_one_of_two_is_a_mismatch() -> None:
    first, second = app(name="app-1"), app(name="app-2")
    injection = FillMemory(role="app").inject(stage(first, second))
    first.run_out_of_memory()
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_what_does_not_come_back_or_does_not_go_is_an_error() -> None:
    container = app(stays_down=True)
    injection = FAULT.inject(stage(container))
    container.run_out_of_memory()
    with pytest.raises(InstrumentError, match="does not run again"):
        injection.heal()
    container = app()
    injection = FAULT.inject(stage(container))
    container.undying = True
    with pytest.raises(InstrumentError, match="does not end"):
        injection.heal()


@pytest.mark.parametrize("limit", ["max", str(9223372036854771712)])
def test_without_a_limit_there_is_nothing_to_break(limit: str) -> None:
    container = app()
    container.limit = limit
    with pytest.raises(NothingToBreak, match="has no limit of memory"):
        FAULT.check_aim(stage(container))
    assert not container.left


def test_a_container_that_says_nonsense_and_a_leak_in_no_time_are_errors() -> None:
    container = app()
    container.limit = ""
    with pytest.raises(InstrumentError, match="does not say how much"):
        FAULT.check_aim(stage(container))
    with pytest.raises(ValueError, match="within_s"):
        FillMemory(role="app", within_s=0)
