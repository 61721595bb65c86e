"""Every fault is measured to bite the real v1, from the outside, and to leave nothing behind."""

import time
from collections.abc import Iterator

import docker
import httpx
import pytest

from harness.clock import RunClock
from harness.engine.compose import ComposeDeployer
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.engine.residue import residue, snapshot
from harness.engine.stack import Stack
from harness.engine.stage import DockerStage
from harness.faults.base import Fault
from harness.faults.crash import Crash
from harness.faults.link_black_hole import LinkBlackHole
from harness.faults.link_down import LinkDown
from harness.faults.link_reset import LinkReset
from harness.faults.link_slow import LinkSlow
from harness.faults.pause import Pause
from harness.faults.provider_error import ProviderError
from harness.faults.provider_hang import ProviderHang
from harness.faults.provider_slow import ProviderSlow
from harness.faults.provider_truncated import ProviderTruncated
from harness.faults.restart_with_loss import RestartWithLoss
from harness.faults.stop import Stop
from harness.target import find_target

pytestmark = [pytest.mark.engine, pytest.mark.slow]
TARGET = find_target("v1")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """v1 for real, woven; taken down afterwards, and the engine as it was before."""
    client: docker.DockerClient = connect()
    with EngineLock(engine_id(client), who="tests"):
        ensure_images(client, [*TARGET.images, "toxiproxy"], lambda _: None)
        before = snapshot(client)
        running = ComposeDeployer(client, tmp_path_factory.mktemp("v1")).up(TARGET, "tests-faults", lambda _: None)
        try:
            running.ready(60)
            yield running
        finally:
            running.down()
        assert residue(before, snapshot(client)) == []
    client.close()


def chat(stack: Stack, timeout_s: float = 10.0) -> tuple[int, float]:
    """(status, seconds) of one chat; 0 when there was no answer."""
    started = time.monotonic()
    try:
        with httpx.Client(trust_env=False, timeout=timeout_s) as web:
            status = web.post(f"{stack.base_url}/v1/chat", json={"message": "Hello?"}).status_code
    except httpx.HTTPError:
        status = 0
    return status, time.monotonic() - started


def until_good(stack: Stack, patience_s: float = 20.0) -> None:
    deadline = time.monotonic() + patience_s
    while chat(stack)[0] != 200:
        assert time.monotonic() < deadline, "the API did not recover"
        time.sleep(0.1)


def bad(status: int, seconds: float) -> bool:
    return status != 200


def good(status: int, seconds: float) -> bool:
    return status == 200


def slow(status: int, seconds: float) -> bool:
    return status == 200 and seconds > 1.0


# What a user sees of each fault while it is on. A crash without `stays_away` is over before one can ask.
CASES: list[tuple[Fault, object]] = [
    (Crash(role="app", stays_away=True), bad),
    (Crash(role="database", stays_away=True), bad),
    (Crash(role="cache"), good),
    (Stop(role="app"), bad),
    (Stop(role="cache"), good),
    (Pause(role="app"), bad),
    (Pause(zone="a"), bad),
    (RestartWithLoss(role="cache"), good),
    (LinkDown("database"), bad),
    (LinkDown("cache"), good),
    (LinkSlow("database", latency_ms=200), slow),
    (LinkBlackHole("database"), bad),
    (LinkBlackHole("cache"), good),
    (LinkReset("database"), bad),
    (LinkReset("provider"), bad),
    (ProviderError(status=429, retry_after_s=2), bad),
    (ProviderError(status=500), bad),
    (ProviderHang(), bad),
    (ProviderSlow(first_token_s=2.0), slow),
    (ProviderTruncated(), bad),
]


@pytest.mark.parametrize(("fault", "seen"), CASES, ids=lambda x: f"{x.name}-{x.aimed_at}" if hasattr(x, "name") else "")
def test_each_fault_bites_heals_and_leaves_nothing(stack: Stack, fault: Fault, seen) -> None:  # type: ignore[no-untyped-def]
    stack.settle(60)
    assert stack.settle(60) == []
    until_good(stack)
    stage = DockerStage(stack, TARGET, RunClock.starting_in(0))
    fault.check_aim(stage)
    injection = fault.inject(stage)
    try:
        assert seen(*chat(stack, timeout_s=6.0))
    finally:
        injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s < receipt.off_s
    until_good(stack)
    # A health check may not have seen yet that the container is well again: that is no residue.
    left = [line for line in stack.settle(60) if ": it was running," not in line]
    assert left == []


def test_a_crash_is_mended_by_the_restart_policy_and_only_by_it(stack: Stack) -> None:
    stack.settle(60)
    stage = DockerStage(stack, TARGET, RunClock.starting_in(0))
    container = stage.containers(role="app", zone=None, region=None)[0]
    before = container.state()
    injection = Crash(role="app").inject(stage)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.delivered["mended_by_target"] is True
    assert container.state().restart_count > before.restart_count
    assert container.state().pid != before.pid


def test_a_fault_switched_off_behind_the_harness_is_not_confirmed(stack: Stack) -> None:
    stack.settle(60)
    injection = LinkBlackHole("cache").inject(DockerStage(stack, TARGET, RunClock.starting_in(0)))
    for server in stack.servers.values():
        server.reset()
    injection.heal()
    assert injection.receipt().status != "confirmed"
