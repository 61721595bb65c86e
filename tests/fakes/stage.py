"""A stage without a stack: what faults find there is what the test put there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from harness.clock import RunClock
from harness.errors import NothingToBreak
from harness.faults.base import Container, DeployableHandle, LinkHandle, ProviderHandle, ServiceHandle
from harness.target import Target
from harness.versions import BadVersion

T = TypeVar("T")


class FakeStage:
    """Implements Stage for `target`, with one handle for each of its components, links and providers as given."""

    def __init__(
        self,
        target: Target,
        *,
        containers: Sequence[Container] = (),
        links: Sequence[LinkHandle] = (),
        providers: Sequence[ProviderHandle] = (),
        services: Sequence[ServiceHandle] = (),
        wan: Sequence[LinkHandle] = (),
        doors: Sequence[LinkHandle] = (),
        clock: RunClock | None = None,
    ) -> None:
        self._target = target
        self._containers = containers
        self._links = links
        self._providers = providers
        self._services = services
        self._wan = wan  # named 'site-site-...'
        self._doors = doors  # named after their places
        self.started = 0
        self.clock = clock or RunClock.starting_in(0.0)

    def containers(self, *, role: str | None, zone: str | None, region: str | None) -> list[Container]:
        names = {part.name for part in self._target.find(role=role, zone=zone, region=region)}
        return self._some([c for c in self._containers if c.component in names], "container")

    def zone_of(self, component: str) -> str:
        return self._target.components[component].zone

    def region_of(self, component: str) -> str:
        return self._target.components[component].region

    def wan(self, one: str, other: str | None = None) -> list[LinkHandle]:
        found = [link for link in self._wan if one in link.name and (other is None or other in link.name)]
        return self._some(found, "link between sites")

    def wan_rtt_ms(self, link: str) -> float:
        return next(found for found in self._wan if found.name == link).rtt_ms  # type: ignore[attr-defined,no-any-return]

    def door(self, place: str) -> LinkHandle:
        return self._some([link for link in self._doors if link.name == place], "way in")[0]

    def links(self, name: str) -> list[LinkHandle]:
        roles = {part.name for part in self._target.components.values() if part.role == name}
        wanted = {link.name for link in self._target.links if link.name == name or link.to in roles}
        wanted = wanted or {self._target.link(name).name}
        return self._some([link for link in self._links if link.name in wanted], "link")

    def services(self, *, role: str | None, zone: str | None, region: str | None) -> list[ServiceHandle]:
        names = {part.name for part in self._target.find(role=role, zone=zone, region=region)}
        return self._some([s for s in self._services if s.name in names], "service")

    def bad_version(self, name: str) -> BadVersion:
        return self._target.bad_version(name)

    def deployable(self, *, role: str | None, zone: str | None, region: str | None) -> list[DeployableHandle]:
        services = self.services(role=role, zone=zone, region=region)
        return [service for service in services if hasattr(service, "rollout")]  # type: ignore[misc]

    def providers(self, *, role: str, zone: str | None, region: str | None) -> list[ProviderHandle]:
        names = {part.name for part in self._target.find(role=role, zone=zone, region=region)}
        return self._some([p for p in self._providers if p.name in names], "simulator")

    def starts(self) -> int:
        return self.started

    def now(self) -> float:
        return self.clock.now()

    def from_wall(self, moment: datetime) -> float:
        return self.clock.from_wall(moment)

    def _some(self, found: list[T], what: str) -> list[T]:
        if not found:
            raise NothingToBreak(f"The target {self._target.phase} has no such {what} here.")
        return found
