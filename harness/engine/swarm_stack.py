"""A target that runs as a Swarm stack, with its Toxiproxies and simulators beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from harness.engine import marks
from harness.engine.cli import STDIN, ComposeCli, blot_out
from harness.engine.container import DockerContainer
from harness.engine.holds import Holds
from harness.engine.settle import until
from harness.engine.slot import SwarmSlot
from harness.engine.stack import LogSource, SlotUnit, Stack, Unit
from harness.engine.swarm_service import SwarmService
from harness.engine.swarm_settle import put_in_order
from harness.engine.swarm_update import DeployableService
from harness.engine.swarm_weave import SwarmWeaving
from harness.engine.sweep import Log
from harness.errors import InstrumentError
from harness.faults.base import Container, ServiceHandle
from harness.target import Target

RECONNECTED_S = 40.0


class SwarmStack(Stack):
    """Made by the Swarm deployer. Containers of a service are slots, and which there are may change at any time."""

    def __init__(
        self,
        client: docker.DockerClient,
        target: Target,
        weaving: SwarmWeaving,
        campaign: str,
        *,
        cli: ComposeCli,
        node: str,
        blotted: Sequence[str] = (),
    ) -> None:
        super().__init__(
            client, target, weaving, campaign, cli=cli, files=[STDIN], text=weaving.yaml(), blotted=blotted
        )
        self.holds = Holds(client, node)
        self.swarm_services = {
            name: DeployableService(client, name, full, job=name in weaving.jobs)
            for name, full in weaving.services.items()
        }
        self._slots: dict[str, SwarmSlot] = {}
        self._proxy_of = {plan.host: plan.server for plan in weaving.proxies}

    @property
    def units(self) -> tuple[Unit | SlotUnit, ...]:
        """The containers beside the stack, and every slot in which anything has run, or is to run."""
        found: list[Unit | SlotUnit] = list(self.fixed_units)
        heard = self._watcher.slots()
        for service in self.swarm_services.values():
            names = {*service.slots(), *(one for one in heard if one.startswith(f"{service.full}."))}
            found += [SlotUnit(name, service.name, self._slot(service, name)) for name in sorted(names)]
        return tuple(found)

    def containers(self, component: str) -> list[Container]:
        """The slots of a component that are to be filled now; none when a real service stands in for it."""
        service = self.swarm_services.get(component)
        if service is None:
            return super().containers(component)
        return list(self.slots(service))

    def slots(self, service: SwarmService) -> list[SwarmSlot]:
        """The slots of a service that are to be filled now."""
        return [self._slot(service, name) for name in service.slots()]

    def service(self, component: str) -> ServiceHandle | None:
        """A component as something that is deployed; None when a real service stands in for it."""
        return self.swarm_services.get(component) or super().service(component)

    def _slot(self, service: SwarmService, name: str) -> SwarmSlot:
        if name not in self._slots:
            self._slots[name] = SwarmSlot(
                self._client,
                service,
                name.removeprefix(f"{service.full}."),
                self.part(service.name),
                watcher=self._watcher,
                holds=self.holds,
                packets=self._packets,
                proxy=self._proxy(service.name),
            )
        return self._slots[name]

    def _proxy(self, component: str) -> DockerContainer | None:
        server = self._proxy_of.get(component)
        found = [unit.container for unit in self.fixed_units if unit.service == server]
        return next((one for one in found if isinstance(one, DockerContainer)), None)

    def log_sources(self) -> list[LogSource]:
        """The containers beside the stack and those of all tasks, also of dead ones, while the swarm keeps them."""
        api: Any = self._client.api
        found = api.containers(all=True, filters={"label": f"{marks.CAMPAIGN}={self.campaign}"})
        tasks = sorted((c for c in found if marks.SWARM_TASK in c["Labels"]), key=lambda c: c["Created"])
        name_of = {service.full: name for name, service in self.swarm_services.items()}
        return [
            *super().log_sources(),
            *(
                LogSource(name_of[c["Labels"][marks.SWARM_SERVICE]], c["Id"], c["Labels"][marks.SWARM_TASK])
                for c in tasks
                if c["Labels"].get(marks.SWARM_SERVICE) in name_of
            ),
        ]

    def down(self, log: Log = lambda _: None) -> None:
        """Take everything away, volumes and a swarm of ours as well, and verify it. May be called twice."""
        api: Any = self._client.api
        for service in self.swarm_services.values():
            with suppress(APIError):  # it is gone, or so is the swarm
                api.remove_service(service.full)
        super().down(log)

    def settle(self, timeout_s: float = 60.0) -> list[str]:
        """Put everything in order for the next run and return what was not."""
        deadline = time.monotonic() + timeout_s
        found = put_in_order(self, deadline)
        return found + super().settle(max(1.0, deadline - time.monotonic()))

    def reconnect(self, link: str) -> list[str]:
        """Replace the containers that a link leads to.

        Seen once in some hundred fail-overs (engine 20.10): a container that came back ran, was healthy and reached
        everybody, but its name led to nobody any more, until it got another endpoint.
        """
        service = self.swarm_services.get(next((one.to for one in self.target.links if one.name == link), ""))
        if service is None:
            return []
        service.redeploy()
        until(service.settled, time.monotonic() + RECONNECTED_S)
        return [f"link {link}: silent, though what it leads to ran: {service.name} was replaced"]

    def declared_replicas(self, name: str) -> int | None:
        """How many replicas the plain file asks for; None for a global service."""
        weaving = self.weaving
        if not isinstance(weaving, SwarmWeaving):
            raise InstrumentError(f"{self.project} is no stack.")
        deploy = weaving.stack["services"][weaving.services[name].removeprefix(f"{self.project}_")]["deploy"]
        return None if deploy.get("mode") == "global" else int(deploy.get("replicas", 1))


def write_redacted(folder: Path, weaving: SwarmWeaving, blot: Sequence[str]) -> None:
    """Keep what was deployed beside the results, without the values of secrets."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "# What `docker stack deploy` got, secrets blotted out.\n"
    (folder / "woven-stack.yml").write_text(head + blot_out(weaving.stack_yaml(), blot), encoding="utf-8")
    (folder / "woven.yml").write_text(blot_out(weaving.yaml(), blot), encoding="utf-8")
