"""A stranger's stack under Swarm on a real engine: every handle does what it says, and not even the swarm is left."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from harness.clock import RunClock
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.residue import residue, snapshot
from harness.engine.slot import SwarmSlot
from harness.engine.stage import DockerStage
from harness.engine.swarm_mode import GATEWAY
from harness.engine.swarm_stack import SwarmStack
from harness.errors import InstrumentError
from harness.faults.crash import Crash
from harness.faults.link_down import LinkDown
from harness.faults.pause import Pause
from harness.faults.stop import Stop
from harness.target import load_target
from tests.integration.deploying import (
    CAMPAIGN,
    SECRET,
    TINY_SWARM,
    build_images,
    engine_to_ourselves,
    eventually,
    swarm_deployer,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    build_images(client)
    ensure_images(client, ["provider-sim"], lambda line: None)
    with engine_to_ourselves(client):
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
        yield client
    client.close()


@pytest.fixture(scope="module")
def shared(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmStack]:
    folder = tmp_path_factory.mktemp("campaign")
    before = snapshot(client)
    networks = {network["Name"] for network in client.api.networks()}
    stack = swarm_deployer(client, folder).up(load_target(TINY_SWARM), CAMPAIGN, lambda line: None)
    try:
        stack.ready(30)
        yield stack
        text = "".join(file.read_text() for file in folder.iterdir())
    finally:
        stack.down()
    assert residue(before, snapshot(client)) == []
    assert {network["Name"] for network in client.api.networks()} == networks
    assert client.info()["Swarm"]["LocalNodeState"] == "inactive"
    assert "testbed-hold-store" in text
    assert SECRET not in text
    stack.down()


@pytest.fixture
def stack(shared: SwarmStack) -> Iterator[SwarmStack]:
    """The one stack, in order before each test."""
    shared.settle(60)
    yield shared


def slot(stack: SwarmStack, component: str) -> SwarmSlot:
    found = stack.containers(component)[0]
    assert isinstance(found, SwarmSlot)
    return found


def ask(stack: SwarmStack, url: str = "") -> dict[str, Any]:
    """What the application says of what it can reach, and which of its replicas says it."""
    answer: dict[str, Any] = httpx.get(url or stack.base_url, timeout=10, trust_env=False).json()
    return answer


def stage(stack: SwarmStack) -> DockerStage:
    return DockerStage(stack, stack.target, RunClock.starting_in(0))


def test_everything_is_reached_from_every_door_and_both_replicas_answer(stack: SwarmStack) -> None:
    answers = [ask(stack, url) for url in [stack.base_url, *stack.doors.values()]]
    assert {(a["store"], a["sim"], a["price"]) for a in answers} == {(True, True, "5$")}
    assert eventually(lambda: len({ask(stack)["host"] for _ in range(8)}) == 2)
    assert set(stack.doors) == set(stack.place_links) == {"sao-paulo", "virginia", "frankfurt", "tokyo"}


def test_a_door_can_be_made_distant_without_the_others(stack: SwarmStack) -> None:
    link = stack.place_links["tokyo"]
    link.add_toxic("latency", "downstream", latency=150)
    assert (link.probe().rtt_ms or 0) >= 150
    assert (stack.place_links["virginia"].probe().rtt_ms or 999) < 150
    assert any("place-tokyo" in line for line in stack.settle())


def test_each_link_really_passes_its_own_proxy(stack: SwarmStack) -> None:
    for link, broken in (("store", "store"), ("provider", "sim")):
        injection = LinkDown(link).inject(stage(stack))
        said = ask(stack)
        assert [said[broken], said["store"] or said["sim"]] == [False, True]
        injection.heal()
        assert injection.receipt().status == "confirmed"
    assert [handle.name for handle in stage(stack).links("cache")] == ["store"], "by the role of the component as well"


def test_no_way_leads_round_toxiproxy_but_the_one_for_peers(stack: SwarmStack) -> None:
    store = slot(stack, "store")
    own = stack.containers("store")[0].run(("hostname", "-i")).split()
    found = {name: store.run(("getent", "hosts", name)).split()[0] for name in ("store", "fast", "store-peer")}
    assert found["store"] == found["fast"]
    assert found["store"] not in own
    assert found["store-peer"] in own


def test_only_loopback_is_published_and_the_swarm_listens_inside(
    client: docker.DockerClient, stack: SwarmStack
) -> None:
    api: Any = client.api
    published: list[dict[str, str]] = []
    for unit in stack.fixed_units:
        for ports in api.inspect_container(unit.id)["NetworkSettings"]["Ports"].values():
            published += ports or []
    assert {port["HostIp"] for port in published} == {"127.0.0.1"}
    assert stack.weaving.entry_port in {int(port["HostPort"]) for port in published}
    assert client.info()["Swarm"]["NodeAddr"] == "127.0.0.1"
    assert all(not service["Endpoint"].get("Ports") for service in api.services())
    assert GATEWAY in {network["Name"] for network in api.networks()}


def test_a_crash_is_mended_by_the_orchestrator_and_the_slot_says_so(stack: SwarmStack) -> None:
    handle, began = slot(stack, "store"), datetime.now(UTC) - timedelta(seconds=1)
    handle.run(("redis-cli", "mset", "a", "1", "b", "2"))
    before = handle.state()
    injection = Crash(role="cache").inject(stage(stack))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["mended_by_target"] is True
    after = handle.state()
    assert (after.status, after.restart_count) == ("running", before.restart_count + 1)
    assert after.pid != before.pid
    assert before.started_at is not None and after.finished_at is not None and after.started_at is not None
    assert before.started_at < after.finished_at <= after.started_at
    assert [action for _, action in handle.moments(began) if action in ("die", "start")] == ["die", "start"]
    assert receipt.delivered["contents_after"] == 2, "it is in the append-only file"
    now = datetime.now(UTC)
    assert stack.disturbances(began, [(began, now)]) == []
    assert ["was killed" in line for line in stack.disturbances(began, [])] == [True]


def test_a_crash_that_stays_away_is_not_mended_by_the_orchestrator(stack: SwarmStack) -> None:
    pid = {handle.name: handle.state().pid for handle in stack.containers("web")}
    injection = Crash(role="app", stays_away=True).inject(stage(stack))
    try:
        time.sleep(3)
        assert stack.swarm_services["web"].instances() == []
        with pytest.raises(httpx.HTTPError):
            ask(stack)
    finally:
        injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["stays_away"] is True
    assert all(handle.state().pid != pid.get(handle.name, 0) for handle in stack.containers("web"))
    stack.settle()  # waits until Swarm, too, says that they run
    assert len(stack.swarm_services["web"].instances()) == 2


def test_a_crash_that_stays_away_is_not_mended_by_whoever_scales_the_service(stack: SwarmStack) -> None:
    injection = Crash(role="app", stays_away=True).inject(stage(stack))
    try:
        stack.swarm_services["web"].scale(3)
        time.sleep(3)
        assert stack.swarm_services["web"].instances() == []
    finally:
        try:
            injection.heal()
        finally:
            put_in_order = stack.settle()
    assert injection.receipt().status == "confirmed"
    assert any("it had 3 replicas" in line for line in put_in_order)
    assert len(stack.swarm_services["web"].instances()) == 2


def test_a_crash_of_a_slot_that_is_scaled_away_meanwhile_is_no_error(stack: SwarmStack) -> None:
    injection = Crash(role="app", stays_away=True).inject(stage(stack))
    try:
        stack.swarm_services["web"].scale(1)
    finally:
        injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["containers"], receipt.delivered["came_back"]) == (2, 1)
    assert receipt.delivered["no_longer_wanted"] == 1
    assert any("its service was scaled down below it" in sentence for sentence in receipt.evidence)


def test_all_services_of_a_zone_go_in_the_same_moment_and_toxiproxy_does_not(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    injection = Crash(zone="a", stays_away=True).inject(stage(stack))
    assert ask(stack)["store"] is False
    died = [max(m for m, action in slot(stack, c).moments(began) if action == "die") for c in ("store", "helper")]
    assert abs((died[0] - died[1]).total_seconds()) < 0.5
    time.sleep(2)
    assert [slot(stack, name).state().status for name in ("store", "helper")] == ["exited", "exited"]
    assert stack.links["store"].probe().outcome in ("closed", "reset")
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["stays_away"] is True
    assert stack.disturbances(began, [(began, datetime.now(UTC))]) == []
    assert eventually(lambda: ask(stack)["store"])


def test_one_of_several_slots_cannot_be_kept_away_alone(stack: SwarmStack) -> None:
    handle, other = stack.containers("web")
    handle.hold_restarts()
    pid = handle.state().pid
    with pytest.raises(InstrumentError, match=rf"cannot be kept away alone: {other.name} would have to go"):
        handle.crash()
    assert handle.state().pid == pid
    handle.release_restarts()


def test_an_orderly_stop_stays_until_it_is_healed(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    injection = Stop(role="cache", grace_s=2.0).inject(stage(stack))
    time.sleep(2)
    state = slot(stack, "store").state()
    assert (state.status, state.exit_code) == ("exited", 0)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert stack.disturbances(began, []) == [], "what is told to stop is nobody's crime"


def test_a_frozen_task_is_not_replaced(stack: SwarmStack) -> None:
    pid = slot(stack, "store").state().pid
    injection = Pause(role="cache").inject(stage(stack))
    assert stack.links["store"].probe(0.5).outcome == "silent"
    time.sleep(2)
    injection.heal()
    assert injection.receipt().status == "confirmed"
    assert slot(stack, "store").state().pid == pid
    slot(stack, "store").pause()
    assert any("it was frozen" in line for line in stack.settle())


def test_dropped_packets_bite_through_toxiproxy_and_round_it_and_are_counted(stack: SwarmStack) -> None:
    store, peers = slot(stack, "store"), [a for handle in stack.containers("web") for a in handle.addresses()]
    assert len(store.addresses()) == 2, "its own and Toxiproxy's: a side of a partition includes who stands in for it"
    assert store.dropped_packets() == 0
    store.drop_packets(peers)
    assert ask(stack)["store"] is False
    assert ask(stack)["sim"] is True
    assert store.dropped_packets() > 0
    assert stack.links["store"].probe().outcome == "answered", "nobody else is cut off"
    store.restore_packets()
    store.restore_packets()
    assert store.dropped_packets() == 0
    assert ask(stack)["store"] is True
    store.drop_packets(peers)
    assert any("it dropped packets" in line for line in stack.settle())
    assert ask(stack)["store"] is True


def test_what_a_silent_link_leads_to_is_put_in_another_place(stack: SwarmStack) -> None:
    before = slot(stack, "store").state().pid
    (said,) = stack.reconnect("store")
    assert "store was replaced" in said
    assert eventually(lambda: stack.links["store"].probe().outcome == "answered")
    assert slot(stack, "store").state().pid != before
    assert ask(stack)["store"] is True
    assert stack.settle() == []
    assert stack.reconnect("provider") == []  # a simulator stands beside the stack


def test_a_deploy_replaces_every_replica_and_nobody_notices(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    (service,) = stage(stack).services(role="app", zone="b", region=None)
    before, bad, polls = service.instances(), 0, 0
    service.redeploy()
    assert not service.settled()
    deadline = time.monotonic() + 40
    while not service.settled() and time.monotonic() < deadline:
        polls += 1
        try:
            bad += not ask(stack)["store"]
        except httpx.HTTPError:
            bad += 1
    assert service.settled()
    assert len(before) == len(service.instances()) == 2
    assert not set(before) & set(service.instances())
    assert polls > 10
    assert bad <= polls / 10, "start-first: there is always one that answers; Toxiproxy may meet one that just left"
    assert stack.disturbances(began, []) == []


def test_the_primary_is_asked_for(stack: SwarmStack) -> None:
    assert [slot(stack, name).is_primary() for name in ("store", "helper", "web")] == [True, False, True]


def test_logs_hold_the_words_of_the_dead_and_no_secret(stack: SwarmStack, tmp_path: Path) -> None:
    slot(stack, "web").crash()
    assert eventually(lambda: slot(stack, "web").state().status == "running")
    stack.logs(tmp_path)
    assert {"web.log", "store.log", "sim.log", "toxiproxy-a.log"} <= {file.name for file in tmp_path.iterdir()}
    text = (tmp_path / "web.log").read_text()
    assert text.count("passphrase: ***") >= 3
    assert SECRET not in text
