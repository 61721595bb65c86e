"""Faults on whole zones and whole services of a stack under Swarm: each bites on a real engine and leaves nothing."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import docker
import httpx
import pytest

from harness.clock import RunClock
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.packets import IMAGE
from harness.engine.residue import residue, snapshot
from harness.engine.stage import DockerStage
from harness.engine.swarm_stack import SwarmStack
from harness.faults.knock import Heard, Pair
from harness.faults.partition import Partition
from harness.faults.rolling_deploy import RollingDeploy
from harness.target import load_target
from tests.integration.deploying import (
    CAMPAIGN,
    TINY_SWARM,
    build_images,
    engine_to_ourselves,
    eventually,
    swarm_deployer,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FAULT = Partition(("a", "b"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmStack]:
    client = connect()
    build_images(client)
    ensure_images(client, ["provider-sim"], lambda line: None)
    with engine_to_ourselves(client):
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
        before = snapshot(client)
        target = load_target(TINY_SWARM)
        stack = swarm_deployer(client, tmp_path_factory.mktemp("campaign")).up(target, CAMPAIGN, lambda line: None)
        try:
            stack.ready(30)
            yield stack
        finally:
            stack.down()
        assert residue(before, snapshot(client)) == []
    client.close()


@pytest.fixture
def stack(shared: SwarmStack) -> Iterator[SwarmStack]:
    """The one stack; whatever a test did to it must have been healed by the fault itself."""
    shared.settle(60)
    yield shared
    assert rules(shared) == []


def stage(stack: SwarmStack) -> DockerStage:
    return DockerStage(stack, stack.target, RunClock.starting_in(0))


def reaches_the_store(stack: SwarmStack) -> bool:
    answer = httpx.get(stack.base_url, timeout=10, trust_env=False).json()
    assert answer["sim"] is True, "the partition is between a and b, and nobody else is cut off"
    return bool(answer["store"])


def crossing(stack: SwarmStack) -> list[Heard]:
    """What comes of a connection from each container of one zone straight to one of the other, past Toxiproxy."""
    (store,), web = stack.containers("store"), stack.containers("web")
    own = store.run(("hostname", "-i")).split()
    common = [(one, address) for one in web for address in one.run(("hostname", "-i")).split()]
    prefix = own[0].rpartition(".")[0]
    near = [(one, address) for one, address in common if address.rpartition(".")[0] == prefix]
    return [Pair(store, address).knock() for _, address in near] + [Pair(one, own[0]).knock() for one, _ in near]


def rules(stack: SwarmStack) -> list[str]:
    """Every chain of ours in the network namespace of any container of the stack."""
    client: docker.DockerClient = connect()
    try:
        running = [c for c in client.containers.list() if c.labels.get("testbed.campaign") == CAMPAIGN]
        found = []
        for one in running:
            said = client.containers.run(
                IMAGE,
                ["-c", "iptables -S || iptables-legacy -S"],
                entrypoint="sh",
                user="0",
                network_mode=f"container:{one.id}",
                cap_add=["NET_ADMIN"],
                remove=True,
            )
            found += [f"{one.name}: {line}" for line in said.decode().splitlines() if "testbed-" in line]
        return found
    finally:
        client.close()


def test_a_partition_silences_what_crosses_it_and_nothing_else(stack: SwarmStack) -> None:
    assert set(crossing(stack)) == {"heard"}
    assert rules(stack) == []
    injection = FAULT.inject(stage(stack))
    try:
        assert set(crossing(stack)) == {"silent"}
        assert reaches_the_store(stack) is False
        assert Pair(stack.containers("store")[0], stack.containers("helper")[0].addresses()[0]).knock() == "heard"
        assert {line.split(":")[0].split(".")[0] for line in rules(stack) if "DROP" in line} >= {
            "testbed-tiny-swarm_store-upstream",
            "testbed-tiny-swarm_helper",
        }
        assert all(one.dropped_packets() > 0 for name in ("store", "helper") for one in stack.containers(name))
        assert stack.links["store"].probe().outcome == "answered", "nobody outside the two zones is cut off"
    finally:
        injection.heal()
    assert rules(stack) == []
    assert set(crossing(stack)) == {"heard"}
    assert reaches_the_store(stack) is True
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.requested["rules"] == receipt.delivered["rules"] == 2
    assert receipt.delivered["packets_dropped"] > 0


@pytest.mark.parametrize("component", ["store", "web"])  # of the zone that has the rules, and of the other
def test_whoever_is_replaced_during_a_partition_is_cut_off_within_seconds(stack: SwarmStack, component: str) -> None:
    injection = FAULT.inject(stage(stack))
    try:
        victim = stack.containers(component)[0]
        before = victim.id
        victim.crash()
        assert eventually(lambda: victim.id != before and victim.state().status == "running")
        assert eventually(lambda: any(victim.name in line for line in injection.newcomers), within_s=5)
        assert set(crossing(stack)) == {"silent"}
    finally:
        injection.heal()
    assert rules(stack) == []
    assert set(crossing(stack)) == {"heard"}
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert any(f"{victim.name} started at" in line for line in receipt.evidence)


def test_one_more_replica_during_a_partition_is_cut_off_too(stack: SwarmStack) -> None:
    injection = FAULT.inject(stage(stack))
    try:
        stack.swarm_services["web"].scale(3)
        assert eventually(lambda: len(stack.swarm_services["web"].instances()) == 3)
        assert eventually(lambda: any("web.3" in line for line in injection.newcomers), within_s=5)
        found = crossing(stack)
        assert (len(found), set(found)) == (6, {"silent"})
    finally:
        injection.heal()
    assert set(crossing(stack)) == {"heard"}
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt


def test_a_rolling_deploy_replaces_every_replica_while_somebody_always_answers(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    service = stack.swarm_services["web"]
    before, spec = service.instances(), service.spec()
    injection = RollingDeploy(role="app").inject(stage(stack))
    assert not service.settled(), "it has begun, and is not done"
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.requested == receipt.delivered == {"replaced": 2}
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s < receipt.off_s
    after = service.instances()
    assert len(after) == 2 and not set(after) & set(before)
    assert "web: 2 of 2 instances were replaced" in receipt.evidence[0]
    now = datetime.now(UTC)
    assert stack.disturbances(began, [(began, now)]) == []
    left = {**service.spec()["TaskTemplate"], "ForceUpdate": 0}
    assert left == {**spec["TaskTemplate"], "ForceUpdate": 0}, "another deploy of the same version, and no other change"
    time.sleep(0.5)
    assert service.instances() == after, "it is over"
    assert reaches_the_store(stack) is True


def test_a_rolling_deploy_begins_with_all_components_at_once(stack: SwarmStack) -> None:
    services = [stack.swarm_services[name] for name in ("helper", "store")]
    before = {id for service in services for id in service.instances()}
    injection = RollingDeploy(zone="a").inject(stage(stack))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered == {"replaced": 2}
    assert not before & {id for service in services for id in service.instances()}
    first, second = injection.deploys
    assert first.settled_s is not None and second.begun_s is not None and second.begun_s < first.settled_s
