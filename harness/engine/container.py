"""One container of a component on a Docker engine, and what a fault may do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from harness.engine.bounded import within
from harness.engine.cpu import cpu_time_ns
from harness.engine.moments import Death, EventWatcher, Moment, from_docker
from harness.engine.packets import PacketRules
from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import ContainerState
from harness.target import Component

T = TypeVar("T")

NO_SUCH_PROGRAM = (126, 127)
"""What the engine and shells answer when the program cannot be run."""

DYING_S = 0.5
"""How long a container may take to end once its processes were killed: 50 ms on an idle machine."""
LATE_S = 5.0
"""... and how long on one where a whole zone dies at the same moment."""


class DockerContainer:
    """A container by its id; implements `harness.faults.base.Container`. Every engine error is an InstrumentError."""

    def __init__(
        self,
        client: docker.DockerClient,
        container_id: str,
        name: str,
        component: Component,
        watcher: EventWatcher | None = None,
        *,
        packets: PacketRules | None = None,
    ) -> None:
        # The low-level API: one request for each thing, and no object that remembers an old state.
        self._api: Any = client.api
        self._id = container_id
        self._name = name
        self._component = component
        self._watcher = watcher
        self._packets = packets or PacketRules(client, "")
        self._drops = False
        self._held_policy: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """The engine's id of it."""
        return self._id

    @property
    def component(self) -> str:
        """Name of the component (Compose service)."""
        return self._component.name

    @property
    def name(self) -> str:
        """Name of the container."""
        return self._name

    def state(self) -> ContainerState:
        """Ask the engine. `restart_count` counts restarts by policy since the last start by hand."""
        found = self._inspect()
        state = found["State"]
        running = bool(state["Running"]) and not state["Restarting"]
        return ContainerState(
            status=str(state["Status"]),
            pid=int(state["Pid"]),
            restart_count=int(found["RestartCount"]),
            started_at=from_docker(state["StartedAt"]),
            finished_at=from_docker(state["FinishedAt"]),
            exit_code=int(state["ExitCode"]),
            cpu_ns=self._cpu_ns(int(state["Pid"])) if running else None,
        )

    def moments(self, since: datetime | None = None) -> list[Moment]:
        """What happened to it, in order, as the engine told it: (engine time, 'die' | 'start' | 'pause' | ...)."""
        watcher = self._heard()
        return watcher.of(self._id, since) if watcher else []

    def deaths(self, since: datetime) -> list[Death]:
        """The ends of its main process from `since` on, as the engine told them. Raises InstrumentError."""
        watcher = self._heard()
        return watcher.deaths(self._id, since) if watcher else []

    def is_wanted(self) -> bool:
        """True: nobody scales a Compose service."""
        return True

    def ends(self, since: datetime) -> list[datetime]:
        """When its main process ended from `since` on, in order and whoever ended it."""
        return [moment for moment, action in self.moments(since) if action == "die"]

    def out_of_memory(self, since: datetime) -> list[datetime]:
        """When its end came because the kernel killed it for lack of memory. Raises InstrumentError."""
        return [death.moment for death in self.deaths(since) if death.out_of_memory]

    def _heard(self) -> EventWatcher | None:
        if self._watcher is not None and self._watcher.lost:
            raise InstrumentError(f"What happened to {self._name} is not known: {self._watcher.lost}.")
        return self._watcher

    def crash(self) -> None:
        """End its processes with SIGKILL from inside, so that the restart policy sees a crash.

        PID 1 is docker-init (`init: true`), which that signal does not reach; it ends with the code of its child.
        """
        before = self._inspect()["State"]["Pid"]
        # root reaches all of them, unless the container gave that right away (cap_drop); its own user reaches its own.
        for user, patience_s in (("0", DYING_S), ("", LATE_S)):
            try:
                code, output = self._exec(("sh", "-c", "kill -9 -1"), user=user, timeout_s=10.0)
            except InstrumentError:
                # The engine may tell late that it was killed: nothing can be run in it, and it seems to live.
                if self._ended(before, patience_s):
                    return
                raise
            if code in NO_SUCH_PROGRAM and not (user == "" and self._ended(before, patience_s)):
                problem = f"{self._name} has no shell to crash it from: {output.strip()}."
                raise InstrumentError(problem, "Use an image with a shell, or the fault Stop.")
            # The kernel says that all is well even when it let nobody be killed.
            if self._ended(before, patience_s):
                return
        raise InstrumentError(f"{self._name} cannot be crashed from inside.", "Use the fault Stop.")

    def kill(self) -> None:
        """Have the engine end all its processes with SIGKILL: quicker by far than anything that runs inside.

        For the containers of an orchestrator, which puts another in its place; a restart policy takes it for a
        person's wish, and leaves it dead. Raises InstrumentError when it does not end.
        """
        before = self._inspect()["State"]["Pid"]
        self._do("kill", lambda: self._api.kill(self._id, signal="SIGKILL"))
        if not self._ended(before, LATE_S):
            raise InstrumentError(f"{self._name} was killed and does not end.")

    def _ended(self, pid: int, within_s: float) -> bool:
        """Whether the main process `pid` is gone, or is so within that time."""
        deadline = time.monotonic() + within_s
        while self._inspect()["State"]["Pid"] == pid:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        return True

    def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s`; the restart policy does not bring it back."""
        self._do("stop", lambda: self._api.stop(self._id, timeout=max(0, round(grace_s))))

    def start(self) -> None:
        """Start it again; nothing happens when it runs."""
        self._do("start", lambda: self._api.start(self._id))

    def pause(self) -> None:
        """Freeze all its processes; nothing happens when it is frozen."""
        if not self._inspect()["State"]["Paused"]:
            self._do("pause", lambda: self._api.pause(self._id))

    def unpause(self) -> None:
        """Thaw it; nothing happens when it is not frozen."""
        if self._inspect()["State"]["Paused"]:
            self._do("unpause", lambda: self._api.unpause(self._id))

    def hold_restarts(self) -> None:
        """Switch its restart policy off, remembering what it was; nothing happens when it is held."""
        if self._held_policy is None:
            policy = self.restart_policy()
            self.set_restart_policy({"Name": "no", "MaximumRetryCount": 0})
            self._held_policy = policy

    def release_restarts(self) -> None:
        """Give its restart policy back; nothing happens when it was not held."""
        if self._held_policy is not None:
            self.set_restart_policy(self._held_policy)
            self._held_policy = None

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        """Run a command inside and return what it printed. Raises InstrumentError when it fails."""
        code, output = self._exec(command, user="", timeout_s=timeout_s)
        if code != 0:
            said = output.strip()[-300:]
            raise InstrumentError(f"`{' '.join(command)}` in {self._name} ended with {code}: {said}.")
        return output

    def contents(self) -> int | None:
        """How many entries the component holds (`contents` of target.toml); None when not declared."""
        command = self._component.contents
        if command is None:
            return None
        printed = self.run(command).strip()
        try:
            return int(printed)
        except ValueError:
            problem = f"`{' '.join(command)}` in {self._name} printed {printed[:80]!r} and not a number."
            raise InstrumentError(problem, f"Correct components.{self.component}.contents in target.toml.") from None

    def wipe(self) -> None:
        """Empty it (`wipe` of target.toml). Raises NothingToBreak when not declared."""
        if self._component.wipe is None:
            problem = f"target.toml does not say how to empty the component '{self.component}'."
            raise NothingToBreak(problem, f"Add components.{self.component}.wipe.")
        self.run(self._component.wipe)

    def is_primary(self) -> bool:
        """Ask it (`primary` of target.toml) whether it is the one that takes writes; True when not declared."""
        command = self._component.primary
        return command is None or self._exec(command, user="", timeout_s=10.0)[0] == 0

    def connections(self) -> tuple[int, int]:
        """How many it has and takes at most (`connections` of target.toml). Raises NothingToBreak when not declared."""
        command = self._declared("connections")
        printed = self.run(command).split()
        if len(printed) != 2 or not all(word.isdigit() for word in printed):
            problem = f"`{' '.join(command)}` in {self._name} printed {' '.join(printed)[:80]!r} and not two numbers."
            raise InstrumentError(problem, f"Correct components.{self.component}.connections in target.toml.")
        return int(printed[0]), int(printed[1])

    def connect_command(self) -> tuple[str, ...]:
        """What takes a connection and keeps it (`connect` of target.toml). Raises NothingToBreak when not declared."""
        return self._declared("connect")

    def disk(self) -> tuple[str, int]:
        """Where its disk is mounted and how much (MB) fits on it (`disk` of target.toml). Raises NothingToBreak."""
        disk = self._component.disk
        if disk is None:
            problem = f"target.toml gives the component '{self.component}' no disk with a bound."
            raise NothingToBreak(problem, f"Add components.{self.component}.disk.")
        return disk.path, disk.mb

    def _declared(self, what: str) -> tuple[str, ...]:
        command: tuple[str, ...] | None = getattr(self._component, what)
        if command is None:
            problem = f"target.toml has no command `{what}` for the component '{self.component}'."
            raise NothingToBreak(problem, f"Add components.{self.component}.{what}.")
        return command

    def addresses(self) -> list[str]:
        """Its IPv4 addresses on all its networks."""
        networks: Mapping[str, Any] = self._inspect()["NetworkSettings"]["Networks"] or {}
        return [network["IPAddress"] for network in networks.values() if network["IPAddress"]]

    def drop_packets(self, peers: Sequence[str]) -> None:
        """Drop, in its network namespace, every packet from and to these addresses."""
        self._drops = True
        self._packets.drop(self._id, self._name, peers)

    def restore_packets(self) -> None:
        """Let them pass again; nothing happens when none are dropped."""
        if self._drops and self._inspect()["State"]["Running"]:  # with a process, its namespace and the rules ended
            self._packets.restore(self._id, self._name)
        self._drops = False

    def dropped_packets(self) -> int:
        """How many packets were dropped since `drop_packets`, by the kernel's own counters; 0 without rules."""
        return self._packets.dropped(self._id, self._name) if self._drops else 0

    @property
    def drops(self) -> bool:
        """Whether it drops packets, as far as this handle knows."""
        return self._drops

    def health(self) -> str:
        """Docker's word for its health check: 'healthy', 'starting', 'unhealthy'; 'none' when it has none."""
        return str((self._inspect()["State"].get("Health") or {}).get("Status", "none"))

    def restart_policy(self) -> Mapping[str, Any]:
        """Its restart policy in Docker's words: {'Name': 'always', 'MaximumRetryCount': 0}."""
        policy: Mapping[str, Any] = self._inspect()["HostConfig"]["RestartPolicy"]
        return policy

    def set_restart_policy(self, policy: Mapping[str, Any]) -> None:
        """Give it a restart policy in Docker's words; verified by reading back."""
        self._do("set the restart policy of", lambda: self._api.update_container(self._id, restart_policy=dict(policy)))
        stored = self.restart_policy()
        if (stored["Name"] or "no") != (policy["Name"] or "no"):
            raise InstrumentError(f"The restart policy of {self._name} is {stored['Name']}, not {policy['Name']}.")

    def _inspect(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._do("inspect", lambda: self._api.inspect_container(self._id))
        return found

    def _cpu_ns(self, pid: int) -> int | None:
        """Total CPU time of its cgroup (ns); asked of the engine only where this machine cannot see the cgroup."""
        here = cpu_time_ns(pid, self._id)
        if here is not None:
            return here
        try:
            stats = self._api.stats(self._id, stream=False, one_shot=True)
            used = int(stats["cpu_stats"]["cpu_usage"]["total_usage"])
        except (DockerException, requests.RequestException, KeyError):
            return None  # it ended between the two questions, or the engine does not count
        return used or None

    def _exec(self, command: tuple[str, ...], user: str, timeout_s: float) -> tuple[int | None, str]:
        """Exit code (None when the container ended under the command) and what it printed."""
        exec_id: str = self._do(
            f"run `{command[0]}` in", lambda: self._api.exec_create(self._id, list(command), user=user)["Id"]
        )
        output: bytes = self._do(
            f"run `{command[0]}` in", lambda: within(timeout_s, lambda: self._api.exec_start(exec_id))
        )
        try:
            code = self._api.exec_inspect(exec_id)["ExitCode"]
        except NotFound:
            code = None
        return code, (output or b"").decode(errors="replace")

    def _do(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except NotFound:
            raise InstrumentError(f"Cannot {what} {self._name}: the container is gone.") from None
        except TimeoutError as error:
            raise InstrumentError(f"Cannot {what} {self._name}: {error}.") from None
        except APIError as error:
            raise InstrumentError(f"Cannot {what} {self._name}: {error.explanation or error}.") from None
        except (DockerException, requests.RequestException) as error:
            raise InstrumentError(f"Cannot {what} {self._name}: the engine does not answer: {error}.") from None
