"""A rolling deploy: all components at once, and confirmed only when everybody was replaced."""

from collections.abc import Iterator

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import rolling_deploy
from harness.faults.rolling_deploy import RollingDeploy
from harness.target import Target
from tests.fakes.service import FakeService
from tests.fakes.stage import FakeStage
from tests.unit.engine.projects import target

AIM: Target = target(
    [], "app-a", "app-b", settings={"app-a": {"role": "web", "zone": "a"}, "app-b": {"role": "web", "zone": "b"}}
)


class Clock:
    """Stands still unless somebody waits."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(rolling_deploy.time, "sleep", clock.sleep)
    monkeypatch.setattr(rolling_deploy.time, "monotonic", clock.now)
    return clock


def stage(clock: Clock, *services: FakeService) -> FakeStage:
    return FakeStage(AIM, services=services, clock=clock)  # type: ignore[arg-type]


def test_it_replaces_everybody_and_begins_with_all_components_at_once(clock: Clock) -> None:
    first, second = FakeService("app-a"), FakeService("app-b", instances=3)
    injection = RollingDeploy(role="web").inject(stage(clock, first, second))
    assert (first.deploys, second.deploys) == (1, 1)
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert (first.deploys, second.deploys) == (1, 1)
    assert (receipt.status, receipt.requested, receipt.delivered) == ("confirmed", {"replaced": 5}, {"replaced": 5})
    assert receipt.on_s == 5.0
    assert receipt.off_s == pytest.approx(clock.now_s)
    assert receipt.evidence[0].startswith("app-a: 2 of 2 instances were replaced, from 5.0 to")


REGIONS: Target = target(
    [],
    *(names := ("app-a", "app-b", "app-d")),
    settings={name: {"role": "web", "region": "eu" if name == "app-d" else "us"} for name in names},
)


def test_a_region_is_begun_when_the_one_before_it_is_done(clock: Clock) -> None:
    here, there = FakeService("app-a"), FakeService("app-d")
    injection = RollingDeploy(role="web").inject(FakeStage(REGIONS, services=(here, there), clock=clock))  # type: ignore[arg-type]
    assert (here.deploys, there.deploys) == (1, 0)
    clock.sleep(1.0)
    injection.heal()
    injection.heal()
    assert (here.deploys, there.deploys) == (1, 1)
    first, second = injection.deploys
    assert first.settled_s is not None and first.settled_s == second.begun_s
    assert injection.receipt().status == "confirmed"


def test_what_replaces_nobody_is_not_carried_to_the_next_region(clock: Clock) -> None:
    here, there = FakeService("app-a", deaf=True), FakeService("app-d")
    injection = RollingDeploy(role="web").inject(FakeStage(REGIONS, services=(here, there), clock=clock))  # type: ignore[arg-type]
    injection.heal()
    injection.heal()
    assert there.deploys == 0
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert receipt.evidence[1].endswith("it was not begun, because the one before it did not come to its end")


def test_a_deploy_that_secretly_does_nothing_is_missing(clock: Clock) -> None:
    injection = RollingDeploy(role="web").inject(stage(clock, FakeService("app-a", deaf=True)))
    injection.heal()
    assert injection.receipt().status == "missing"


def test_half_a_deploy_is_a_mismatch_and_does_not_heal(clock: Clock) -> None:
    injection = RollingDeploy(role="web").inject(stage(clock, FakeService("app-a", keeps=1)))
    with pytest.raises(InstrumentError, match="app-a did not end in 140 s"):
        injection.heal()
    assert injection.receipt().status == "mismatch"


def test_an_instance_that_nobody_replaces_is_a_mismatch(clock: Clock) -> None:
    injection = RollingDeploy(role="web").inject(stage(clock, FakeService("app-a", shrinks=True)))
    with pytest.raises(InstrumentError, match="did not end"):
        injection.heal()
    assert injection.receipt().status == "mismatch"


def test_one_component_of_two_is_a_mismatch(clock: Clock) -> None:
    injection = RollingDeploy(role="web").inject(stage(clock, FakeService("app-a"), FakeService("app-b", deaf=True)))
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_it_is_aimed_and_aiming_at_nothing_is_an_error(clock: Clock) -> None:
    fault = RollingDeploy(role="web", zone="b")
    assert fault.aimed_at == "role web, zone b"
    with pytest.raises(NothingToBreak):
        fault.check_aim(stage(clock, FakeService("app-a")))
    with pytest.raises(ValueError, match="needs a role, a zone or a region"):
        RollingDeploy()
