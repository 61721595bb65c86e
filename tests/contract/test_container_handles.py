"""One set of expectations for the fake container and for a real one: faults may be tested with the fake."""

import time
from collections.abc import Callable, Iterator

import pytest
from docker.errors import DockerException

from harness.engine.container import DockerContainer
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import Container, ContainerState
from harness.target import Component
from tests.fakes.container import FakeContainer

CACHE = Component(
    name="cache",
    role="cache",
    zone="a",
    region="home",
    contents=("redis-cli", "dbsize"),
    wipe=("redis-cli", "flushall"),
)
BARE = CACHE.model_copy(update={"contents": None, "wipe": None})

Make = Callable[[Component], Container]


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes a handle of one running container that holds three entries."""
    if request.param == "fake":
        fakes: dict[str, FakeContainer] = {}
        yield lambda component: fakes.setdefault("one", FakeContainer(component, entries=3))
        return
    client = connect()
    ensure_images(client, ["redis", "netadmin"], lambda line: None)
    real = client.containers.run(
        "testbed/redis",
        ["--save", "", "--appendonly", "yes", "--dir", "/tmp"],
        detach=True,
        init=True,
        restart_policy={"Name": "always"},
        labels={"testbed.test": "contract"},
    )
    try:
        handle = DockerContainer(client, real.id or "", real.name or "", CACHE)
        assert eventually(lambda: _fill(handle))
        yield lambda component: DockerContainer(client, real.id or "", real.name or "", component)
    finally:
        try:
            real.reload()
            if real.status == "paused":
                real.unpause()
            real.remove(force=True, v=True)
        except DockerException as error:
            pytest.fail(f"the test left a container behind: {error}")
        client.close()


def _fill(handle: DockerContainer) -> bool:
    try:
        handle.run(("redis-cli", "mset", "a", "1", "b", "2", "c", "3"))
    except InstrumentError:
        return False
    return True


def eventually(seen: Callable[[], bool], within_s: float = 15.0) -> bool:
    deadline = time.monotonic() + within_s
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_another(now: ContainerState, before: ContainerState) -> bool:
    return now.status == "running" and now.pid != before.pid


def test_a_running_container(make: Make) -> None:
    container = make(CACHE)
    state = container.state()
    assert (container.component, state.status, state.restart_count) == ("cache", "running", 0)
    assert state.pid > 0
    assert state.started_at is not None
    assert state.finished_at is None
    assert state.cpu_ns is not None


def test_a_crash_brings_another_process_by_policy(make: Make) -> None:
    container = make(CACHE)
    before = container.state()
    container.crash()
    assert eventually(lambda: _is_another(container.state(), before))
    after = container.state()
    assert after.restart_count == 1
    assert after.finished_at is not None
    assert after.started_at is not None
    assert before.started_at is not None
    assert before.started_at <= after.finished_at <= after.started_at


def test_a_held_container_stays_down_until_it_is_started(make: Make) -> None:
    container = make(CACHE)
    container.hold_restarts()
    container.hold_restarts()
    container.crash()
    assert eventually(lambda: container.state().status == "exited")
    assert (container.state().exit_code, container.state().pid, container.state().cpu_ns) == (137, 0, None)
    container.release_restarts()
    container.release_restarts()
    assert container.state().status == "exited", "a policy that is given back starts nothing by itself"
    container.start()
    assert container.state().status == "running"
    assert container.state().restart_count == 0


def test_stop_and_start(make: Make) -> None:
    container = make(CACHE)
    pid = container.state().pid
    container.stop(2)
    assert (container.state().status, container.state().pid) == ("exited", 0)
    container.stop(2)
    container.start()
    container.start()
    state = container.state()
    assert (state.status, state.restart_count) == ("running", 0)
    assert state.pid != pid


def test_pause_stops_the_cpu_clock_and_keeps_the_process(make: Make) -> None:
    container = make(CACHE)
    pid = container.state().pid
    container.pause()
    container.pause()
    frozen = container.state()
    assert (frozen.status, frozen.pid) == ("paused", pid)
    assert container.state().cpu_ns == frozen.cpu_ns
    container.unpause()
    container.unpause()
    assert container.state().status == "running"
    assert eventually(lambda: (container.state().cpu_ns or 0) > (frozen.cpu_ns or 0))


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_nothing_can_be_run_or_crashed_in_what_does_not_run(make: Make, how: str) -> None:
    container = make(CACHE)
    container.pause() if how == "pause" else container.stop(1)
    with pytest.raises(InstrumentError):
        container.run(("echo", "x"))
    with pytest.raises(InstrumentError):
        container.crash()


def test_commands_print_or_fail(make: Make) -> None:
    container = make(CACHE)
    assert container.run(("echo", "one", "two")) == "one two\n"
    with pytest.raises(InstrumentError):
        container.run(("false",))


def test_contents_are_counted_kept_by_a_crash_and_wiped(make: Make) -> None:
    container = make(CACHE)
    assert container.contents() == 3
    container.crash()
    assert eventually(lambda: _count(container) == 3)
    container.wipe()
    assert container.contents() == 0


def _count(container: Container) -> int | None:
    try:
        return container.contents()
    except InstrumentError:
        return None


def test_what_is_not_declared(make: Make) -> None:
    container = make(BARE)
    assert container.contents() is None
    with pytest.raises(NothingToBreak):
        container.wipe()


def test_packets_are_dropped_until_they_are_restored(make: Make) -> None:
    container = make(CACHE)
    assert container.dropped_packets() == 0
    container.restore_packets()
    container.drop_packets(["192.0.2.7", "192.0.2.8"])
    container.drop_packets(["192.0.2.7"])
    assert container.dropped_packets() == 0
    assert container.state().status == "running"
    container.restore_packets()
    container.restore_packets()
    assert container.dropped_packets() == 0


def test_everybody_is_the_primary_where_nobody_can_be_asked(make: Make) -> None:
    assert make(BARE).is_primary()
