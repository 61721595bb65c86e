"""A partition between two zones: nobody hears of the other side, it heals, and tampering never passes for it."""

from typing import Any

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import partition
from harness.faults.base import Container
from harness.faults.partition import Partition
from harness.target import Target
from tests.fakes.container import FakeContainer, Misdirected
from tests.fakes.stage import FakeStage
from tests.unit.engine.projects import target

ZONES = {"app-a": "a", "cache-a": "a", "app-b": "b", "cache-b": "b"}
AIM: Target = target([], *ZONES, settings={name: {"role": name[:-2], "zone": zone} for name, zone in ZONES.items()})
FAULT = Partition(("a", "b"))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "HEALING_PATIENCE_S", 0.0)
    monkeypatch.setattr(partition.time, "sleep", lambda _: None)


def containers(**tampering: dict[str, Any]) -> dict[str, FakeContainer]:
    """Four containers on one network, two in each zone."""
    found = {
        name: FakeContainer(AIM.components[name], address=f"10.0.0.{k}", **tampering.get(name.replace("-", "_"), {}))
        for k, name in enumerate(ZONES, start=2)
    }
    for one in found.values():
        one.network = list(found.values())
    return found


def stage(*found: Container) -> FakeStage:
    return FakeStage(AIM, containers=found)


def test_it_bites_heals_and_proves_it() -> None:
    found = containers()
    injection = FAULT.inject(stage(*found.values()))
    assert found["app-a"].dropped == {"10.0.0.4", "10.0.0.5"}
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    assert receipt.delivered["packets_dropped"] >= 8
    assert not any(one.dropped for one in found.values())


def test_a_partition_that_secretly_does_nothing_is_missing() -> None:
    injection = FAULT.inject(stage(*containers(app_a={"deaf": True}, cache_a={"deaf": True}).values()))
    injection.heal()
    assert injection.receipt().status == "missing"


def test_a_partition_of_half_a_zone_is_a_mismatch() -> None:
    injection = FAULT.inject(stage(*containers(cache_a={"deaf": True}).values()))
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["rules"]) == ("mismatch", 1)
    assert "cache-a-1 dropped no packet" in receipt.evidence[-1]


def test_rules_in_another_container_than_it_says_are_not_confirmed() -> None:
    found = containers()
    other = FakeContainer(AIM.components["app"], name="somebody-elses", address="10.0.0.9")
    wrong = [Misdirected(found[name], other) for name in ("app-a", "cache-a")]
    injection = FAULT.inject(stage(*wrong, found["app-b"], found["cache-b"]))  # type: ignore[arg-type]
    assert other.dropped
    injection.heal()
    assert injection.receipt().status == "missing"
    assert not other.dropped


def test_rules_that_are_lost_on_the_way_are_a_mismatch() -> None:
    found = containers()
    injection = FAULT.inject(stage(*found.values()))
    found["app-a"].dropped = set()  # as when its container was replaced by another
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_what_does_not_heal_is_an_error() -> None:
    found = containers()
    injection = FAULT.inject(stage(*found.values()))
    found["app-a"].deaf = True
    with pytest.raises(InstrumentError, match="do not hear of each other again"):
        injection.heal()


def test_when_one_container_refuses_the_others_are_healed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = containers()

    def refuse(peers: object) -> None:
        raise InstrumentError("the engine refused")

    monkeypatch.setattr(found["cache-a"], "drop_packets", refuse)
    with pytest.raises(InstrumentError, match="the engine refused"):
        FAULT.inject(stage(*found.values()))
    assert not found["app-a"].dropped


def test_zones_that_do_not_hear_of_each_other_are_not_cut() -> None:
    found = containers()
    found["app-b"].dropped = found["cache-b"].dropped = {"10.0.0.2", "10.0.0.3"}
    with pytest.raises(InstrumentError, match="even before"):
        FAULT.inject(stage(*found.values()))


def test_a_target_with_one_zone_has_nothing_to_cut() -> None:
    found = containers()
    with pytest.raises(NothingToBreak):
        FAULT.check_aim(stage(found["app-a"], found["cache-a"]))


@pytest.mark.parametrize("zones", [("a",), ("a", "a"), "ab", ("a", "b", "c")])
def test_a_partition_needs_two_zones(zones: Any) -> None:
    with pytest.raises(ValueError, match="two different zones"):
        Partition(zones)
