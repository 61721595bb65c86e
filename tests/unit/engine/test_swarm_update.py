"""A bad version under Swarm: what is asked of the orchestrator, and what is made of its answers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.engine.swarm_update import DeployableService, is_version, with_version
from harness.errors import InstrumentError
from harness.versions import BadVersion

GOOD = {"ContainerSpec": {"Image": "x", "Args": ["shop:app"], "Env": ["A=1", "B=2"]}, "ForceUpdate": 3}
BAD = BadVersion(service="app", env={"B": "bad", "C": "new"}, command=("shop.broken:app",))
ONLY_ENV = BadVersion(service="app", env={"B": "bad"})


class Orchestrator:
    """Stands for a DockerClient and its `api`; one service. `deaf`: no update ever begins."""

    def __init__(self, deaf: bool = False) -> None:
        self.deaf = deaf
        self.found: dict[str, Any] = {
            "ID": "s1",
            "Version": {"Index": 1},
            "Spec": {"Name": "shop_app", "Mode": {"Replicated": {"Replicas": 2}}, "TaskTemplate": copy.deepcopy(GOOD)},
        }
        self.known: list[dict[str, Any]] = [task("t1", "running", GOOD)]

    @property
    def api(self) -> Orchestrator:
        return self

    def inspect_service(self, name: str) -> dict[str, Any]:
        return copy.deepcopy(self.found)

    def tasks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        return copy.deepcopy(self.known)

    def update_service(self, identity: str, version: int, *, task_template: Any, mode: Any, **rest: Any) -> None:
        assert version == self.found["Version"]["Index"]
        self.found["Version"]["Index"] += 1
        self.found["Spec"] |= {"TaskTemplate": task_template, "Mode": mode}
        if not self.deaf:
            began = f"2026-11-25T00:00:0{version}Z"
            self.found["UpdateStatus"] = {"State": "updating", "StartedAt": began, "Message": "update in progress"}


def task(identity: str, state: str, template: dict[str, Any], container: str = "c") -> dict[str, Any]:
    status = {"State": state, "ContainerStatus": {"ContainerID": container}}
    return {"ID": identity, "Spec": template, "Status": status, "DesiredState": "running"}


def service(orchestrator: Orchestrator) -> DeployableService:
    return DeployableService(orchestrator, "app", "shop_app")  # type: ignore[arg-type]


def test_a_version_changes_what_it_names_and_nothing_else() -> None:
    changed = with_version(GOOD, BAD)
    assert changed["ContainerSpec"] == {"Image": "x", "Args": ["shop.broken:app"], "Env": ["A=1", "B=bad", "C=new"]}
    assert GOOD["ContainerSpec"]["Env"] == ["A=1", "B=2"]
    assert with_version(GOOD, ONLY_ENV)["ContainerSpec"]["Args"] == ["shop:app"]
    assert [is_version(t, BAD) for t in (GOOD, changed, with_version(GOOD, ONLY_ENV))] == [False, True, False]


def test_it_is_deployed_watched_and_taken_back() -> None:
    swarm = Orchestrator()
    app = service(swarm)
    assert not app.rollout().wanted
    app.deploy(BAD)
    wrong = with_version(GOOD, BAD)
    swarm.known += [task("t2", "starting", wrong), task("t3", "running", wrong), task("t4", "failed", wrong)]
    swarm.known += [task("t5", "pending", wrong, container="")]
    now = app.rollout()
    assert (now.state, now.message, now.wanted) == ("updating", "update in progress", True)
    assert (now.present, now.running, now.seen) == (("t2", "t3"), ("t3",), ("t2", "t3", "t4"))
    swarm.found["Spec"]["Mode"]["Replicated"]["Replicas"] = 4  # somebody scales it meanwhile
    app.take_back()
    spec = swarm.found["Spec"]
    assert spec["TaskTemplate"]["ContainerSpec"] == GOOD["ContainerSpec"]
    assert spec["Mode"]["Replicated"]["Replicas"] == 4
    assert not app.is_bad()
    version = swarm.found["Version"]["Index"]
    app.take_back()
    assert swarm.found["Version"]["Index"] == version, "once is enough"


def test_what_an_earlier_deploy_left_in_the_swarms_memory_is_not_taken_for_this_one() -> None:
    swarm = Orchestrator()
    swarm.known.append(task("t0", "failed", with_version(GOOD, BAD)))
    app = service(swarm)
    app.deploy(BAD)
    assert app.rollout().seen == ()


def test_a_second_version_goes_back_to_the_good_one_as_well() -> None:
    swarm = Orchestrator()
    app = service(swarm)
    app.deploy(BAD)
    app.deploy(ONLY_ENV)
    app.take_back()
    assert swarm.found["Spec"]["TaskTemplate"]["ContainerSpec"] == GOOD["ContainerSpec"]


def test_a_deploy_that_does_not_begin_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.swarm_update.BEGINS_S", 0.0)
    with pytest.raises(InstrumentError, match="does not begin to deploy"):
        service(Orchestrator(deaf=True)).deploy(BAD)
