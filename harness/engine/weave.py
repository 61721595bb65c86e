"""Slips Toxiproxy into every link of a Compose project without changing a line of it: a pure function to an override.

Each linked service moves, alone, to a network of its own, `upstream-<name>`, under the alias `<name>-upstream`;
Toxiproxy stands beside it there and takes its old name on the networks where it used to be. One network each, because
two linked services on one network would find one another there by name, round Toxiproxy.

The alias has no dot for a reason that was measured (engine 20.10): a name with a dot that the engine does not know,
because its container is stopped, is asked for on the host's name servers. Where those do not answer, Toxiproxy's
accept loop, which is serial, stood still for 10 to 20 s for each connection, long after the container was back. With
`ndots:1` a name without a dot is answered by the engine itself, in 3 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from harness.engine import marks
from harness.engine.override import Replace, ReplaceMap, Reset
from harness.engine.project import Project
from harness.engine.proxies import (
    DOORS,
    PLACE_DOOR,
    TOXIPROXY_IMAGE,
    Proxies,
    Weaving,
    is_external,
    plan_proxies,
    upstream_name,
)
from harness.engine.refuse import refuse_unweavable
from harness.target import Target

__all__ = ["TOXIPROXY_IMAGE", "Weaving", "is_external", "weave"]


def weave(
    target: Target,
    plain: Project,
    *,
    ports: Iterator[int],
    env: Mapping[str, str],
    campaign: str,
    resolve: Callable[[str], str],
    places: Sequence[str] = (),
    toxiproxy_image: str = TOXIPROXY_IMAGE,
) -> Weaving:
    """Return the override that puts `plain` under test.

    `ports` yields free host ports; `env` decides which links lead to real services (`external` in target.toml), whose
    names `resolve` turns into addresses. Users of each of the `places` have a door of their own. Raises ConfigError
    for what cannot be woven.
    """
    proxies = plan_proxies(
        target,
        ports=ports,
        env=env,
        campaign=campaign,
        resolve=resolve,
        doors=[f"{PLACE_DOOR}{name}" for name in places],
        image=toxiproxy_image,
    )
    refuse_unweavable(target, plain, proxies.left_out)
    entry_port = next(ports)
    return Weaving(
        project=marks.project_name(target.phase),
        override=_Weaver(target, plain, campaign, proxies).override(entry_port),
        entry_port=entry_port,
        controls=proxies.controls,
        apis=proxies.apis,
        proxies=proxies.links,
        left_out=proxies.left_out,
        place_doors=proxies.doors,
    )


@dataclass(frozen=True)
class _Weaver:
    """The parts of one override."""

    target: Target
    plain: Project
    campaign: str
    proxies: Proxies

    def override(self, entry_port: int) -> dict[str, Any]:
        published = {name: [f"127.0.0.1:{port}:{self._control(name)}"] for name, port in self.proxies.controls.items()}
        published.setdefault(self.target.entry.component, []).append(f"127.0.0.1:{entry_port}:{self.target.entry.port}")
        services = {server: self.proxies.service(server, self._networks_of(server)) for server in self.proxies.apis}
        services |= {name: self._service(name, published.get(name, [])) for name in self.plain.services}
        mark = marks.labels(self.campaign)
        networks: dict[str, Any] = {f"upstream-{name}": {"labels": mark} for name in self.proxies.moved()}
        override: dict[str, Any] = {"services": services, "networks": self._marked("networks") | networks}
        if self.plain.volumes:
            override["volumes"] = self._marked("volumes")
        if self.proxies.apis:
            override["configs"] = self.proxies.configs()
        return override

    def _control(self, name: str) -> int:
        return self.target.components[name].control_port or 0

    def _marked(self, kind: str) -> dict[str, Any]:
        """Labels for what the plain file declares; a name of its own is replaced, or a running copy would share it."""
        project = marks.project_name(self.target.phase)
        items = self.plain.networks if kind == "networks" else self.plain.volumes
        mark = {"labels": marks.labels(self.campaign)}
        return {item.key: {**mark, "name": f"{project}_{item.key}"} if item.pinned else mark for item in items}

    def _service(self, name: str, published: list[str]) -> dict[str, Any]:
        service, component = self.plain.services[name], name in self.target.components
        part: dict[str, Any] = {"labels": marks.labels(self.campaign, name if component else "")}
        if component:
            part["init"] = True  # a crash ends the child of PID 1, and only then does the restart policy see it
        if name in self.target.environment:
            part["environment"] = switched_off(self.target, name)
        if service.built_only:
            part["image"] = f"{self.plain.name}-{name}"  # else Compose would look for testbed-<phase>-<name>
        if service.container_name:
            part["container_name"] = Reset()  # a running copy of the project has it
        if published or service.publishes:
            part["ports"] = Replace(published)
        if name in self.proxies.left_out:
            part |= {"scale": Reset(), "deploy": {"replicas": 0}}
        if name in self.proxies.moved():
            part["networks"] = ReplaceMap({f"upstream-{name}": {"aliases": [upstream_name(name)]}})
        else:
            if service.container_name and service.networks:
                part["networks"] = {key: {"aliases": [service.container_name]} for key in service.networks}
            servers = [server for server in self.proxies.apis if server != DOORS]  # which wait for those behind them
            if servers:
                part["depends_on"] = {server: {"condition": "service_started"} for server in servers}
        return part

    def _networks_of(self, server: str) -> dict[str, Any]:
        if server != DOORS:
            return self._names_taken(server)
        entry = self.target.entry.component
        there = [f"upstream-{entry}"] if entry in self.proxies.moved() else self.plain.services[entry].networks
        return {network: {} for network in there}

    def _names_taken(self, server: str) -> dict[str, Any]:
        """Per network, the names under which this Toxiproxy is found there."""
        mine = [(to, name) for to, name in self.proxies.asked_for() if self.proxies.servers[name] == server]
        taken: dict[str, dict[str, None]] = {}
        for to, name in mine:
            for network in self.plain.services[to].networks:
                taken.setdefault(network, {}).update(dict.fromkeys(self._known_as(to, name, {network})))
        for moved in self.proxies.moved():
            # A linked service that itself calls others finds them here, and they too are Toxiproxy.
            home = set(self.plain.services[moved].networks)
            others = [alias for to, name in mine if to != moved for alias in self._known_as(to, name, home)]
            if others or any(to == moved for to, _ in mine):
                taken[f"upstream-{moved}"] = dict.fromkeys(others)
        return {network: {"aliases": list(names)} if names else {} for network, names in taken.items()}

    def _known_as(self, to: str, name: str, networks: Set[str]) -> list[str]:
        """What those on `networks` call the service `to`, when clients of its link ask for `name`."""
        service = self.plain.services[to]
        shared = networks & set(service.networks)
        if not shared or to in self.proxies.left_out:
            return [name] if shared else []
        declared = [alias for network in sorted(shared) for alias in service.networks[network]]
        return list(dict.fromkeys([name, *declared, *([service.container_name] if service.container_name else [])]))


def switched_off(target: Target, service: str) -> dict[str, str]:
    """The environment that switches a mechanism off; Compose reads $ as a variable, $$ as $."""
    return {key: value.replace("$", "$$") for key, value in target.environment.get(service, {}).items()}
