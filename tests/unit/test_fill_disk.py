"""A disk that fills up: the kernel must call it full, it is emptied again, and the user's own disk is never touched."""

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import component, fill_disk
from harness.faults.fill_disk import FillDisk
from harness.target import find_target
from tests.fakes.container import FakeContainer
from tests.fakes.disk import DiskContainer
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULT = FillDisk(role="database", within_s=5)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill_disk, "RUNS_PATIENCE_S", 0.0)
    monkeypatch.setattr(fill_disk, "LATE_S", -5.0)
    monkeypatch.setattr(component.time, "sleep", lambda _: None)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fill_disk, "LATE_S", 5.0)


def database(**tampering: object) -> DiskContainer:
    return DiskContainer(TARGET.components["database"], **tampering)


def stage(*containers: FakeContainer) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


@pytest.mark.usefixtures("patient")
def test_it_fills_up_and_is_emptied() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    assert list(container.left.values()) == ["TESTBED_FAULT=filler"]
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["disks_full"] == 1
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    assert (container.left, container.written) == ({}, 0)
    assert "free: 50.0 MB before, 0.0 MB when healing began, 50.0 MB after it" in receipt.evidence[0]


def test_a_disk_that_does_not_fill_up_is_missing() -> None:
    injection = FAULT.inject(stage(database(deaf=True)))
    injection.heal()
    assert injection.receipt().status == "missing"


@pytest.mark.usefixtures("patient")
def test_space_that_somebody_makes_is_a_mismatch() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    container.written = 0
    injection.heal()
    assert injection.receipt().status == "mismatch"


@pytest.mark.usefixtures("patient")
def test_what_cannot_be_emptied_is_an_error() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    container.keeps = True
    with pytest.raises(InstrumentError, match="is still full"):
        injection.heal()
    container.keeps, container.policy = False, "no"
    container.crash()
    with pytest.raises(InstrumentError, match="does not run"):
        injection.heal()


def test_the_users_own_disk_is_not_filled_up() -> None:
    container = database(size=900_000_000_000)
    with pytest.raises(NothingToBreak, match=r"900000 MB and not the 100 of .* it is the user's own"):
        FAULT.check_aim(stage(container))
    with pytest.raises(NothingToBreak):
        FAULT.inject(stage(container))
    assert not container.left
    with pytest.raises(ValueError, match="within_s"):
        FillDisk(role="database", within_s=0)
