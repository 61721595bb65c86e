"""Tasks that the scheduler forgot get a node, however many slots ask for it at once, and whoever else decides."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from docker.errors import APIError

from harness.engine import swarm_service
from harness.engine.swarm_service import SwarmService


class Swarm:
    """Stands for a DockerClient and its `api`: one service, whose tasks in `forgotten` slots wait for a node for ever.

    A slot that is taken away and wanted again is filled by a task that runs. `together` who look for tasks, if there
    are as many, see the same.
    """

    def __init__(self, replicas: int, forgotten: int, together: int = 1) -> None:
        states = [(slot, "pending" if slot <= forgotten else "running") for slot in range(1, replicas + 1)]
        self.found = {slot: self._task(slot, state) for slot, state in states}
        self.version = 1
        self.spec: dict[str, Any] = {
            "Name": "stack_web",
            "Mode": {"Replicated": {"Replicas": replicas}},
            "TaskTemplate": {},
        }
        self.asked_for: list[int] = []
        self.meanwhile: int | None = None  # what somebody else wants as soon as fewer are wanted
        self._lock = threading.Lock()
        self._meet = threading.Barrier(together)

    @property
    def api(self) -> "Swarm":
        return self

    def _task(self, slot: int, state: str) -> dict[str, Any]:
        node = {"NodeID": "n1"} if state == "running" else {}
        return {"ID": f"{slot}-{state}", "Slot": slot, "DesiredState": "running", "Status": {"State": state}, **node}

    def tasks(self, filters: dict[str, Any]) -> list[dict[str, Any]]:
        with self._lock:
            found = copy.deepcopy(list(self.found.values()))
        with suppress(threading.BrokenBarrierError):  # broken for good once somebody came alone
            self._meet.wait(0.1)
        return found

    def inspect_service(self, full: str) -> dict[str, Any]:
        with self._lock:
            return {"ID": "s1", "Version": {"Index": self.version}, "Spec": copy.deepcopy(self.spec)}

    def update_service(self, _: str, version: int, *, mode: dict[str, Any], **__: Any) -> None:
        with self._lock:
            if version != self.version:
                raise APIError("update out of sequence")
            replicas = mode["Replicated"]["Replicas"]
            self.asked_for.append(replicas)
            self._want(replicas)
            if self.meanwhile is not None:
                self._want(self.meanwhile)
                self.meanwhile = None

    def _want(self, replicas: int) -> None:
        self.version += 1
        self.spec["Mode"]["Replicated"]["Replicas"] = replicas
        stuck_first = sorted(self.found, key=lambda slot: self.found[slot]["Status"]["State"] == "running")
        for slot in stuck_first[: max(0, len(self.found) - replicas)]:
            del self.found[slot]
        free = (slot for slot in range(1, 100) if slot not in self.found)
        while len(self.found) < replicas:
            slot = next(free)
            self.found[slot] = self._task(slot, "running")

    def states(self) -> list[str]:
        return [self.found[slot]["Status"]["State"] for slot in sorted(self.found)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm_service, "PLACED_S", 0.0)
    monkeypatch.setattr(swarm_service, "BEGINS_S", 0.0)
    monkeypatch.setattr("harness.engine.settle.time.sleep", lambda _: None)


def service(swarm: Swarm) -> SwarmService:
    return SwarmService(swarm, "web", "stack_web")  # type: ignore[arg-type]


def test_only_those_that_wait_are_wanted_anew() -> None:
    swarm = Swarm(replicas=3, forgotten=2)
    service(swarm).unstick()
    assert (swarm.asked_for, swarm.states()) == ([1, 3], ["running"] * 3)


def test_where_nobody_waits_nothing_is_asked_for() -> None:
    swarm = Swarm(replicas=3, forgotten=0)
    service(swarm).unstick()
    assert swarm.asked_for == []


def test_all_slots_of_a_service_may_ask_at_once() -> None:
    swarm = Swarm(replicas=3, forgotten=3, together=2)
    unstuck = service(swarm)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: unstuck.unstick(), range(2)))
    assert swarm.asked_for == [0, 3], "who sees how many are wanted for a moment would leave it at that"
    assert swarm.states() == ["running"] * 3


def test_what_somebody_else_decides_meanwhile_holds() -> None:
    swarm = Swarm(replicas=3, forgotten=3)
    swarm.meanwhile = 5
    service(swarm).unstick()
    assert (swarm.asked_for, len(swarm.states())) == ([0], 5)


def test_a_slot_below_which_it_was_scaled_is_not_wanted() -> None:
    swarm = Swarm(replicas=3, forgotten=0)
    asked = service(swarm)
    asked.scale(2)
    assert [asked.wants(f"stack_web.{slot}") for slot in (1, 2, 3)] == [False, True, True]
