"""What faults see of a running stack: finders that raise when there is nothing to break, and the run's clock."""

from __future__ import annotations

from datetime import datetime

from harness.clock import RunClock
from harness.engine.stack import Stack
from harness.engine.swarm_update import DeployableService
from harness.errors import NothingToBreak
from harness.faults.base import Container, DeployableHandle, LinkHandle, ProviderHandle, ServiceHandle
from harness.target import Component, Target
from harness.versions import BadVersion


class DockerStage:
    """Implements `harness.faults.base.Stage` on a stack, for one run."""

    def __init__(self, stack: Stack, target: Target, clock: RunClock) -> None:
        self._stack = stack
        self._target = target
        self._clock = clock

    def containers(self, *, role: str | None, zone: str | None, region: str | None) -> list[Container]:
        """The containers of the components that fit every given word. Raises NothingToBreak."""
        components = self._target.find(role=role, zone=zone, region=region)
        found: list[Container] = [c for part in components for c in self._stack.containers(part.name)]
        if not found:
            raise self._nothing(components, "no container of its own")
        return found

    def zone_of(self, component: str) -> str:
        """The zone that target.toml puts the component in."""
        return self._target.components[component].zone

    def links(self, name: str) -> list[LinkHandle]:
        """The links called `name`, and those that lead to a component of that role. Raises NothingToBreak."""
        return [self._stack.links[link.name] for link in self._target.links_named(name)]

    def wan(self, one: str, other: str | None = None) -> list[LinkHandle]:
        """The links of the wide-area network between the sites of two regions, both ways; of one region: all."""
        return self._stack.wide_area.between(one, other)

    def wan_rtt_ms(self, link: str) -> float:
        """Round trip (ms) of the path that a link of the wide-area network is on."""
        return self._stack.wide_area.rtt_ms(link)

    def door(self, place: str) -> LinkHandle:
        """The way in for users of a place. Raises NothingToBreak when they have none of their own."""
        if place not in self._stack.place_links:
            raise NothingToBreak(f"Users of {place} have no way in of their own.")
        return self._stack.place_links[place]

    def region_of(self, component: str) -> str:
        """The region that target.toml puts the component in."""
        return self._target.components[component].region

    def services(self, *, role: str | None, zone: str | None, region: str | None) -> list[ServiceHandle]:
        """The components that fit every given word, as services. Raises NothingToBreak."""
        components = self._target.find(role=role, zone=zone, region=region)
        found = [service for part in components if (service := self._stack.service(part.name)) is not None]
        if not found:
            raise self._nothing(components, "no container of its own")
        return found

    def bad_version(self, name: str) -> BadVersion:
        """The bad version that target.toml calls `name`. Raises NothingToBreak."""
        return self._target.bad_version(name)

    def deployable(self, *, role: str | None, zone: str | None, region: str | None) -> list[DeployableHandle]:
        """The components that fit, where whoever deploys them watches over it. Raises NothingToBreak."""
        services = self.services(role=role, zone=zone, region=region)
        found: list[DeployableHandle] = [service for service in services if isinstance(service, DeployableService)]
        if not found:
            raise NothingToBreak(
                f"Nobody watches over a deploy of {', '.join(service.name for service in services)}: under Compose a "
                "version stays until a person puts another in its place, so nothing could stop a bad one.",
                "Deploy the target as a Swarm stack.",
            )
        return found

    def providers(self, *, role: str, zone: str | None, region: str | None) -> list[ProviderHandle]:
        """The provider simulators that fit. Raises NothingToBreak, also when the real service is in use."""
        components = self._target.find(role=role, zone=zone, region=region)
        found: list[ProviderHandle] = [
            self._stack.providers[part.name] for part in components if part.name in self._stack.providers
        ]
        if not found:
            raise self._nothing(components, "no simulator that takes orders (`control_port`)")
        return found

    def starts(self) -> int:
        """How many starts of containers the engine has told so far: another number, and somebody is new."""
        return self._stack.starts()

    def now(self) -> float:
        """Run time (s)."""
        return self._clock.now()

    def from_wall(self, moment: datetime) -> float:
        """Run time (s) of a moment that the engine reported."""
        return self._clock.from_wall(moment)

    def _nothing(self, components: list[Component], lacks: str) -> NothingToBreak:
        names = ", ".join(part.name for part in components)
        if all(part.name in self._stack.weaving.left_out for part in components):
            return NothingToBreak(
                f"The real service stands in for {names}, and it cannot be told to fail.",
                "Break its link instead, or empty the variable that asks for the real service.",
            )
        return NothingToBreak(f"{names} of target {self._target.phase} has {lacks}.", "Aim at another role.")
