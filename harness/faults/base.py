"""What a fault is, and the narrow protocols through which it may touch the world.

A fault is a frozen value that an experiment declares. `inject` makes it bite and returns an Injection that
knows how to heal itself and how to prove, from a side channel, what really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from harness.history import Receipt
from harness.versions import BadVersion


@dataclass(frozen=True)
class ContainerState:
    """What the engine says about a container, apart from anything the fault believes.

    `status` is Docker's word: running, paused, restarting, exited, dead, created. Moments are engine time.
    """

    status: str
    pid: int
    restart_count: int
    started_at: datetime | None
    finished_at: datetime | None
    exit_code: int
    cpu_ns: int | None = None  # total CPU time of its cgroup, None where the engine does not say


class Container(Protocol):
    """One running container of a component, and what a fault may do to it.

    Where an orchestrator replaces containers by others, it is a *slot*: what is said is about whoever fills it now.
    """

    @property
    def component(self) -> str:
        """Name of the component (Compose service)."""
        ...

    @property
    def name(self) -> str:
        """Name of the container."""
        ...

    @property
    def id(self) -> str:
        """The engine's id of it; another one once an orchestrator has put another container in its place."""
        ...

    def state(self) -> ContainerState:
        """Ask the engine. Raises InstrumentError when the container is gone."""
        ...

    def is_wanted(self) -> bool:
        """Whether it is to run; False when an orchestrator was told meanwhile to run fewer of its component."""
        ...

    def ends(self, since: datetime) -> list[datetime]:
        """When it ended (engine time) from `since` on, in order and whoever ended it."""
        ...

    def out_of_memory(self, since: datetime) -> list[datetime]:
        """When, from `since` on, its end came because the kernel killed it for lack of memory (engine time)."""
        ...

    def crash(self) -> None:
        """End its processes with SIGKILL from inside, so that the restart policy sees a crash."""
        ...

    def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s`; the restart policy does not bring it back."""
        ...

    def start(self) -> None:
        """Start it again; nothing happens when it runs."""
        ...

    def pause(self) -> None:
        """Freeze all its processes."""
        ...

    def unpause(self) -> None:
        """Thaw it; nothing happens when it is not frozen."""
        ...

    def hold_restarts(self) -> None:
        """Switch its restart policy off, remembering what it was."""
        ...

    def release_restarts(self) -> None:
        """Give its restart policy back; nothing happens when it was not held."""
        ...

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        """Run a command inside and return what it printed. Raises InstrumentError when it fails."""
        ...

    def contents(self) -> int | None:
        """How many entries the component holds (`contents` of target.toml); None when not declared."""
        ...

    def wipe(self) -> None:
        """Empty it (`wipe` of target.toml). Raises NothingToBreak when not declared."""
        ...

    def is_primary(self) -> bool:
        """Ask it (`primary` of target.toml) whether it is the one that takes writes; True when not declared."""
        ...

    def connections(self) -> tuple[int, int]:
        """How many it has and takes at most (`connections` of target.toml). Raises NothingToBreak when not declared."""
        ...

    def connect_command(self) -> tuple[str, ...]:
        """What takes a connection and keeps it (`connect` of target.toml). Raises NothingToBreak when not declared."""
        ...

    def disk(self) -> tuple[str, int]:
        """Where its disk is mounted and how much (MB) fits on it (`disk` of target.toml). Raises NothingToBreak."""
        ...

    def addresses(self) -> list[str]:
        """Its IPv4 addresses on all its networks."""
        ...

    def drop_packets(self, peers: Sequence[str]) -> None:
        """Drop, in its own network namespace, every packet from and to these addresses. Raises InstrumentError."""
        ...

    def restore_packets(self) -> None:
        """Let them pass again; nothing happens when none are dropped. Raises InstrumentError."""
        ...

    def dropped_packets(self) -> int:
        """How many packets were dropped since `drop_packets`, by the kernel's own counters; 0 without rules."""
        ...


class ServiceHandle(Protocol):
    """One component as the deployer knows it: something of which so many instances are to run."""

    @property
    def name(self) -> str:
        """Name of the component."""
        ...

    def instances(self) -> list[str]:
        """Ids of its running containers."""
        ...

    def redeploy(self) -> None:
        """Have every instance replaced by a fresh one, the way the deployer does it; returns once that has begun."""
        ...

    def settled(self) -> bool:
        """Whether as many as are wanted run, and are healthy."""
        ...


@dataclass(frozen=True)
class Rollout:
    """How the deploy of a bad version stands. `state` and `message` are the deployer's own words.

    `wanted`: whether it still wants the bad version. Ids of instances of the bad version: `present` are there now,
    `running` those of them that it takes for well, `seen` all that ever had a container.
    """

    state: str
    message: str
    wanted: bool
    present: tuple[str, ...]
    running: tuple[str, ...]
    seen: tuple[str, ...]


class DeployableHandle(ServiceHandle, Protocol):
    """A component whose deployer can be asked for another version of it, and watches over that by itself."""

    def deploy(self, version: BadVersion) -> None:
        """Ask for a bad version, the way the deployer does it; returns once that has begun."""
        ...

    def rollout(self) -> Rollout:
        """How that stands."""
        ...

    def take_back(self) -> None:
        """Want the version again that was there before; nothing happens when it is wanted. Returns at once."""
        ...


@dataclass(frozen=True)
class Probe:
    """A sign of life asked for over a link. `rtt_ms` is None unless `outcome` is 'answered'.

    answered: the far side spoke. closed: the connection was refused or closed without a word.
    reset: it was reset. silent: nothing came within the time allowed.
    """

    outcome: Literal["answered", "closed", "reset", "silent"]
    rtt_ms: float | None


class LinkHandle(Protocol):
    """One link of the running stack with the Toxiproxy that sits on it."""

    @property
    def name(self) -> str:
        """The link's name in target.toml."""
        ...

    def probe(self, timeout_s: float = 2.0) -> Probe:
        """Send a small question through the proxy on a fresh connection, and time the answer."""
        ...

    def set_enabled(self, enabled: bool) -> None:
        """Disable (close all connections, refuse new ones) or enable the proxy; verified by reading back."""
        ...

    def add_toxic(self, kind: str, stream: Literal["upstream", "downstream"], **attributes: int) -> str:
        """Add a toxic at toxicity 1 and return its name; raises InstrumentError unless it reads back the same."""
        ...

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic; nothing happens when it is gone."""
        ...


class ProviderHandle(Protocol):
    """The control side of a provider simulator."""

    @property
    def name(self) -> str:
        """Name of the component."""
        ...

    def set_fault(self, kind: str, share: float, **settings: Any) -> None:
        """Make `share` of the requests from now on meet the fault. Raises InstrumentError."""
        ...

    def clear_fault(self) -> None:
        """Serve every request from now on."""
        ...

    def counters(self) -> dict[str, int]:
        """`requests` and `affected` since the simulator was started or reset."""
        ...


class Stage(Protocol):
    """What a fault may see of a running stack. Each finder raises NothingToBreak when nothing fits."""

    def containers(self, *, role: str | None, zone: str | None, region: str | None) -> list[Container]:
        """The containers of the components that fit every given word."""
        ...

    def zone_of(self, component: str) -> str:
        """The zone that the component is in."""
        ...

    def links(self, name: str) -> list[LinkHandle]:
        """The links called `name`, and those that lead to a component whose role is `name`."""
        ...

    def wan(self, one: str, other: str | None = None) -> list[LinkHandle]:
        """The links of the wide-area network between the sites of two regions, both ways; of one region: all."""
        ...

    def wan_rtt_ms(self, link: str) -> float:
        """Round trip (ms) of the path that a link of the wide-area network is on."""
        ...

    def door(self, place: str) -> LinkHandle:
        """The way in for users of a place."""
        ...

    def region_of(self, component: str) -> str:
        """The region that target.toml puts the component in."""
        ...

    def services(self, *, role: str | None, zone: str | None, region: str | None) -> list[ServiceHandle]:
        """The components that fit every given word, as services."""
        ...

    def bad_version(self, name: str) -> BadVersion:
        """The bad version that target.toml calls so."""
        ...

    def deployable(self, *, role: str | None, zone: str | None, region: str | None) -> list[DeployableHandle]:
        """The components that fit every given word, where a deployer watches over its deploys."""
        ...

    def providers(self, *, role: str, zone: str | None, region: str | None) -> list[ProviderHandle]:
        """The provider simulators that fit."""
        ...

    def starts(self) -> int:
        """How many starts of containers the engine has told so far: another number, and somebody is new."""
        ...

    def now(self) -> float:
        """Run time (s)."""
        ...

    def from_wall(self, moment: datetime) -> float:
        """Run time (s) of a moment that the engine reported."""
        ...


class Injection(Protocol):
    """A fault that bites now."""

    def heal(self) -> None:
        """Undo it. May be called twice. Raises InstrumentError when it cannot be undone."""
        ...

    def receipt(self) -> Receipt:
        """Prove what happened. Called once, after healing and before the stack goes down."""
        ...


class Fault(Protocol):
    """Something done to a component or a link."""

    @property
    def name(self) -> str:
        """The word for it in events, reports and results."""
        ...

    @property
    def aimed_at(self) -> str:
        """What it is aimed at, for people: 'role database', 'link cache'."""
        ...

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when the stage holds nothing that it could be aimed at."""
        ...

    def inject(self, stage: Stage) -> Injection:
        """Make it bite. Raises NothingToBreak when it is aimed at nothing, InstrumentError when it fails."""
        ...


Bitten = TypeVar("Bitten", bound=Injection)


def bite_or_heal(injection: Bitten, bite: Callable[[], None]) -> Bitten:
    """Do `bite`; when it fails half-way, heal what it did before the error goes on."""
    try:
        bite()
    except BaseException:
        injection.heal()
        raise
    return injection
