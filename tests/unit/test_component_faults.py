"""Faults on components: each bites, heals, proves it, and cannot be confirmed when it was tampered with."""

from collections.abc import Callable

import pytest

from harness.clock import RunClock
from harness.errors import InstrumentError, NothingToBreak
from harness.faults import away, component, pause
from harness.faults.base import Container
from harness.faults.component import ComponentFault
from harness.faults.crash import Crash
from harness.faults.pause import Pause
from harness.faults.restart_with_loss import RestartWithLoss
from harness.faults.stop import Stop
from harness.target import find_target
from tests.fakes.container import FakeContainer, Misdirected
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULTS: dict[str, Callable[[], ComponentFault]] = {
    "crash": lambda: Crash(role="cache"),
    "crash_away": lambda: Crash(role="cache", stays_away=True),
    "stop": lambda: Stop(role="cache"),
    "pause": lambda: Pause(role="cache"),
    "restart_with_loss": lambda: RestartWithLoss(role="cache"),
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away, "UNTOUCHED_AFTER_S", 0.0)
    monkeypatch.setattr(away, "MENDING_PATIENCE_S", 0.0)
    monkeypatch.setattr(away, "COUNTING_PATIENCE_S", 0.0)
    monkeypatch.setattr(component.time, "sleep", lambda _: None)
    monkeypatch.setattr(pause.time, "sleep", lambda _: None)


def cache(**tampering: bool) -> FakeContainer:
    return FakeContainer(TARGET.components["cache"], entries=7, **tampering)  # type: ignore[arg-type]


def stage(*containers: Container) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


@pytest.mark.parametrize("name", FAULTS)
def test_it_bites_heals_and_proves_it(name: str) -> None:
    container = cache()
    injection = FAULTS[name]().inject(stage(container))
    injection.heal()
    injection.heal()  # healing twice does no harm
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s is not None and receipt.off_s is not None
    assert receipt.on_s <= receipt.off_s
    assert container.state().status == "running"
    assert container.policy == "always"
    assert all("cache" in sentence for sentence in receipt.evidence)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_secretly_does_nothing_is_not_confirmed(name: str) -> None:
    injection = FAULTS[name]().inject(stage(cache(deaf=True)))
    injection.heal()
    assert injection.receipt().status == "missing"


@pytest.mark.parametrize("name", FAULTS)
def test_half_the_dose_is_a_mismatch(name: str) -> None:
    both = (cache(), FakeContainer(TARGET.components["cache"], name="second", entries=7, deaf=True))
    injection = FAULTS[name]().inject(stage(*both))
    injection.heal()
    assert injection.receipt().status == "mismatch"


@pytest.mark.parametrize("name", FAULTS)
def test_hitting_another_container_than_it_says_is_not_confirmed(name: str) -> None:
    other = FakeContainer(TARGET.components["cache"], name="somebody-elses", entries=7)
    injection = FAULTS[name]().inject(stage(Misdirected(cache(), other)))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert all("somebody-elses" not in sentence for sentence in receipt.evidence)
    assert other.calls  # it was hit, and healed again
    assert other.state().status == "running"


@pytest.mark.parametrize("name", FAULTS)
def test_one_of_two_misdirected_is_a_mismatch(name: str) -> None:
    wrong = Misdirected(FakeContainer(TARGET.components["cache"], name="second", entries=7), cache())
    injection = FAULTS[name]().inject(stage(cache(), wrong))
    injection.heal()
    assert injection.receipt().status == "mismatch"


@pytest.mark.parametrize("name", FAULTS)
def test_aiming_at_nothing_is_an_error(name: str) -> None:
    with pytest.raises(NothingToBreak):
        FAULTS[name]().check_aim(stage())
    with pytest.raises(NothingToBreak):
        FAULTS[name]().inject(stage())


@pytest.mark.parametrize("fault", [Crash, Stop, Pause, RestartWithLoss])
def test_a_fault_without_an_aim_cannot_be_constructed(fault: type[ComponentFault]) -> None:
    with pytest.raises(ValueError, match="needs a role, a zone or a region"):
        fault()


def test_what_cannot_be_started_again_fails_the_healing() -> None:
    container = cache(stays_down=True)
    injection = Stop(role="cache").inject(stage(container))
    with pytest.raises(InstrumentError, match="could not be started again"):
        injection.heal()


def test_a_crash_that_no_policy_mends_is_started_by_hand_and_says_so() -> None:
    container = cache()
    container.policy = "no"
    injection = Crash(role="cache").inject(stage(container))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed"
    assert receipt.delivered["mended_by_target"] is False
    assert container.calls == ["crash", "start"]


def test_a_held_crash_holds_the_policy_before_it_kills() -> None:
    container = cache()
    injection = Crash(role="cache", stays_away=True).inject(stage(container))
    assert container.state().status == "exited"
    assert container.calls == ["hold_restarts", "crash"]
    injection.heal()
    assert container.calls[2:4] == ["release_restarts", "start"]


def test_contents_are_counted_before_and_right_after() -> None:
    injection = RestartWithLoss(role="cache").inject(stage(cache()))
    injection.heal()
    delivered = injection.receipt().delivered
    assert (delivered["contents_before"], delivered["contents_after"]) == (7, 0)


def test_a_wipe_that_leaves_the_contents_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeContainer, "wipe", lambda self: None)
    injection = RestartWithLoss(role="cache").inject(stage(cache()))
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_contents_that_cannot_be_counted_afterwards_are_left_out_and_not_called_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    injection = Stop(role="cache").inject(stage(cache()))

    def uncountable(self: FakeContainer) -> int:
        raise InstrumentError("redis-cli does not answer")

    monkeypatch.setattr(FakeContainer, "contents", uncountable)
    injection.heal()
    assert "contents_after" not in injection.receipt().delivered


def test_when_one_of_two_strikes_fails_the_other_is_healed() -> None:
    good, gone = cache(), FakeContainer(TARGET.components["cache"], name="second")
    fault = Pause(role="cache")
    injected = stage(good, gone)

    def refuse() -> None:
        raise InstrumentError("the engine refused")

    gone.pause = refuse  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="the engine refused"):
        fault.inject(injected)
    assert good.state().status == "running"


def pair(**second: bool) -> list[FakeContainer]:
    """Two containers of the cache, of which the second is the primary."""
    one = FakeContainer(TARGET.components["cache"], name="cache-standby", entries=7, primary=False)
    return [one, FakeContainer(TARGET.components["cache"], name="cache-primary", entries=7, **second)]  # type: ignore[arg-type]


@pytest.mark.parametrize("fault", [Crash, Stop, Pause])
def test_only_the_primary_is_hit(fault: type[ComponentFault]) -> None:
    standby, primary = pair()
    aimed = fault(role="cache", only="primary")
    injection = aimed.inject(stage(standby, primary))  # type: ignore[attr-defined]
    injection.heal()
    assert aimed.aimed_at == "primary of role cache"
    assert injection.receipt().status == "confirmed"
    assert primary.calls and not standby.calls


def test_hitting_the_standby_instead_of_the_primary_is_not_confirmed() -> None:
    standby, primary = pair()
    injection = Crash(role="cache", only="primary").inject(stage(standby, Misdirected(primary, standby)))
    assert standby.calls == ["crash"]
    injection.heal()
    assert injection.receipt().status == "missing"


def test_one_of_several_is_the_first_by_name_and_the_others_go_on() -> None:
    standby, primary = pair()
    aimed = Crash(role="cache", only="one")
    injection = aimed.inject(stage(standby, primary))
    injection.heal()
    receipt = injection.receipt()
    assert (aimed.aimed_at, receipt.status, receipt.requested["containers"]) == ("role cache", "confirmed", 1)
    assert primary.calls == ["crash"] and not standby.calls


def test_without_a_second_container_there_is_no_primary_to_be_replaced() -> None:
    with pytest.raises(NothingToBreak, match="only one container with role cache"):
        Crash(role="cache", only="primary").check_aim(stage(cache()))


def test_that_nobody_says_to_be_the_primary_is_an_error() -> None:
    standby, primary = pair(primary=False)
    with pytest.raises(InstrumentError, match="None of cache-standby, cache-primary says"):
        Crash(role="cache", only="primary").check_aim(stage(standby, primary))


def test_a_whole_zone_crashes_and_stays_away() -> None:
    parts = [FakeContainer(TARGET.components[name], entries=7) for name in ("app", "database", "cache")]
    injection = Crash(zone="a", stays_away=True).inject(stage(*parts))
    assert [one.state().status for one in parts] == ["exited"] * 3
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["containers"], receipt.delivered["stays_away"]) == ("confirmed", 3, True)
    assert all(one.policy == "always" and one.state().status == "running" for one in parts)


def test_one_that_comes_back_before_it_is_let_is_a_mismatch() -> None:
    parts = [FakeContainer(TARGET.components[name], entries=7) for name in ("app", "cache")]
    injection = Crash(zone="a", stays_away=True).inject(stage(*parts))
    parts[0].start()  # as when an orchestrator puts another in its place
    injection.stage.clock = RunClock(injection.stage.clock.t0_monotonic - 12.0, injection.stage.clock.t0_wall)  # type: ignore[attr-defined]
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["stays_away"]) == ("mismatch", False)


@pytest.mark.parametrize("zone", ["a", "b"])
def test_the_zone_that_holds_the_primary_is_hit_whichever_that_is(zone: str) -> None:
    v2 = find_target("v2")
    names = [f"{what}-{where}" for where in ("a", "b") for what in ("app", "database", "cache")]
    parts = {name: FakeContainer(v2.components[name], primary=name == f"database-{zone}") for name in names}
    aimed = Crash(zone_of="database", stays_away=True)
    injection = aimed.inject(FakeStage(v2, containers=list(parts.values())))
    assert aimed.aimed_at == "zone of the primary of role database"
    away = {name for name, part in parts.items() if part.state().status == "exited"}
    assert away == {f"app-{zone}", f"database-{zone}", f"cache-{zone}"}
    injection.heal()
    assert injection.receipt().status == "confirmed"


def test_where_there_is_one_zone_it_is_that_one() -> None:
    parts = [FakeContainer(TARGET.components[name]) for name in ("app", "database", "cache")]
    Crash(zone_of="database", stays_away=True).inject(stage(*parts))
    assert all(one.state().status == "exited" for one in parts)


def test_a_zone_by_name_and_by_its_primary_is_refused() -> None:
    with pytest.raises(ValueError, match="not both"):
        Crash(zone="a", zone_of="database")


@pytest.mark.parametrize("primary", ["db-1", "db-3"])
def test_a_majority_is_two_of_three_and_the_primary_is_among_them(primary: str) -> None:
    component = TARGET.components["database"]
    nodes = {name: FakeContainer(component, name=name, primary=name == primary) for name in ("db-3", "db-1", "db-2")}
    fault = Crash(role="database", only="majority", stays_away=True)
    injection = fault.inject(stage(*nodes.values()))
    away = {name for name, node in nodes.items() if node.state().status == "exited"}
    assert (len(away), primary in away, fault.aimed_at) == (2, True, "majority of role database")
    injection.heal()
    assert injection.receipt().status == "confirmed"


def test_of_two_a_majority_would_be_all() -> None:
    with pytest.raises(NothingToBreak, match="only 2 containers for a majority of role cache: nobody would be left"):
        Crash(role="cache", only="majority").check_aim(stage(*pair()))
