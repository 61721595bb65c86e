"""One service of a Swarm stack: how many are wanted, who runs, and how the orchestrator replaces them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException

from harness.engine.settle import until
from harness.errors import InstrumentError

T = TypeVar("T")

CONFLICTS = 20
"""How often an update is tried again when the orchestrator wrote the service in between."""

BEGINS_S = 5.0
"""How long the orchestrator may take to begin with an update."""

UNSTICK_TRIES = 4
PLACED_S = 1.5
"""How long a task may wait for a node that it may run on."""

_NOT_WANTED = ("shutdown", "remove")


class SwarmService:
    """Implements `harness.faults.base.ServiceHandle`. `full` is its name in the stack, `name` the component's."""

    def __init__(self, client: docker.DockerClient, name: str, full: str, *, job: bool = False) -> None:
        self._api: Any = client.api
        self._name = name
        self.full = full
        self.job = job
        self._unsticking = threading.Lock()

    @property
    def name(self) -> str:
        """Name of the component."""
        return self._name

    def instances(self) -> list[str]:
        """Ids of its running containers."""
        running = [task for task in self.tasks() if task["Status"]["State"] == "running"]
        return sorted(container_of(task) for task in running)

    def slots(self) -> list[str]:
        """The names of the slots that the orchestrator wants to be filled now: 'testbed-v2_app-a.1'."""
        return sorted({f"{self.full}.{task.get('Slot') or task['NodeID']}" for task in self.tasks()})

    def tasks(self) -> list[Mapping[str, Any]]:
        """The tasks that are wanted now, as the engine describes them; those of a kept-away service wait for a node."""
        return [task for task in self._all_tasks() if task["DesiredState"] not in _NOT_WANTED]

    def wanted(self) -> int | None:
        """How many replicas are wanted; None for a global service, of which each node has one."""
        replicated = self.spec()["Mode"].get("Replicated")
        return None if replicated is None else int(replicated.get("Replicas", 1))

    def settled(self) -> bool:
        """Whether as many as are wanted run (Swarm calls a task running once it is healthy) and no update goes on."""
        return not self.trouble()

    def trouble(self) -> str:
        """Why it is not settled, in words; '' when it is."""
        found = self._inspect()
        update = (found.get("UpdateStatus") or {}).get("State", "")
        if update in ("updating", "rollback_started"):
            return f"{self._name} is being updated"
        if update in ("paused", "rollback_paused"):
            return f"the update of {self._name} came to a halt: {found['UpdateStatus'].get('Message', '')}"
        if self.job:
            return self._job_trouble()
        replicated = found["Spec"]["Mode"].get("Replicated")
        wanted = 1 if replicated is None else int(replicated.get("Replicas", 1))
        tasks = self.tasks()
        running = sum(task["Status"]["State"] == "running" for task in tasks)
        if running == wanted == len(tasks):
            return ""
        why = sorted({_why(task) for task in tasks if task["Status"]["State"] != "running"})
        return f"{self._name}: {running} of {wanted} run" + (f" ({'; '.join(why)})" if why else "")

    def redeploy(self) -> None:
        """Have every task replaced, as the service's own `update_config` says (order, parallelism, delay)."""

        def force(spec: dict[str, Any]) -> None:
            spec["TaskTemplate"]["ForceUpdate"] = spec["TaskTemplate"].get("ForceUpdate", 0) + 1

        before = self._update_began()
        self._update(force)
        if not until(lambda: self._update_began() != before, time.monotonic() + BEGINS_S):
            raise InstrumentError(f"The orchestrator does not begin to redeploy {self._name}.")

    def scale(self, replicas: int) -> None:
        """Want as many as that."""
        self._update(lambda spec: spec["Mode"]["Replicated"].update(Replicas=replicas))

    def wants(self, slot: str) -> bool:
        """Whether the orchestrator wants `slot` (one of `slots`) to be filled; not asked while it is being unstuck."""
        with self._unsticking:
            return slot in self.slots()

    def unstick(self) -> None:
        """After it was kept away: see to it that every task that waits for a node gets one.

        Swarm's scheduler forgets the tasks that found no node once the service has a newer version (somebody scaled it
        meanwhile): 'task belongs to old revision of service'. Wanting fewer takes those that do not run, and as many as
        before brings others into their slots; the ones that run are left alone.

        One at a time: each of a service's slots asks for it when it is let back, and who looks at how many are wanted
        while another wants fewer for a moment would leave it at that.
        """
        with self._unsticking:
            for _ in range(UNSTICK_TRIES):
                if until(lambda: not self._waiting(), time.monotonic() + PLACED_S, every_s=0.05):
                    return
                self._want_anew(self._waiting())

    def _want_anew(self, stuck: set[str]) -> None:
        wanted = self.wanted()
        if wanted is None:
            self.redeploy()
            return
        fewer = max(0, wanted - len(stuck))
        self.scale(fewer)
        if not until(lambda: not stuck & self._waiting(), time.monotonic() + BEGINS_S):
            raise InstrumentError(f"The orchestrator keeps tasks of {self._name} for which it has no node.")
        if self.wanted() == fewer:  # else somebody has decided how many it is to be, in between
            self.scale(wanted)
        until(lambda: len(self.tasks()) >= (self.wanted() or 0), time.monotonic() + BEGINS_S)

    def spec(self) -> Mapping[str, Any]:
        """The service as it is wanted, in the engine's words."""
        spec: Mapping[str, Any] = self._inspect()["Spec"]
        return spec

    def last_words(self) -> str:
        """What the orchestrator says went wrong with its newest task, '' when nothing."""
        said = [(task["Status"]["Timestamp"], task["Status"].get("Err", "")) for task in self._all_tasks()]
        return next((error for _, error in sorted(said, reverse=True) if error), "")

    def _waiting(self) -> set[str]:
        without = [task for task in self.tasks() if not task.get("NodeID")]
        return {task["ID"] for task in without if task["Status"]["State"] in ("new", "pending")}

    def _all_tasks(self) -> list[Mapping[str, Any]]:
        filters = {"service": self.full}
        found: list[Mapping[str, Any]] = self._do("look for the tasks of", lambda: self._api.tasks(filters=filters))
        return found

    def _update_began(self) -> str:
        return str((self._inspect().get("UpdateStatus") or {}).get("StartedAt", ""))

    def _job_trouble(self) -> str:
        done = any(task["Status"]["State"] == "complete" for task in self._all_tasks())
        return "" if done else f"{self._name} has not ended"

    def _update(self, change: Callable[[dict[str, Any]], None]) -> None:
        for left in reversed(range(CONFLICTS)):
            found = self._inspect()
            spec = dict(found["Spec"])
            change(spec)
            try:
                self._api.update_service(
                    found["ID"],
                    found["Version"]["Index"],
                    name=spec["Name"],
                    labels=spec.get("Labels"),
                    mode=spec["Mode"],
                    task_template=spec["TaskTemplate"],
                    update_config=spec.get("UpdateConfig"),
                    rollback_config=spec.get("RollbackConfig"),
                    endpoint_spec=spec.get("EndpointSpec"),
                )
            except APIError as error:
                if "out of sequence" in str(error) and left:
                    continue
                raise InstrumentError(f"{self._name} cannot be updated: {error.explanation or error}.") from None
            return

    def _inspect(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._do("inspect", lambda: self._api.inspect_service(self.full))
        return found

    def _do(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except APIError as error:
            raise InstrumentError(f"Cannot {what} {self._name}: {error.explanation or error}.") from None
        except (DockerException, requests.RequestException) as error:
            raise InstrumentError(f"Cannot {what} {self._name}: the engine does not answer: {error}.") from None


def container_of(task: Mapping[str, Any]) -> str:
    """Return the id of the container of a task, '' when it has none yet."""
    return str((task["Status"].get("ContainerStatus") or {}).get("ContainerID") or "")


def _why(task: Mapping[str, Any]) -> str:
    status = task["Status"]
    return str(status.get("Err") or status.get("Message") or status["State"])
