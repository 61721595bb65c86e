"""What all faults on components share: the aim, doing something to several containers at once, waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import Container, ContainerState, Stage

T = TypeVar("T")


@dataclass(frozen=True)
class ComponentFault:
    """A fault on every container of the components that fit role, zone and region; `only` their primary, or only one.

    One is the first by name; which it was is in the receipt. A majority are just more than half of them, the primary
    among them: what is left cannot outvote those that are lost. In place of a zone's name `zone_of` may name a role:
    the zone is then the one that its primary is in, whichever that is at the moment; so may `region_of`.
    """

    role: str | None = None
    zone: str | None = None
    region: str | None = None
    only: Literal["all", "primary", "one", "majority"] = "all"
    zone_of: str | None = None
    region_of: str | None = None

    def __post_init__(self) -> None:
        if self.only not in ("all", "primary", "one", "majority"):
            raise ValueError(f"only is 'all', 'primary', 'one' or 'majority', not {self.only!r}")
        if not any((self.role, self.zone, self.region, self.zone_of, self.region_of)):
            raise ValueError(f"{type(self).__name__} needs a role, a zone or a region to be aimed at")
        if self.zone is not None and self.zone_of is not None:
            raise ValueError("a fault is aimed at a zone, or at the zone_of a role's primary, not both")
        if self.region is not None and self.region_of is not None:
            raise ValueError("a fault is aimed at a region, or at the region_of a role's primary, not both")

    @property
    def aimed_at(self) -> str:
        """The aim in words: 'role database, zone a'; 'primary of role database'."""
        zone = self.zone if self.zone_of is None else f"of the primary of role {self.zone_of}"
        region = self.region if self.region_of is None else f"of the primary of role {self.region_of}"
        words = {"role": self.role, "zone": zone, "region": region}
        aim = ", ".join(f"{key} {value}" for key, value in words.items() if value is not None)
        return f"{self.only} of {aim}" if self.only in ("primary", "majority") else aim

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when no container fits."""
        self.victims(stage)

    def victims(self, stage: Stage) -> list[Container]:
        """Return the containers aimed at. Raises NothingToBreak when there is none.

        Where only one container fits, no other can take over from it, and asking for the primary would ask nothing
        new. Raises InstrumentError when none of several says that it is the primary.
        """
        zone = self.zone if self.zone_of is None else stage.zone_of(_primary(stage, self.zone_of))
        region = self.region if self.region_of is None else _region_of_primary(stage, self.region_of)
        found = stage.containers(role=self.role, zone=zone, region=region)
        if self.only == "all":
            return found
        if self.only == "one":
            return [min(found, key=lambda c: c.name)]
        if self.only == "majority":
            return _majority(found, self.aimed_at)
        if len(found) < 2:
            raise NothingToBreak(
                f"There is only one container with {self.aimed_at.removeprefix('primary of ')}: no second takes over.",
                "What happens without it is asked by the experiment that takes all of them.",
            )
        return _primaries(found)


@dataclass(frozen=True)
class GradualFault(ComponentFault):
    """A fault on components that does not strike at once, but climbs for `within_s` seconds."""

    within_s: float = 15.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.within_s < 1:
            raise ValueError(f"within_s is 1 s or more, not {self.within_s:g}")


def _primaries(found: Sequence[Container]) -> list[Container]:
    """Those that say that they are the primary. Raises InstrumentError when none does."""
    primaries = [c for c, first in zip(found, all_at_once(lambda c: c.is_primary(), found), strict=True) if first]
    if not primaries:
        raise InstrumentError(f"None of {', '.join(c.name for c in found)} says that it is the primary.")
    return primaries


def _majority(found: Sequence[Container], aim: str) -> list[Container]:
    """Just more than half, primaries first. Raises NothingToBreak where nobody would be left."""
    if len(found) < 3:
        raise NothingToBreak(
            f"There are only {len(found)} containers for a {aim}: nobody would be left.",
            "What happens without any of them is asked by the experiment that takes all of them.",
        )
    primaries = _primaries(found)
    others = sorted((c for c in found if c not in primaries), key=lambda c: c.name)
    return [*primaries, *others][: len(found) // 2 + 1]


def _primary(stage: Stage, role: str) -> str:
    """The component that is the primary of its role."""
    return _primaries(stage.containers(role=role, zone=None, region=None))[0].component


def _region_of_primary(stage: Stage, role: str) -> str:
    """The region that the primary is in. Raises NothingToBreak where all of the role are in one."""
    regions = {stage.region_of(one.component) for one in stage.containers(role=role, zone=None, region=None)}
    if len(regions) < 2:
        raise NothingToBreak(
            f"All with the role {role} are in one region ({', '.join(regions)}): no other takes over.",
            "What happens without all of it need not be asked.",
        )
    return stage.region_of(_primary(stage, role))


Thing = TypeVar("Thing")


def all_at_once(action: Callable[[Thing], T], containers: Sequence[Thing]) -> list[T]:
    """Do `action` to all containers in the same moment; the first error is raised after all have ended."""
    if len(containers) < 2:
        return [action(container) for container in containers]
    with ThreadPoolExecutor(len(containers)) as pool:
        return list(pool.map(action, containers))


def wait_for(container: Container, seen: Callable[[ContainerState], bool], patience_s: float) -> ContainerState | None:
    """Poll the engine until `seen` is true of the container's state; None when it never was."""
    deadline = time.monotonic() + patience_s
    while True:
        state = container.state()
        if seen(state):
            return state
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
