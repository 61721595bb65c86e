"""Two Redis nodes, three sentinels: a lost primary is replaced, comes back as a replica, and nothing is forgotten."""

from collections.abc import Iterator

import docker
import pytest
from docker.models.containers import Container

from tests.integration.bench import Bench, bench, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = ("sentinel-a", "sentinel-b", "sentinel-w")
SETTINGS = {
    "PRIMARY": "cache-a",
    "REDIS_SENTINELS": ",".join(f"{name}:26379" for name in NAMES),
    "DOWN_AFTER_MS": "1500",  # half of what a target has, to be done sooner
}


class Group:
    """The five containers. A node that is started again is a new container, with the volume of the old one."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.volumes = {name: made.volume(name) for name in ("cache-a", "cache-b")}
        self.nodes = {name: self.node(name) for name in self.volumes}
        wait_until(
            "the replica is connected", lambda: self.ask("cache-b", "role").startswith("slave cache-a 6379 conn")
        )
        self.sentinels = {name: self.sentinel(name) for name in NAMES}

    def node(self, name: str) -> Container:
        """Start a node."""
        volume = {self.volumes[name]: {"bind": "/var/lib/redis", "mode": "rw"}}
        environment = {"NODE": name, **SETTINGS}
        return self.bench.start(
            "redis", name, 6379, entrypoint=["redis-node", "server"], environment=environment, volumes=volume
        )

    def sentinel(self, name: str) -> Container:
        """Start a sentinel."""
        environment = {"NODE": name, **SETTINGS}
        return self.bench.start("redis", name, 26379, entrypoint=["redis-node", "sentinel"], environment=environment)

    def ask(self, name: str, *command: str) -> str:
        """The answer of a node, its lines joined by blanks; empty when it gives none."""
        try:
            answer = self.nodes[name].exec_run(["redis-cli", *command], stderr=False).output.decode()
        except docker.errors.APIError:  # it does not run
            return ""
        return " ".join(answer.split())

    def primary(self) -> str:
        """Who is primary, when all three sentinels say the same; else nothing."""
        command = ["redis-cli", "-p", "26379", "sentinel", "get-master-addr-by-name", "chat"]
        said = {sentinel.exec_run(command).output.decode().split("\n")[0] for sentinel in self.sentinels.values()}
        return said.pop() if len(said) == 1 else ""

    def settled(self) -> bool:
        """Whether every sentinel knows the two others and a replica that is up."""
        for sentinel in self.sentinels.values():
            answer = sentinel.exec_run(["redis-cli", "-p", "26379", "info", "sentinel"]).output.decode()
            if "status=ok" not in answer or "slaves=1,sentinels=3" not in answer:
                return False
        return True

    def lose_primary(self) -> tuple[str, str]:
        """Kill the primary and take its container away; return its name and its successor's."""
        lost = self.primary()
        self.bench.remove(self.nodes[lost])
        heir = "cache-b" if lost == "cache-a" else "cache-a"
        wait_until(f"{heir} is primary", lambda: self.primary() == heir and self.ask(heir, "set", "x", "y") == "OK", 8)
        return lost, heir

    def bring_back(self, name: str) -> None:
        """Start a node that was lost; it must be a replica from its first answer on."""
        self.nodes[name] = self.node(name)
        wait_until("it answers", lambda: self.ask(name, "role") != "")
        assert self.ask(name, "role").startswith("slave")


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    with bench("redis") as made:
        group = Group(made)
        wait_until("the sentinels have found each other", group.settled, 15)
        yield group


def test_a_primary_that_is_back_at_once_stays_primary_and_keeps_its_data(group: Group) -> None:
    assert group.primary() == "cache-a"
    group.ask("cache-a", "set", "before", "the crash")
    group.nodes["cache-a"].kill("SIGKILL")
    group.nodes["cache-a"].start()
    wait_until("it answers", lambda: group.ask("cache-a", "get", "before") == "the crash")
    assert group.ask("cache-a", "role").startswith("master")
    wait_until("the replica is connected", lambda: "connected" in group.ask("cache-b", "role").split())
    assert group.primary() == "cache-a"


def test_a_lost_primary_is_replaced_and_comes_back_as_a_replica(group: Group) -> None:
    wait_until("all is well", group.settled, 15)
    group.ask(group.primary(), "eval", "for i = 1, 500 do redis.call('set', 'key' .. i, i) end", "0")
    assert group.ask(group.primary(), "wait", "1", "1000") == "1"
    lost, heir = group.lose_primary()
    assert int(group.ask(heir, "exists", *(f"key{number}" for number in range(1, 501)))) == 500
    group.ask(heir, "set", "meanwhile", "written")
    group.bring_back(lost)
    wait_until("it has caught up", lambda: group.ask(lost, "get", "meanwhile") == "written")
    assert group.ask(heir, "role").startswith("master")


def test_sentinels_that_come_back_with_other_addresses_still_do_their_work(group: Group) -> None:
    wait_until("all is well", group.settled, 15)
    for name in NAMES[:2]:  # a quorum of them
        group.bench.remove(group.sentinels[name])
        taken = group.bench.start("redis", f"takes-the-address-of-{name}", 6379)
        group.sentinels[name] = group.sentinel(name)
        wait_until(f"{name} knows all", group.settled, 15)
        group.bench.remove(taken)
    lost, _ = group.lose_primary()
    group.bring_back(lost)


def test_a_role_must_be_named(group: Group) -> None:
    environment = {"NODE": "cache-a", **SETTINGS}
    stray = group.bench.start("redis", "stray", 6379, entrypoint=["redis-node"], environment=environment)
    assert stray.wait(timeout=10)["StatusCode"] == 2
    assert b"redis-node server" in stray.logs()
