"""A container without an engine, and ways in which a fault on it may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import ContainerState
from harness.target import Component

CRASHED, STOPPED = 137, 0


class FakeContainer:
    """Implements Container. A policy of 'always' brings it back at the next look after a crash, as a new process.

    `entries` is what it holds; a crash keeps them, only `wipe` empties it. Every CPU look while it runs costs time.
    `primary` is what it answers when asked, `address` the only one it has; `network` are the containers on its network.
    Tampering: `deaf` (nothing that is done to it has an effect), `stays_down` (no policy and no start bring it back),
    `gone` (the engine does not know it any more), `looks_until_back` (how many looks a restart takes).
    """

    def __init__(
        self,
        component: Component,
        *,
        name: str = "",
        policy: str = "always",
        entries: int = 0,
        looks_until_back: int = 1,
        deaf: bool = False,
        stays_down: bool = False,
        gone: bool = False,
        primary: bool = True,
        address: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._component = component
        self._name = name or f"fake-{component.name}-1"
        self.policy = policy
        self.entries = entries
        self.looks_until_back = looks_until_back
        self.deaf = deaf
        self.stays_down = stays_down
        self.gone = gone
        self.primary = primary
        self.address = address
        self.dropped: set[str] = set()
        self.drops = 0
        self.network: Sequence[FakeContainer] = ()
        self.generation = 1
        self.starved: list[datetime] = []
        self.wanted = True
        self.ended: list[datetime] = []
        self._clock = clock
        self._held_policy: str | None = None
        self._looks_left = 0
        self._pids = iter(range(1000, 100_000, 7))
        self._state = ContainerState("running", next(self._pids), 0, clock(), None, 0, 0)
        self.calls: list[str] = []

    @property
    def component(self) -> str:
        return self._component.name

    @property
    def name(self) -> str:
        return self._name

    @property
    def id(self) -> str:
        self._reach()
        return f"{self._name}-{self.generation}"

    def is_wanted(self) -> bool:
        self._reach()
        return self.wanted

    def ends(self, since: datetime) -> list[datetime]:
        self._reach()
        return [moment for moment in self.ended if moment >= since]

    def dismiss(self) -> None:
        """As when its service is scaled down below it: it ends if it runs, and nobody brings it back."""
        self.wanted = False
        self.stays_down = True
        self._end(STOPPED)

    def replace(self) -> None:
        """As an orchestrator does: another container stands in its place from now on."""
        self.generation += 1
        self._run(self._state.restart_count + 1)

    def state(self) -> ContainerState:
        self._reach()
        if self._state.status == "restarting":
            self._looks_left -= 1
            if self._looks_left <= 0:
                self._run(self._state.restart_count)
        if self._state.status == "running":
            self._state = replace(self._state, cpu_ns=(self._state.cpu_ns or 0) + 1_000_000)
        return self._state

    def out_of_memory(self, since: datetime) -> list[datetime]:
        return [moment for moment in self.starved if moment >= since]

    def run_out_of_memory(self) -> None:
        """As the kernel does: what runs in it is killed, and its policy brings it back."""
        self.crash()
        self.starved.append(self._clock())

    def crash(self) -> None:
        if not self._do("crash"):
            return
        if self._state.status != "running":
            raise InstrumentError(f"Cannot run `sh` in {self._name}: it is {self._state.status}.")
        self._end(CRASHED)
        if self.policy == "always" and not self.stays_down:
            self._looks_left = self.looks_until_back
            self._state = replace(self._state, status="restarting", restart_count=self._state.restart_count + 1)

    def stop(self, grace_s: float) -> None:
        if self._do(f"stop {grace_s:g}") and self._state.status in ("running", "restarting"):
            self._end(STOPPED)

    def start(self) -> None:
        if self._do("start") and self._state.status == "exited" and not self.stays_down:
            self._run(restart_count=0)  # as Docker counts: a start by hand begins anew

    def pause(self) -> None:
        if self._do("pause") and self._state.status == "running":
            self._state = replace(self._state, status="paused")

    def unpause(self) -> None:
        if self._do("unpause") and self._state.status == "paused":
            self._state = replace(self._state, status="running")

    def hold_restarts(self) -> None:
        if self._do("hold_restarts") and self._held_policy is None:
            self._held_policy, self.policy = self.policy, "no"

    def release_restarts(self) -> None:
        if self._do("release_restarts") and self._held_policy is not None:
            self.policy, self._held_policy = self._held_policy, None

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        if self.state().status != "running":  # time passes for those who only run commands, too
            raise InstrumentError(f"Cannot run `{command[0]}` in {self._name}: it is {self._state.status}.")
        if "/dev/tcp/" in command[-1]:
            return self._reach_out(command)
        if command[0] == "false":
            raise InstrumentError(f"`{' '.join(command)}` in {self._name} ended with 1: .")
        return " ".join(command[1:]) + "\n" if command[0] == "echo" else ""

    def contents(self) -> int | None:
        if self._component.contents is None:
            return None
        self.run(self._component.contents)
        return self.entries

    def wipe(self) -> None:
        if self._component.wipe is None:
            raise NothingToBreak(f"target.toml does not say how to empty the component '{self.component}'.")
        if self._do("wipe"):
            self.run(self._component.wipe)
            self.entries = 0

    def is_primary(self) -> bool:
        self._reach()
        return self.primary

    def addresses(self) -> list[str]:
        self._reach()
        return [self.address] if self.address else []

    def drop_packets(self, peers: Sequence[str]) -> None:
        if self._do(f"drop_packets {' '.join(peers)}"):
            self.dropped = set(peers)

    def restore_packets(self) -> None:
        if self._do("restore_packets"):
            self.dropped, self.drops = set(), 0

    def dropped_packets(self) -> int:
        self._reach()
        return self.drops

    def _reach_out(self, command: tuple[str, ...]) -> str:
        """As bash's /dev/tcp does: a far side that is there refuses, one behind a rule is not heard of."""
        far = next((one for one in self.network if one.address and f"/{one.address}/" in command[-1]), None)
        if far is None:
            return "silent\n"  # nobody has that address any more
        for one, peer in ((self, far), (far, self)):
            if peer.address in one.dropped:
                one.drops += 1
                return "silent\n"
        return "refused\n"

    def _do(self, call: str) -> bool:
        self._reach()
        self.calls.append(call)
        return not self.deaf

    def _reach(self) -> None:
        if self.gone:
            raise InstrumentError(f"Cannot inspect {self._name}: the container is gone.")

    def _end(self, code: int) -> None:
        if self._state.status in ("running", "paused"):
            self.ended.append(self._clock())
        self._state = replace(
            self._state, status="exited", pid=0, exit_code=code, finished_at=self._clock(), cpu_ns=None
        )

    def _run(self, restart_count: int) -> None:
        self._state = ContainerState(
            "running", next(self._pids), restart_count, self._clock(), self._state.finished_at, 0, 0
        )


class Misdirected:
    """Tampering: what is asked of `claimed` is done to `hit` instead. Questions are answered by `claimed` itself."""

    DEEDS = frozenset(
        {"crash", "stop", "start", "pause", "unpause", "hold_restarts", "release_restarts", "wipe"}
        | {"drop_packets", "restore_packets"}
    )

    def __init__(self, claimed: FakeContainer, hit: FakeContainer) -> None:
        self._claimed, self._hit = claimed, hit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hit if name in self.DEEDS else self._claimed, name)
