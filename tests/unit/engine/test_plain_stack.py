"""A Swarm target for its user: nothing on its links, one port on loopback, and a mark that keeps the harness off."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine import marks, plain_stack
from harness.engine.project import read_project
from harness.engine.recover import recover
from harness.engine.swarm_weave import SwarmWeaving, weave_swarm
from harness.engine.sweep import find_ours
from harness.errors import HarnessError, InstrumentError
from harness.target import Target
from tests.unit.engine.fake_engine import FakeEngine
from tests.unit.engine.projects import link, rendered, target

LINKS = [link("db", 5432), link("provider", 80, to="sim")]
TARGET = target(LINKS, settings={"sim": {"control_port": 8081}}, deployer="swarm")
MINE = marks.labels("run:v9")


WAN = {
    "network": "default",
    "sites": {"us": ("home",), "eu": ("away",)},
    "paths": ({"between": ("us", "eu"), "rtt_ms": 80, "source": "a table"},),
    "flows": ({"role": "db", "port": 5432, "protocol": "postgres"},),
}


def woven(port: int, aim: Target = TARGET) -> SwarmWeaving:
    data = rendered({"app": {"ports": [{"target": 8000}]}, "db": {}, "sim": {}})
    given: dict[str, Any] = {"env": {}, "resolve": str, "node": "n1", "images": {}}
    project = read_project(data, "shop/compose.yml")
    ports = plain_stack._ports(port)
    return weave_swarm(plain_stack.plain(aim), data, project, ports=ports, campaign="run:v9", **given)


def test_every_service_keeps_its_name_and_only_the_way_in_stands_beside_the_stack() -> None:
    weaving = woven(8010)
    assert weaving.services == {name: f"testbed-v9-run_{name}" for name in ("app", "db", "sim")}
    (door,) = weaving.override["services"].values()
    assert weaving.entry_port == 8010
    assert door["ports"][1:] == ["127.0.0.1:8010:9000"]
    assert all(port.startswith("127.0.0.1:") for port in door["ports"])


def test_no_fault_of_an_experiment_beside_it_keeps_its_services_away() -> None:
    for service in woven(8010).stack["services"].values():
        assert service["deploy"]["placement"]["constraints"] == ["node.id == n1"]


def test_what_crosses_sites_is_near_for_its_user_and_nothing_stands_in_between() -> None:
    settings = {"sim": {"control_port": 8081}, "db": {"region": "away"}}
    weaving = woven(8010, target(LINKS, settings=settings, deployer="swarm", wan=WAN))
    assert set(weaving.networks) == {"default"}
    assert list(weaving.override["services"]) == ["toxiproxy-doors"]
    assert all(service["networks"] == {"default": {}} for service in weaving.stack["services"].values())


@pytest.fixture
def engine() -> FakeEngine:
    """v9 runs in a swarm that was made for it; a campaign has left something behind."""
    engine = FakeEngine()
    engine.swarm = marks.labels(marks.RUN)
    engine.add("network", "docker_gwbridge", marks.labels(marks.RUN))
    engine.stuck.add("docker_gwbridge")  # as long as there is a swarm
    engine.add("service", "testbed-v9-run_app", MINE)
    engine.add("container", "testbed-v9-run-toxiproxy-doors-1", MINE)
    engine.add("network", "testbed-v9-run_default", MINE)
    engine.things["network"]["testbed-v9-run_default"]["Scope"] = "swarm"
    engine.add("volume", "testbed-v9-run_db", MINE)
    engine.add("container", "testbed-v1-app-1", marks.labels("v1-20261125"))
    return engine


def everything(engine: FakeEngine) -> set[str]:
    return set().union(*engine.things.values())


def test_down_takes_the_stack_the_way_in_the_volumes_and_the_swarm(engine: Any) -> None:
    plain_stack.remove(engine, TARGET, lambda line: None)
    assert everything(engine) == {"testbed-v1-app-1"}
    assert engine.swarm is None
    plain_stack.remove(engine, TARGET, lambda line: None)


def test_recover_leaves_the_users_stack_and_its_swarm_alone(engine: Any, tmp_path: Path) -> None:
    before = everything(engine)
    recover(engine, lambda line: None, state=tmp_path, lock_folder=tmp_path)
    assert before - everything(engine) == {"testbed-v1-app-1"}
    assert engine.swarm is not None
    assert find_ours(engine) == []


@pytest.mark.parametrize(("kind", "scope"), [("service", ""), ("config", ""), ("secret", ""), ("network", "swarm")])
def test_a_swarm_that_others_use_by_now_stays_until_they_are_gone(engine: Any, kind: str, scope: str) -> None:
    engine.add(kind, "theirs")
    engine.things[kind]["theirs"]["Scope"] = scope
    said: list[str] = []
    plain_stack.remove(engine, TARGET, said.append)
    assert everything(engine) == {"theirs", "docker_gwbridge", "testbed-v1-app-1"}
    assert said == [f"The swarm stays, because it is in use ({kind} theirs)."]
    del engine.things[kind]["theirs"]
    plain_stack.remove(engine, TARGET, said.append)
    assert engine.swarm is None


def test_a_swarm_with_a_second_node_stays(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "nodes", lambda: [engine.inspect_node("n1"), engine.inspect_node("n2")])
    plain_stack.remove(engine, TARGET, lambda line: None)
    assert engine.swarm is not None


@pytest.mark.parametrize("labels", [{}, marks.labels("v2-20261125")])
def test_a_swarm_that_was_not_made_for_it_stays(engine: Any, labels: dict[str, str]) -> None:
    engine.swarm = labels
    plain_stack.remove(engine, TARGET, lambda line: None)
    assert engine.swarm == labels
    assert not engine.names("service")


def test_what_does_not_go_is_named_and_the_swarm_waits_for_it(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.stuck.add("testbed-v9-run_db")
    monkeypatch.setattr(plain_stack, "sweep", lambda *given: None)
    with pytest.raises(InstrumentError, match=r"Still there: .*volume testbed-v9-run_db\."):
        plain_stack.remove(engine, TARGET, lambda line: None)
    assert engine.swarm is not None


def test_a_bridge_that_the_engine_does_not_give_up_is_named(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_stack, "LEAVE_S", 0.0)
    monkeypatch.setattr(engine, "leave_swarm", lambda force: setattr(engine, "swarm", None))
    said: list[str] = []
    plain_stack.leave_swarm(engine, said.append)
    assert said == ["The swarm stays, because it is in use (service testbed-v9-run_app, ...)."]
    plain_stack.remove(engine, TARGET, said.append)
    assert said[-1] == "Still there: network docker_gwbridge. `make down` tries again."


def test_it_is_not_started_over_itself(engine: Any) -> None:
    with pytest.raises(HarnessError, match="v9 is up already, or a part of it is"):
        plain_stack.start(engine, TARGET, 8010, lambda line: None)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken_is_named_before_a_swarm_is_made(taken: int) -> None:
    engine: Any = FakeEngine()
    with pytest.raises(HarnessError, match=f"Port {taken} of 127.0.0.1 is taken"):
        plain_stack.start(engine, TARGET, taken, lambda line: None)
    assert engine.swarm is None
