"""A stranger's Compose project, woven and up on a real engine: every handle does what it says, and nothing is left."""

import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest

from harness.clock import RunClock
from harness.engine.container import DockerContainer
from harness.engine.host import connect
from harness.engine.ports import free_ports
from harness.engine.residue import residue, snapshot
from harness.engine.stack import Stack
from harness.engine.stage import DockerStage
from harness.errors import InstrumentError
from harness.faults.crash import Crash
from harness.faults.link_down import LinkDown
from harness.target import find_target, load_target
from tests.contract.toxiproxy_server import redis_like
from tests.integration.deploying import (
    CAMPAIGN,
    SECRET,
    TINY,
    ask,
    build_images,
    deployed,
    deployer,
    engine_to_ourselves,
    eventually,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    build_images(client)
    with engine_to_ourselves(client):
        yield client
    client.close()


@pytest.fixture(scope="module")
def shared(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with deployed(client, load_target(TINY), tmp_path_factory.mktemp("campaign")) as stack:
        yield stack


@pytest.fixture
def stack(shared: Stack) -> Iterator[Stack]:
    """The one stack, in order before each test."""
    shared.settle(60)
    yield shared


def cache(stack: Stack) -> DockerContainer:
    return stack.containers("cache")[0]


def test_the_entry_answers_and_everything_is_reached(stack: Stack) -> None:
    assert ask(stack) == (200, {"cache": True, "sessions": True})


@pytest.mark.parametrize("broken", ["cache", "sessions"])
def test_each_link_really_passes_its_own_proxy(stack: Stack, broken: str) -> None:
    link = stack.links[broken]
    link.set_enabled(False)
    assert link.probe().outcome in ("closed", "reset")
    assert ask(stack) == (503, {"cache": broken != "cache", "sessions": broken != "sessions"})
    link.set_enabled(True)
    assert link.probe().outcome == "answered"
    assert ask(stack)[0] == 200


def test_no_way_leads_round_toxiproxy(stack: Stack) -> None:
    web = stack.containers("web")[0]
    for name in ("cache", "fast", "sessions"):
        address = web.run(("getent", "hosts", name)).split()[0]
        proxies = [unit.container.run(("hostname", "-i")) for unit in stack.units if "toxiproxy" in unit.service]
        assert any(address in addresses for addresses in proxies)
    with pytest.raises(InstrumentError):
        web.run(("getent", "hosts", "cache-upstream"))
    with pytest.raises(InstrumentError):
        cache(stack).run(("getent", "hosts", "sessions-upstream"))


def test_only_loopback_is_published(client: docker.DockerClient, stack: Stack) -> None:
    published = []
    for unit in stack.units:
        for ports in client.api.inspect_container(unit.id)["NetworkSettings"]["Ports"].values():
            published += ports or []
    assert {port["HostIp"] for port in published} == {"127.0.0.1"}
    weaving = stack.weaving
    expected = {weaving.entry_port, *weaving.doors.values(), *weaving.apis.values()}
    expected |= {proxy.host_port for proxy in weaving.proxies}
    assert {int(port["HostPort"]) for port in published} == expected


def test_a_crash_is_seen_by_the_restart_policy(stack: Stack) -> None:
    container, began = cache(stack), datetime.now(UTC) - timedelta(seconds=1)
    before = container.state()
    container.crash()
    assert eventually(lambda: runs_anew(container, before.pid))
    after = container.state()
    assert after.restart_count == before.restart_count + 1
    assert after.finished_at is not None
    assert after.started_at is not None
    assert before.started_at is not None
    assert before.started_at < after.finished_at <= after.started_at
    assert eventually(lambda: [action for _, action in container.moments(began)] == ["die", "start"])
    died, started = (moment for moment, _ in container.moments(began))
    assert abs((died - after.finished_at).total_seconds()) < 1
    assert abs((started - after.started_at).total_seconds()) < 1


def test_stop_is_not_mended_by_the_policy_and_start_mends_it(stack: Stack) -> None:
    container, before = cache(stack), cache(stack).state()
    container.stop(2)
    time.sleep(1)
    state = container.state()
    assert (state.status, state.pid, state.cpu_ns) == ("exited", 0, None)
    assert state.finished_at is not None
    container.start()
    container.start()
    assert container.state().status == "running"
    assert container.state().pid != before.pid
    assert eventually(lambda: ask(stack)[0] == 200)


def test_a_stopped_service_is_refused_at_once_and_is_back_as_soon_as_it_runs(stack: Stack) -> None:
    """Where Toxiproxy asks outside for a name it does not know, each call hangs for seconds, long after the start."""
    cache(stack).stop(2)
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert ask(stack)[1]["cache"] is False
        took.append(time.monotonic() - began)
    assert min(took) < 0.9, "the application waits 1 s for an answer: this is the time-out, and not a refusal"
    cache(stack).start()
    began = time.monotonic()
    assert eventually(lambda: ask(stack)[0] == 200)
    assert time.monotonic() - began < 4


def test_pause_freezes_the_cpu_clock_and_silences_the_link(stack: Stack) -> None:
    container = cache(stack)
    container.pause()
    container.pause()
    first = container.state()
    time.sleep(0.3)
    assert container.state().status == "paused"
    assert first.cpu_ns is not None
    assert container.state().cpu_ns == first.cpu_ns
    assert stack.links["cache"].probe(0.5).outcome == "silent"
    container.unpause()
    container.unpause()
    assert container.state().status == "running"
    assert eventually(lambda: stack.links["cache"].probe().outcome == "answered")


def test_a_held_policy_does_not_restart_and_is_given_back(stack: Stack) -> None:
    container = cache(stack)
    container.hold_restarts()
    container.crash()
    assert eventually(lambda: container.state().status == "exited")
    time.sleep(1)
    assert (container.state().status, container.state().exit_code) == ("exited", 137)
    container.release_restarts()
    assert container.restart_policy()["Name"] == "always"
    container.start()
    pid = container.state().pid
    container.crash()
    assert eventually(lambda: runs_anew(container, pid))


def test_contents_are_counted_and_wiped(stack: Stack) -> None:
    container = cache(stack)
    container.run(("redis-cli", "mset", "a", "1", "b", "2"))
    assert container.contents() == 2
    container.wipe()
    assert container.contents() == 0


def test_a_restarted_toxiproxy_has_its_proxies_and_its_ports(client: docker.DockerClient, stack: Stack) -> None:
    unit = next(unit for unit in stack.units if unit.service == "toxiproxy")
    client.api.restart(unit.id, timeout=1)
    assert eventually(lambda: stack.links["cache"].probe().outcome == "answered")
    assert ask(stack)[0] == 200


def test_settle_mends_what_a_run_left_and_says_what_it_was(stack: Stack) -> None:
    assert stack.settle() == []
    stack.containers("sessions")[0].pause()
    cache(stack).hold_restarts()
    cache(stack).stop(1)
    stack.links["cache"].add_toxic("latency", "downstream", latency=50)
    stack.links["sessions"].set_enabled(False)
    found = "; ".join(stack.settle())
    for words in ("restart policy was held", "was exited", "was frozen", "toxic latency", "proxy was disabled"):
        assert words in found
    assert stack.settle() == []
    assert ask(stack)[0] == 200


def test_faults_bite_and_prove_it(stack: Stack) -> None:
    stage = DockerStage(stack, stack.target, RunClock.starting_in(0))
    for fault in (Crash(role="cache"), Crash(zone="b", stays_away=True), LinkDown(link="cache")):
        # What the one before has stopped runs again, which is not yet to say that it answers.
        assert eventually(lambda: all(link.probe().outcome == "answered" for link in stack.links.values()))
        injection = fault.inject(stage)
        if not (isinstance(fault, Crash) and not fault.stays_away):
            assert ask(stack)[0] == 503
        injection.heal()
        receipt = injection.receipt()
        assert receipt.status == "confirmed", receipt
    assert eventually(lambda: ask(stack)[0] == 200)


def test_logs_are_one_file_per_service_without_secrets(stack: Stack, tmp_path: Path) -> None:
    stack.logs(tmp_path)
    assert {"web.log", "cache.log", "sessions.log", "job.log"} <= {file.name for file in tmp_path.iterdir()}
    text = (tmp_path / "web.log").read_text()
    assert "passphrase: ***" in text
    assert SECRET not in text


def test_down_leaves_nothing_and_the_woven_file_holds_no_secret(client: docker.DockerClient, tmp_path: Path) -> None:
    before = snapshot(client)
    target = load_target(TINY).model_copy(update={"phase": "tiny-two"})
    with deployed(client, target, tmp_path) as stack:
        assert stack.project == "testbed-tiny-two"
        assert len(residue(before, snapshot(client))) > 6
        stack.containers("sessions")[0].pause()
        assert SECRET not in (tmp_path / "woven.yml").read_text()
    assert residue(before, snapshot(client)) == []
    stack.down()


def runs_anew(container: DockerContainer, pid: int) -> bool:
    state = container.state()
    return state.status == "running" and state.pid not in (0, pid)


def broken_copy(tmp_path: Path, old: str, new: str) -> Path:
    folder = tmp_path / "broken"
    shutil.copytree(TINY, folder)
    text = (folder / "compose.yml").read_text()
    assert old in text
    (folder / "compose.yml").write_text(text.replace(old, new))
    (folder / "target.toml").write_text((folder / "target.toml").read_text().replace('"tiny"', '"tiny-broken"'))
    return folder


def test_what_does_not_come_up_says_why_and_leaves_nothing(client: docker.DockerClient, tmp_path: Path) -> None:
    before = snapshot(client)
    folder = broken_copy(tmp_path, '"-u", "/srv/server.py"', '"-c", "raise SystemExit(\'no licence found\')"')
    kept = tmp_path / "campaign" / "logs"
    words = rf"(?s)web-1 did not come up within 12 s.*no licence found.*The logs of all its services are in {kept}\."
    with pytest.raises(InstrumentError, match=words):
        deployer(client, kept.parent, start_s=12.0).up(load_target(folder), CAMPAIGN, lambda line: None)
    assert {"web.log", "cache.log", "sessions.log", "toxiproxy.log"} <= {file.name for file in kept.iterdir()}
    assert "no licence found" in (kept / "web.log").read_text()
    assert residue(before, snapshot(client)) == []


def test_a_dependency_that_stays_unhealthy_is_shown_with_its_log(client: docker.DockerClient, tmp_path: Path) -> None:
    before = snapshot(client)
    healthy = '["CMD", "redis-cli", "ping"]\n      interval: 0.5s'
    sick = '["CMD", "false"]\n      interval: 0.2s\n      retries: 2'
    folder = broken_copy(tmp_path, healthy, sick)
    with pytest.raises(InstrumentError, match=r"(?s)did not come up.*is unhealthy.*The last lines of .*cache-1"):
        deployer(client, tmp_path).up(load_target(folder), CAMPAIGN, lambda line: None)
    assert residue(before, snapshot(client)) == []


def test_a_port_that_was_taken_meanwhile_is_replaced(client: docker.DockerClient, tmp_path: Path) -> None:
    said: list[str] = []
    target = load_target(TINY).model_copy(update={"phase": "tiny-ports"})
    with redis_like() as taken:
        tries = iter([[taken], []])

        def ports() -> Iterator[int]:
            yield from next(tries)
            yield from free_ports()

        stack = deployer(client, tmp_path, ports=ports).up(target, CAMPAIGN, said.append)
        try:
            stack.ready(30)
        finally:
            stack.down()
    assert any("Trying other ports" in line for line in said)


def test_somebody_elses_project_of_that_name_is_not_touched(client: docker.DockerClient, tmp_path: Path) -> None:
    labels = {"com.docker.compose.project": "testbed-tiny-theirs", "com.docker.compose.service": "web"}
    theirs = client.containers.create("testbed/redis", name="theirs-1", labels=labels)
    try:
        target = load_target(TINY).model_copy(update={"phase": "tiny-theirs"})
        with pytest.raises(InstrumentError, match=r"exists and is not ours \(theirs-1\)"):
            deployer(client, tmp_path).up(target, CAMPAIGN, lambda line: None)
        theirs.reload()
    finally:
        theirs.remove(force=True, v=True)


def own_address() -> str:
    """This machine's address on a network that containers reach: nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unused:
        unused.connect(("192.0.2.1", 9))
        return str(unused.getsockname()[0])


def test_a_real_service_takes_the_components_place(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = own_address()
    monkeypatch.setattr("harness.engine.compose.resolve", lambda host: here)
    target = load_target(TINY).model_copy(update={"phase": "tiny-real"})
    with redis_like(here) as port:
        link = target.links[0]
        assert link.external is not None
        real = link.model_copy(update={"external": link.external.model_copy(update={"port": port})})
        target = target.model_copy(update={"links": (real, *target.links[1:])})
        env = {"TINY_CACHE": "real.cache.example", "TINY_CACHE_PORT": str(port)}
        with deployed(client, target, tmp_path, env=env) as stack:
            assert stack.containers("cache") == []
            assert ask(stack) == (200, {"cache": True, "sessions": True})
            stack.links["cache"].set_enabled(False)
            assert ask(stack)[1] == {"cache": False, "sessions": True}


def test_v1_comes_up_and_its_simulator_takes_orders(client: docker.DockerClient, tmp_path: Path) -> None:
    from harness.engine.images import ensure_images

    target = find_target("v1")
    ensure_images(client, [*target.images, "toxiproxy"], lambda line: None)
    with deployed(client, target.model_copy(update={"phase": "v1-test"}), tmp_path) as stack:
        provider = stack.providers["openai"]
        provider.set_fault("status", 1.0, status=503)
        stack.settle()
        assert provider.counters()["requests"] == 0
        assert {name: link.probe().outcome for name, link in stack.links.items()} == dict.fromkeys(
            ("database", "cache", "provider"), "answered"
        )
