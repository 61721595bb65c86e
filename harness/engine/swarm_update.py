"""A bad version of a service under Swarm: deployed as `docker service update` does, watched, and taken back.

Whether an update stops, and who takes it back, is the service's own `update_config` (failure_action, monitor, delay):
the harness only asks for the version. Taking it back by hand is putting the former template of the tasks there again,
and not Swarm's own rollback: that goes to the version before the last *change*, and whoever scaled the service
meanwhile, as an autoscaler does, made the bad version its predecessor.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from typing import Any

from harness.engine.settle import until
from harness.engine.swarm_service import BEGINS_S, SwarmService, container_of
from harness.errors import InstrumentError
from harness.faults.base import Rollout
from harness.versions import BadVersion


class DeployableService(SwarmService):
    """A SwarmService that can be given another version, as `harness.faults.base.DeployableHandle` asks for."""

    _good: dict[str, Any] | None = None
    _bad: BadVersion | None = None
    _earlier: frozenset[str] = frozenset()  # tasks from before the deploy, of which the swarm remembers some

    def deploy(self, version: BadVersion) -> None:
        """Ask for the version and return once the orchestrator has begun with it."""
        template = self.spec()["TaskTemplate"]
        if self._bad is None:
            self._good = copy.deepcopy(dict(template))
        self._bad, self._earlier = version, frozenset(task["ID"] for task in self._all_tasks())
        before = self._update_began()
        self._update(lambda spec: spec.update(TaskTemplate=with_version(spec["TaskTemplate"], version)))
        if not until(lambda: self._update_began() != before, time.monotonic() + BEGINS_S):
            raise InstrumentError(f"The orchestrator does not begin to deploy a bad version of {self.name}.")

    def is_bad(self) -> bool:
        """Whether the orchestrator wants the bad version that was deployed last."""
        return self._bad is not None and is_version(self.spec()["TaskTemplate"], self._bad)

    def rollout(self) -> Rollout:
        """How the deploy stands, in the orchestrator's own words, and which tasks are of the bad version."""
        if self._bad is None:
            return Rollout(state="", message="", wanted=False, present=(), running=(), seen=())
        found = self._inspect()
        status: Mapping[str, Any] = found.get("UpdateStatus") or {}
        fresh = [task for task in self._all_tasks() if task["ID"] not in self._earlier]
        bad = [task for task in fresh if is_version(task["Spec"], self._bad)]
        return Rollout(
            state=str(status.get("State", "")),
            message=str(status.get("Message", "")),
            wanted=is_version(found["Spec"]["TaskTemplate"], self._bad),
            present=_ids(bad, "starting", "running"),
            running=_ids(bad, "running"),
            seen=tuple(sorted(task["ID"] for task in bad if container_of(task))),
        )

    def take_back(self) -> None:
        """Want the version from before the deploy again; nothing happens when it is wanted. Returns at once."""
        good = self._good
        if good is None or not self.is_bad():
            return
        self._update(lambda spec: spec.update(TaskTemplate=_forced(good, spec["TaskTemplate"])))


def with_version(template: Mapping[str, Any], version: BadVersion) -> dict[str, Any]:
    """Return the template of the tasks of a service with the version's environment and command in place of its own."""
    changed: dict[str, Any] = copy.deepcopy(dict(template))
    container = changed["ContainerSpec"]
    kept = [pair for pair in container.get("Env") or () if pair.partition("=")[0] not in version.env]
    container["Env"] = kept + [f"{key}={value}" for key, value in version.env.items()]
    if version.command:
        container["Args"] = list(version.command)  # what Docker calls Command is the entrypoint
    return changed


def is_version(template: Mapping[str, Any], version: BadVersion) -> bool:
    """Whether a task, or what a service wants of its tasks, is of that version."""
    container = template["ContainerSpec"]
    has_env = {f"{key}={value}" for key, value in version.env.items()} <= set(container.get("Env") or ())
    return has_env and (not version.command or list(version.command) == (container.get("Args") or []))


def _ids(tasks: Iterable[Mapping[str, Any]], *states: str) -> tuple[str, ...]:
    return tuple(sorted(task["ID"] for task in tasks if task["Status"]["State"] in states))


def _forced(good: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {**copy.deepcopy(dict(good)), "ForceUpdate": now.get("ForceUpdate", 0) + 1}
