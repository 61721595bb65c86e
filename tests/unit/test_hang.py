"""Hang: every process of the service stops and nobody else's, it heals, and tampering never passes for it."""

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import component, hang
from harness.faults.hang import Hang
from harness.faults.inside import parsed
from harness.target import find_target
from tests.fakes.container import FakeContainer
from tests.fakes.inside import APP, PROBE, WORKER, InhabitedContainer
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULT = Hang(role="app", only="one")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hang, "RUNS_PATIENCE_S", 0.0)
    monkeypatch.setattr(component.time, "sleep", lambda _: None)


def app(**tampering: object) -> InhabitedContainer:
    return InhabitedContainer(TARGET.components["app"], **tampering)


def stage(*containers: FakeContainer) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


def test_it_stops_what_the_service_runs_and_wakes_it() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    assert [container.table[p.pid].state for p in (APP, WORKER, PROBE)] == ["T", "T", "S"]
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    assert receipt.delivered == {"processes_stopped": 2, "replaced": 0, "mended_by_target": False}
    assert container.table[APP.pid].state == "S"
    assert "a (strange) name, python3" in receipt.evidence[0]


def test_one_that_the_target_replaced_is_left_alone_and_said_to_be_mended() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    container.replace()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["mended_by_target"] is True
    assert receipt.delivered["replaced"] == 1
    assert not any(signal.startswith("CONT") for signal in container.signals)


def test_one_of_several_is_enough_of_one() -> None:
    first, second = app(name="app-1"), app(name="app-2")
    injection = FAULT.inject(stage(second, first))
    assert (first.table[APP.pid].state, second.table[APP.pid].state) == ("T", "S")
    injection.heal()


def test_a_hang_that_secretly_does_nothing_is_missing() -> None:
    injection = FAULT.inject(stage(app(deaf=True)))
    injection.heal()
    assert injection.receipt().status == "missing"


def test_half_a_hang_is_a_mismatch() -> None:
    injection = FAULT.inject(stage(app(numb=(WORKER.pid,))))
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_what_does_not_wake_is_an_error() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    container.numb = (APP.pid,)
    with pytest.raises(InstrumentError, match="cannot be woken"):
        injection.heal()


def test_a_replacement_that_does_not_run_is_an_error() -> None:
    container = app()
    injection = FAULT.inject(stage(container))
    container.policy = "no"
    container.crash()
    with pytest.raises(InstrumentError, match="does not run"):
        injection.heal()


def test_an_empty_container_and_an_empty_aim_are_errors() -> None:
    empty = app()
    empty.table = {PROBE.pid: PROBE}
    with pytest.raises(InstrumentError, match="runs no process of its own"):
        FAULT.inject(stage(empty))
    with pytest.raises(NothingToBreak):
        FAULT.check_aim(stage())


def test_a_table_that_is_none_is_not_read() -> None:
    with pytest.raises(InstrumentError, match="none of its own"):
        parsed("cat: not found\n")
