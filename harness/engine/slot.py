"""One slot of a Swarm service: whoever fills it now, and what a fault may do to it.

A container of a service never starts again: when it dies, the orchestrator puts another into the same slot. So the
handle is of the slot, and what it says is about the newest container that runs there, or was the last to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import docker
import requests
from docker.errors import DockerException

from harness.engine import marks
from harness.engine.container import DockerContainer
from harness.engine.holds import Holds
from harness.engine.moments import Death, EventWatcher, Moment
from harness.engine.packets import PacketRules
from harness.engine.swarm_service import SwarmService
from harness.errors import InstrumentError
from harness.faults.base import ContainerState
from harness.target import Component

NEVER = datetime.fromtimestamp(0, UTC)


NOBODY = ContainerState("dead", 0, 0, None, None, -1)
"""Of a slot that is empty at the moment."""


class SwarmSlot:
    """Implements `harness.faults.base.Container` for the slot `number` of `service`.

    `proxy` is the Toxiproxy that bears the component's name, on the
    same side of a partition: rules about the component's packets are rules about that one's as well.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        service: SwarmService,
        number: str,
        component: Component,
        *,
        watcher: EventWatcher,
        holds: Holds,
        packets: PacketRules,
        proxy: DockerContainer | None = None,
    ) -> None:
        self._client = client
        self._api: Any = client.api
        self._service = service
        self._number = number
        self._component = component
        self._watcher = watcher
        self._holds = holds
        self._packets = packets
        self._proxy = proxy
        self._started_by_hand = 0  # how many of its containers had run when it was last started by hand
        self._drops_in: list[str] = []  # containers with rules of ours

    @property
    def component(self) -> str:
        """Name of the component."""
        return self._component.name

    @property
    def name(self) -> str:
        """Name of the slot: 'testbed-v2_app-a.1'."""
        return f"{self._service.full}.{self._number}"

    @property
    def id(self) -> str:
        """The engine's id of the container that fills it now. Raises InstrumentError when none ever did."""
        return self._now().id

    def state(self) -> ContainerState:
        """What the engine says of the newest container; `restart_count` counts those that the orchestrator put there.

        `finished_at` is the last death in the slot, whichever container it was. A slot whose last container was removed
        and whose next one has not started is 'dead', without a process.
        """
        ever, state = self._ever(), self._newest_state()
        if state is None and not ever:
            raise InstrumentError(f"No container has ever run in {self.name}.")
        state = state or NOBODY
        died = [death.moment for one in ever for death in self._watcher.deaths(one, NEVER)]
        if state.finished_at is None and died:
            state = replace(state, finished_at=max(died))
        return replace(state, restart_count=max(0, len(ever) - self._started_by_hand - 1))

    def _newest_state(self) -> ContainerState | None:
        """That of the container that fills it; None when the orchestrator has removed all of them."""
        filling = self._filling()
        try:
            return self._handle(filling).state() if filling else None
        except InstrumentError:
            if filling in self._containers():
                raise
            return None  # it was removed between the two questions

    def moments(self, since: datetime | None = None) -> list[Moment]:
        """What happened in the slot, in order, as the engine told it."""
        return sorted(moment for one in self._ever() for moment in self._handle(one).moments(since))

    def deaths(self, since: datetime) -> list[Death]:
        """The ends in the slot from `since` on that the orchestrator had not asked for."""
        found = [death for one in self._ever() for death in self._handle(one).deaths(since)]
        return sorted((death for death in found if not death.asked), key=lambda death: death.moment)

    def out_of_memory(self, since: datetime) -> list[datetime]:
        """When an end in the slot came because the kernel killed it for lack of memory."""
        return [death.moment for death in self.deaths(since) if death.out_of_memory]

    def crash(self) -> None:
        """End its processes with SIGKILL; when it is to stay away, keep its service away once it is dead.

        By the engine: a whole region is to die within a second, and twenty shells started to do it took half a minute.

        Raises InstrumentError when it is to stay away and other slots of its service are not: that cannot be done.
        """
        stays_away = self.name in self._holds.intended(self.component)
        if stays_away:
            others = sorted(set(self._service.slots()) - self._holds.intended(self.component))
            if others:
                raise InstrumentError(
                    f"{self.name} cannot be kept away alone: {', '.join(others)} would have to go as well.",
                    "Give each of them a service of its own, or let it be replaced (`stays_away=False`).",
                )
        self._now().kill()
        if stays_away:
            self._holds.struck(self.component, self.name)

    def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s`; the service is kept away, and with it its other slots."""
        self._now().stop(grace_s)
        self._holds.hold(self.component)

    def start(self) -> None:
        """Let the orchestrator fill the slot again, which it does within seconds; nothing happens when it runs."""
        if self.state().status not in ("running", "paused"):
            self._started_by_hand = len(self._ever())
            self._holds.release(self.component)
            self._service.unstick()  # also when it was let back before: whoever comes back must have a node

    def pause(self) -> None:
        """Freeze all its processes. The orchestrator does not replace it: its health check is not run meanwhile."""
        self._now().pause()

    def unpause(self) -> None:
        """Thaw it; nothing happens when it is not frozen."""
        self._now().unpause()

    def hold_restarts(self) -> None:
        """Note that it must not be replaced after the next crash. Until then nothing changes: it would be evicted."""
        self._holds.intend(self.component, self.name)

    def release_restarts(self) -> None:
        """Let its service run again; nothing happens when it was not kept away."""
        if self._holds.is_held(self.component) and self.state().status not in ("running", "paused"):
            self._started_by_hand = len(self._ever())
        if self._holds.release(self.component):
            self._service.unstick()

    def is_wanted(self) -> bool:
        """Whether the orchestrator still wants it to be filled: not when its service was scaled down below it."""
        return self._service.wants(self.name)

    def ends(self, since: datetime) -> list[datetime]:
        """When the containers in the slot ended from `since` on, in order and whoever ended them."""
        return [moment for moment, action in self.moments(since) if action == "die"]

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        """Run a command inside and return what it printed. Raises InstrumentError when it fails."""
        return self._now().run(command, timeout_s)

    def contents(self) -> int | None:
        """How many entries the component holds (`contents` of target.toml); None when not declared."""
        return self._now().contents()

    def wipe(self) -> None:
        """Empty it (`wipe` of target.toml). Raises NothingToBreak when not declared."""
        self._now().wipe()

    def is_primary(self) -> bool:
        """Ask it (`primary` of target.toml) whether it is the one that takes writes; True when not declared."""
        return self._now().is_primary()

    def connections(self) -> tuple[int, int]:
        """How many it has and takes at most (`connections` of target.toml). Raises NothingToBreak when not declared."""
        return self._now().connections()

    def connect_command(self) -> tuple[str, ...]:
        """What takes a connection and keeps it (`connect` of target.toml). Raises NothingToBreak when not declared."""
        return self._now().connect_command()

    def disk(self) -> tuple[str, int]:
        """Where its disk is mounted and how much (MB) fits on it (`disk` of target.toml). Raises NothingToBreak."""
        return self._now().disk()

    def addresses(self) -> list[str]:
        """Its IPv4 addresses, and those of the Toxiproxy that bears its name."""
        return [*self._now().addresses(), *(self._proxy.addresses() if self._proxy else [])]

    def drop_packets(self, peers: Sequence[str]) -> None:
        """Drop every packet from and to these addresses, in its network namespace and that of its Toxiproxy."""
        for one in [self._now(), *([self._proxy] if self._proxy else [])]:
            if one.id not in self._drops_in:
                self._drops_in.append(one.id)
            self._packets.drop(one.id, self.name, peers)

    def restore_packets(self) -> None:
        """Let them pass again; nothing happens when none are dropped."""
        for one in list(self._drops_in):
            if self._runs(one):  # with its process, the namespace and the rules ended
                self._packets.restore(one, self.name)
            self._drops_in.remove(one)

    def dropped_packets(self) -> int:
        """How many packets were dropped since `drop_packets`, by the kernel's own counters; 0 without rules."""
        return sum(self._packets.dropped(one, self.name) for one in self._drops_in if self._runs(one))

    @property
    def drops(self) -> bool:
        """Whether it drops packets, as far as this handle knows."""
        return bool(self._drops_in)

    def health(self) -> str:
        """Docker's word for its health check: 'healthy', 'starting', 'unhealthy'; 'none' when it has none."""
        return self._now().health()

    def _now(self) -> DockerContainer:
        filling = self._filling()
        if filling is None:
            raise InstrumentError(f"No container has ever run in {self.name}.")
        return self._handle(filling)

    def _handle(self, container: str) -> DockerContainer:
        return DockerContainer(self._client, container, self.name, self._component, self._watcher)

    def _runs(self, container: str) -> bool:
        return any(c["Id"] == container for c in self._listed(all_of_them=False))

    def _filling(self) -> str | None:
        """Id of the newest container in the slot that runs; where none does, of the newest one.

        A version that was taken back before it was ready is newer than the one that it should have replaced, and dead.
        """
        here = self._known()
        running = [one["Id"] for one in here if one["State"] in ("running", "paused")]
        return next(reversed(running or [one["Id"] for one in here]), None)

    def _containers(self) -> list[str]:
        """Ids of those that have run in the slot and that the engine still knows, oldest first."""
        return [one["Id"] for one in self._known()]

    def _known(self) -> list[dict[str, Any]]:
        # One that was created and not yet started is not in the slot yet: its predecessor may not even be dead.
        here = [c for c in self._listed() if c["State"] != "created" and self._is_mine(c["Labels"])]
        return sorted(here, key=lambda c: (c["Created"], self._first_start(c["Id"])))

    def _ever(self) -> list[str]:
        """Ids of all that have run in the slot: a swarm that keeps a short history forgets the oldest."""
        heard = [one for one in self._watcher.slots().get(self.name, ()) if self._first_start(one) > NEVER]
        return list(dict.fromkeys([*heard, *self._containers()]))

    def _first_start(self, container: str) -> datetime:
        starts = [moment for moment, action in self._watcher.of(container) if action == "start"]
        return min(starts, default=NEVER)

    def _is_mine(self, labels: dict[str, str]) -> bool:
        return labels.get(marks.SWARM_TASK, "").rpartition(".")[0] == self.name

    def _listed(self, all_of_them: bool = True) -> list[dict[str, Any]]:
        filters = {"label": f"{marks.SWARM_SERVICE}={self._service.full}"} if all_of_them else {}
        try:
            found: list[dict[str, Any]] = self._api.containers(all=all_of_them, filters=filters)
        except (DockerException, requests.RequestException) as error:
            raise InstrumentError(f"Cannot look for {self.name}: the engine does not answer: {error}.") from None
        return found
