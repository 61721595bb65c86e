"""A bad deploy: it is seen through, taken back by hand where the target does not, and never confirmed for nothing."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import bad_deploy
from harness.faults.bad_deploy import BadDeploy
from harness.history import Receipt
from harness.target import Target
from tests.fakes.deploys import GOES_OUT, GOOD, STARTS, TAKEN_BACK, FakeDeployable, bad
from tests.fakes.stage import FakeStage
from tests.unit.engine.projects import target

APPS = ("app-a", "app-b")
AIM: Target = target(
    [],
    *APPS,
    "cache",
    settings={name: {"role": "web"} for name in APPS},
    bad_versions={"errors": {"service": APPS, "command": ("broken",)}, "cold": {"service": "cache", "env": {"A": "1"}}},
)
FAULT = BadDeploy("errors", role="web")


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(bad_deploy, "time", clock)
    return clock


def stage(*services: FakeDeployable) -> FakeStage:
    return FakeStage(AIM, services=services)


def carried_out(*services: FakeDeployable) -> Receipt:
    injection = FAULT.inject(stage(*services))
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    return receipt


def test_a_target_that_takes_it_back_is_left_to_it_and_the_next_service_is_not_reached() -> None:
    first, second = FakeDeployable("app-a", TAKEN_BACK), FakeDeployable("app-b", GOES_OUT)
    receipt = carried_out(first, second)
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered == {
        "bad_instances": 1,
        "most_at_once": 0,
        "services_reached": 1,
        "stopped_by_target": True,
        "mended_by_target": True,
    }
    assert (first.calls, second.calls) == (["deploy"], [])
    assert "task-1; it was taken back by itself" in receipt.evidence[0]
    assert "rollback_completed: said while rollback_completed" in receipt.evidence[0]


def test_one_that_goes_out_without_a_word_reaches_everybody_and_is_taken_back_by_hand() -> None:
    first, second = FakeDeployable("app-a", GOES_OUT), FakeDeployable("app-b", GOES_OUT)
    receipt = carried_out(first, second)
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["services_reached"], receipt.delivered["most_at_once"]) == (2, 4)
    assert (receipt.delivered["stopped_by_target"], receipt.delivered["mended_by_target"]) == (False, False)
    assert first.calls[:2] == second.calls[:2] == ["deploy", "take_back"]


def test_one_that_only_halts_is_taken_back_by_hand() -> None:
    service, other = FakeDeployable("app-a", [STARTS, bad("paused", 1, 1)]), FakeDeployable("app-b", GOES_OUT)
    receipt = carried_out(service, other)
    assert (receipt.status, receipt.delivered["most_at_once"]) == ("confirmed", 1)
    assert (receipt.delivered["stopped_by_target"], receipt.delivered["mended_by_target"]) == (True, False)
    assert not other.calls


def test_one_that_does_not_come_to_its_end_is_taken_back_by_hand(clock: Clock) -> None:
    service = FakeDeployable("app-a", [STARTS])
    receipt = carried_out(service, FakeDeployable("app-b", GOES_OUT))
    assert (receipt.status, receipt.delivered["stopped_by_target"]) == ("confirmed", False)
    assert "take_back" in service.calls
    assert clock.now < 90  # what a strike is waited for


def test_what_comes_and_goes_before_it_is_healed_is_seen_too() -> None:
    looks = [STARTS, bad("updating", 1, 1), bad("rollback_completed", wanted=False)]
    service = FakeDeployable("app-a", looks)
    injection = FAULT.inject(stage(service, FakeDeployable("app-b", GOES_OUT)))
    assert injection.watching is not None
    for _ in range(200):
        if len(service.looks) == 1 and injection.off_s is not None:
            break
        injection.watching.join(0.05)
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["most_at_once"]) == ("confirmed", 1)
    assert receipt.delivered["mended_by_target"] is True


def test_what_cannot_be_taken_back_is_an_error_and_no_proof() -> None:
    injection = FAULT.inject(stage(FakeDeployable("app-a", GOES_OUT, stays=True), FakeDeployable("app-b", GOES_OUT)))
    with pytest.raises(InstrumentError, match="was not gone within"):
        injection.heal()
    assert injection.receipt().status == "mismatch"


def test_a_deploy_of_which_nothing_was_ever_seen_is_missing() -> None:
    injection = FAULT.inject(stage(FakeDeployable("app-a", [GOOD])))
    injection.heal()
    assert injection.receipt().status == "missing"


def test_it_is_aimed_and_aiming_at_nothing_is_an_error() -> None:
    assert FAULT.aimed_at == "role web, version errors"
    apps = [FakeDeployable(name, TAKEN_BACK) for name in APPS]
    FAULT.check_aim(stage(*apps))
    for fault, why in [
        (BadDeploy("unready", role="web"), r"no bad version 'unready'.*bad_versions\.unready"),
        (BadDeploy("cold", role="web"), "none of anything with role web, version cold"),
        (BadDeploy("errors", role="cache"), "no such service here"),
    ]:
        with pytest.raises(NothingToBreak, match=why):
            fault.check_aim(stage(*apps))
    with pytest.raises(ValueError, match="needs a role, a zone or a region"):
        BadDeploy("errors")


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ({"service": "app-a"}, "it is the good one"),
        ({"service": "ap-a", "env": {"A": "1"}}, "'ap-a', which is not a component. Did you mean 'app-a'"),
        ({"service": (), "env": {"A": "1"}}, "at least 1 item"),
    ],
)
def test_a_bad_version_that_is_none_is_refused(version: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        target([], "app-a", bad_versions={"errors": version})
