"""A partition between two zones: nobody hears of the other side, it heals, and tampering never passes for it."""

import threading
from typing import Any

import pytest

from harness.clock import RunClock
from harness.errors import InstrumentError, NothingToBreak
from harness.faults import partition
from harness.faults.base import Container
from harness.faults.muster import Watch
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


class Watched:
    """A stage on which others start, and where the partition looks at once instead of in a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._watches: list[Watch] = []
        watches = self._watches

        def start(watch: Watch) -> None:
            watches.append(watch)

        monkeypatch.setattr(Watch, "start", start)

    def stage(self, *found: FakeContainer) -> FakeStage:
        self._found = list(found)
        self._stage = FakeStage(AIM, containers=self._found)
        return self._stage

    def replaced(self, container: FakeContainer, address: str, noticed: bool = True) -> None:
        """Another container, with another address and without rules, runs in its place."""
        container.replace()
        container.address, container.dropped, container.drops = address, set(), 0
        if noticed:
            self._watches[0].look()

    def joined(self, container: FakeContainer) -> None:
        self._found.append(container)
        self._watches[0].look()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_a_start_is_noticed_by_itself_until_it_is_stopped() -> None:
    found, seen, again = stage(*containers().values()), threading.Event(), threading.Event()
    looks = iter((seen, again))
    watch = Watch(found, lambda: next(looks).set())
    watch.start()
    found.started += 1
    assert seen.wait(5)
    watch.stop()
    found.started += 1
    assert not again.wait(0.3)


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


@pytest.mark.parametrize("name", ["app-a", "app-b"])
def test_one_that_takes_anothers_place_meanwhile_is_cut_off_too(name: str, watched: Watched) -> None:
    found = containers()
    injection = FAULT.inject(watched.stage(*found.values()))
    watched.replaced(found[name], "10.0.0.9")
    assert found[name].dropped == {found[there].address for there in ZONES if there[-1] != name[-1]}
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert [when for when, _ in injection.looks] == [
        "while on",
        f"after {found[name].name} had started",
        "before healing",
    ]
    assert any(f"{found[name].name} started at" in sentence for sentence in receipt.evidence)
    assert not any(one.dropped for one in found.values())


def test_who_is_new_is_cut_off_by_rules_of_its_own_and_nobody_else_gets_new_ones(watched: Watched) -> None:
    found = containers()
    FAULT.inject(watched.stage(*found.values()))
    watched.replaced(found["app-b"], "10.0.0.9")
    assert found["app-a"].dropped == found["cache-a"].dropped == {"10.0.0.4", "10.0.0.5"}


def test_an_address_that_goes_over_to_the_other_zone_is_no_longer_dropped_by_its_own(watched: Watched) -> None:
    found = containers()
    injection = FAULT.inject(watched.stage(*found.values()))
    watched.replaced(found["app-b"], "10.0.0.9")
    watched.replaced(found["app-a"], "10.0.0.4")  # it was app-b's
    assert found["app-a"].dropped == found["cache-a"].dropped == {"10.0.0.9", "10.0.0.5"}
    assert found["app-b"].dropped == {"10.0.0.4", "10.0.0.3"}
    injection.heal()
    assert injection.receipt().status == "confirmed"
    assert not any(one.dropped for one in found.values())


def test_who_could_not_be_cut_off_is_tried_again(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    found = containers()
    injection = FAULT.inject(watched.stage(*found.values()))

    def refuse(peers: object) -> None:
        raise InstrumentError("the engine refused")

    with monkeypatch.context() as once:
        once.setattr(found["app-a"], "drop_packets", refuse)
        watched.replaced(found["app-a"], "10.0.0.9")
    injection.watch.look()
    assert found["app-a"].dropped == {"10.0.0.4", "10.0.0.5"}
    injection.heal()


def test_one_more_is_cut_off_as_well_and_one_that_goes_is_not_asked(watched: Watched) -> None:
    found = containers()
    one_more = FakeContainer(AIM.components["app-a"], name="app-a-2", address="10.0.0.7")
    injection = FAULT.inject(watched.stage(*found.values()))
    one_more.network = [*found.values(), one_more]
    for one in found.values():
        one.network = one_more.network
    watched.joined(one_more)
    assert one_more.dropped == {"10.0.0.4", "10.0.0.5"}
    found["app-a"].dismiss()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.requested["rules"] == 2
    assert not one_more.dropped


def test_one_that_nobody_noticed_until_the_end_is_a_mismatch(watched: Watched) -> None:
    found = containers()
    injection = FAULT.inject(watched.stage(*found.values()))
    watched.replaced(found["app-a"], "10.0.0.9", noticed=False)
    injection.stage.clock = RunClock(injection.stage.clock.t0_monotonic - 12.0, injection.stage.clock.t0_wall)  # type: ignore[attr-defined]
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_one_that_cannot_be_cut_off_is_a_mismatch_and_everything_else_heals(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = containers()
    injection = FAULT.inject(watched.stage(*found.values()))

    def refuse(peers: object) -> None:
        raise InstrumentError("the engine refused")

    monkeypatch.setattr(found["app-a"], "drop_packets", refuse)
    watched.replaced(found["app-a"], "10.0.0.9")
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "mismatch"
    assert "the engine refused" in receipt.evidence
    assert not any(one.dropped for one in found.values())


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
