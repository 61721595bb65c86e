"""What falls ill on a real engine, under Swarm: each fault bites, and what becomes of it is seen from the outside."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import docker
import httpx
import pytest

from harness.clock import RunClock
from harness.engine.disks import find_disks, why_not
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.residue import residue, snapshot
from harness.engine.slot import SwarmSlot
from harness.engine.stage import DockerStage
from harness.engine.swarm_stack import SwarmStack
from harness.errors import InstrumentError, NothingToBreak
from harness.faults.bad_deploy import BadDeploy
from harness.faults.base import Container
from harness.faults.exhaust_connections import ExhaustConnections
from harness.faults.fill_disk import MB, FillDisk, space
from harness.faults.fill_memory import FillMemory, memory_of
from harness.faults.hang import Hang
from harness.faults.inside import marked
from harness.target import load_target
from tests.integration.deploying import CAMPAIGN, TINY_SWARM, engine_to_ourselves, eventually, swarm_deployer

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SICK = load_target(TINY_SWARM.with_name("tiny-sick"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmStack]:
    client: docker.DockerClient = connect()
    ensure_images(client, ["app", "postgres", "toxiproxy", "netadmin"], lambda line: None)
    with engine_to_ourselves(client):
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
        before = snapshot(client)
        stack = swarm_deployer(client, tmp_path_factory.mktemp("sick")).up(SICK, CAMPAIGN, lambda line: None)
        try:
            stack.ready(30)
            yield stack
        finally:
            stack.down()
        assert residue(before, snapshot(client)) == []
        assert not find_disks(client)
    client.close()


@pytest.fixture
def stack(shared: SwarmStack) -> SwarmStack:
    """The one stack, in order before each test."""
    shared.settle(60)
    return shared


def stage(stack: SwarmStack) -> DockerStage:
    return DockerStage(stack, SICK, RunClock.starting_in(0))


def slots(stack: SwarmStack) -> list[SwarmSlot]:
    return [slot for slot in stack.containers("web") if isinstance(slot, SwarmSlot)]


def chat(stack: SwarmStack, timeout_s: float = 2.0) -> int:
    """The status of one chat, 0 without an answer."""
    try:
        body = {"message": "Hello?"}
        return httpx.post(f"{stack.base_url}/v1/chat", json=body, timeout=timeout_s, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


def test_one_that_hangs_answers_nobody_and_the_orchestrator_replaces_it(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    first, second = slots(stack)
    ids = first.id, second.id
    here = stage(stack)
    injection = Hang(role="app", only="one").inject(here)
    struck = time.monotonic()
    assert any(chat(stack, 1.0) != 200 for _ in range(10)), "there is no balancer here: every other request hangs"
    assert eventually(lambda: first.id != ids[0], within_s=40)
    noticed_s = time.monotonic() - struck
    assert eventually(lambda: first.health() == "healthy", within_s=30)
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["mended_by_target"], receipt.delivered["replaced"]) == (True, 1)
    assert receipt.on_s is not None
    assert receipt.on_s + 3 < receipt.delivered["replaced_at_s"] < receipt.on_s + noticed_s + 5
    assert second.id == ids[1]
    assert stack.disturbances(began, [(began, datetime.now(UTC))]) == []
    assert all(chat(stack) == 200 for _ in range(6))


def test_one_that_hangs_for_a_moment_is_woken_as_the_same_process(stack: SwarmStack) -> None:
    first = slots(stack)[0]
    before = first.state()
    injection = Hang(role="app", only="one").inject(stage(stack))
    assert any(chat(stack, 0.5) != 200 for _ in range(8))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.delivered["mended_by_target"], receipt.delivered["replaced"]) == (False, 0)
    assert first.state().pid == before.pid
    assert all(chat(stack) == 200 for _ in range(6))


def test_a_version_that_is_never_ready_is_taken_back_and_nobody_notices(stack: SwarmStack) -> None:
    (service,) = stage(stack).services(role="app", zone=None, region=None)
    good = service.instances()
    injection = BadDeploy("unready", role="app").inject(stage(stack))
    assert [chat(stack) for _ in range(20)] == [200] * 20
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["mended_by_target"] is True, receipt
    assert receipt.delivered["most_at_once"] == 0, "it never was taken for well"
    assert service.instances() == good, "nobody else was touched"
    assert stack.settle(60) == []


def test_a_version_that_fails_every_chat_is_taken_back_before_a_second_one_has_it(stack: SwarmStack) -> None:
    injection = BadDeploy("errors", role="app").inject(stage(stack))
    statuses = []
    deadline = time.monotonic() + 14
    while time.monotonic() < deadline:
        statuses.append(chat(stack))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert statuses.count(500) >= 5, "it bites: it was given requests"
    assert receipt.delivered["mended_by_target"] is True, receipt
    assert receipt.delivered["most_at_once"] == 1
    assert [chat(stack) for _ in range(6)] == [200] * 6
    left = [line for line in stack.settle(60) if "(starting)" not in line]  # the good one that took its place
    assert left == []


def test_one_whose_memory_runs_full_is_killed_by_the_kernel_and_replaced(stack: SwarmStack) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    first = slots(stack)[0]
    fault = FillMemory(role="app", only="one", within_s=6)
    here = stage(stack)
    fault.check_aim(here)
    with pytest.raises(NothingToBreak, match="has no limit of memory"):
        FillMemory(role="database").check_aim(here)
    injection = fault.inject(here)
    time.sleep(2)
    limit, used = memory_of(first)
    assert limit == 192 * 1024 * 1024
    assert injection.leaks[0].used + 10e6 < used < limit, "it climbs"
    assert eventually(lambda: bool(first.out_of_memory(began)), within_s=20)
    assert any(chat(stack) == 200 for _ in range(4)), "the other one goes on"
    assert eventually(lambda: first.health() == "healthy", within_s=30)
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert 3 < receipt.delivered["within_s"] < 15
    assert stack.disturbances(began, []) == [], "who runs out of memory is nobody's victim"


def test_a_leak_that_is_taken_away_leaves_nothing(stack: SwarmStack) -> None:
    first = slots(stack)[0]
    before = first.state().pid
    injection = FillMemory(role="app", only="one", within_s=60).inject(stage(stack))
    time.sleep(1)
    assert marked(first, "leak")
    injection.heal()
    assert injection.receipt().status == "missing"
    assert marked(first, "leak") == []
    assert first.run(("sh", "-c", "cat /proc/[0-9]*/oom_score_adj | sort -u")).split() == ["0"]
    assert first.state().pid == before


def test_a_database_without_a_connection_left_refuses_others_and_is_well_afterwards(stack: SwarmStack) -> None:
    (database,) = stack.containers("database")
    assert eventually(lambda: alive(database))
    psql = ("psql", "-U", "chat", "-d", "chat", "-c")
    database.run((*psql, "drop role if exists app"))
    database.run((*psql, "create role app login"))
    somebody = ("psql", "-U", "app", "-d", "chat", "-c", "select 1")
    before = database.connections()
    fault = ExhaustConnections(role="database")
    fault.check_aim(stage(stack))
    injection = fault.inject(stage(stack))
    with pytest.raises(InstrumentError, match="reserved for roles with the SUPERUSER attribute"):
        database.run(somebody)
    database.run((*psql, "select 1"))  # for the keepers there is still room
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.delivered["connections"] == before[1] == 17
    assert "1" in database.run(somebody)
    assert marked(database, "connections") == []
    assert eventually(lambda: database.connections() == before)


def test_a_disk_that_is_full_refuses_what_is_written_and_is_well_afterwards(stack: SwarmStack) -> None:
    client = connect()
    reason = why_not(client)
    client.close()
    (database,) = stack.containers("database")
    assert eventually(lambda: alive(database))
    psql = ("psql", "-U", "chat", "-d", "chat", "-v", "ON_ERROR_STOP=1", "-tAc")
    database.run((*psql, "create table if not exists kept as select 1 as one"))
    fault = FillDisk(role="database", within_s=4)
    if reason:
        with pytest.raises(NothingToBreak, match="none with a bound"):
            fault.check_aim(stage(stack))
        pytest.skip(reason)
    fault.check_aim(stage(stack))
    free, size = space(database, "/var/lib/postgresql/data")
    assert 20 * MB < free < size < 140 * MB
    injection = fault.inject(stage(stack))
    with pytest.raises(InstrumentError, match="No space left on device"):
        database.run((*psql, "create table more as select repeat('x', 500) from generate_series(1, 20000)"))
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert 2 < receipt.delivered["within_s"] < 12
    assert eventually(lambda: alive(database), within_s=30), "it may have fallen over and recover"
    assert database.run((*psql, "select sum(one) from kept")).strip() == "1"
    database.run((*psql, "create table more as select repeat('x', 500) from generate_series(1, 20000)"))
    assert marked(database, "filler") == []
    assert ".testbed-filler" not in database.run(("ls", "-a", "/var/lib/postgresql/data"))


def alive(database: Container) -> bool:
    try:
        return database.run(("pg_isready", "-q")) == ""
    except InstrumentError:
        return False
