"""Slips Toxiproxy into every link of a project that runs as a Swarm stack, by name: a pure function.

A linked service is renamed `<name>-upstream` and stays on its networks; a Toxiproxy container beside the stack takes
its old name there, and so do those that ask for the name, the service itself included. What must not cross Toxiproxy
(replication between two linked services) asks for the alias `<name>-peer`, which the plain file declares; any other
alias is Toxiproxy's too. There is one Toxiproxy per zone of what is behind it: it belongs to that side of a partition.

Beside the stack, as containers of a Compose project: the Toxiproxies, the simulators (no part of the architecture, and
nobody replaces them), and the ways in, since Swarm can publish no port on loopback alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from harness.engine import marks
from harness.engine.disks import driver_opts
from harness.engine.override import override_yaml
from harness.engine.project import Project
from harness.engine.proxies import (
    DOORS,
    ENTRY_DOOR,
    PLACE_DOOR,
    TOXIPROXY_IMAGE,
    Proxies,
    Weaving,
    plan_proxies,
    upstream_name,
)
from harness.engine.refuse import refuse_for_swarm
from harness.engine.swarm_file import VERSION, restart_condition, stack_service
from harness.engine.wan import asked_from_afar, far_name, networks_of, plan_wan, split
from harness.engine.weave import switched_off
from harness.target import Target


@dataclass(frozen=True)
class SwarmWeaving(Weaving):
    """`override` is the whole Compose file of what stands beside the stack; `stack` is for `docker stack deploy`.

    The stack holds every value of every variable: it is never written down as it is. `networks` maps the key of each
    network to its name; `services` maps each service of the plain file that is in the stack to its name there.
    """

    stack: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    jobs: frozenset[str] = frozenset()  # services that end by themselves

    def stack_yaml(self) -> str:
        """Return the stack as a file."""
        return override_yaml(self.stack)


def weave_swarm(
    target: Target,
    rendered: Mapping[str, Any],
    plain: Project,
    *,
    ports: Iterator[int],
    env: Mapping[str, str],
    campaign: str,
    resolve: Callable[[str], str],
    node: str,
    images: Mapping[str, str],
    places: Sequence[str] = (),
    toxiproxy_image: str = TOXIPROXY_IMAGE,
    disks: Mapping[str, str] = MappingProxyType({}),
) -> SwarmWeaving:
    """Return the stack and what stands beside it. `rendered` is what Compose printed, `plain` the facts in it.

    `ports`, `env`, `resolve` and `places` as for `harness.engine.weave.weave`. `node` is the node on which everything
    runs; `images` maps the names of images that are here to their ids, `disks` volumes to their devices. Raises
    ConfigError for what cannot be woven.
    """
    plain = split(target, plain)
    proxies = plan_proxies(
        target,
        ports=ports,
        env=env,
        campaign=campaign,
        resolve=resolve,
        doors=[ENTRY_DOOR, *(f"{PLACE_DOOR}{name}" for name in places)],
        image=toxiproxy_image,
        group=lambda component: component.zone,
    )
    refuse_for_swarm(target, plain, proxies.left_out)
    wan = plan_wan(target, plain, ports)
    between = {server: next(ports) for server in dict.fromkeys(plan.proxy.server for plan in wan)}
    proxies = replace(proxies, wan=wan, apis={**proxies.apis, **between})
    weaver = _SwarmWeaver(target, rendered, plain, campaign, proxies, node, images, disks)
    return SwarmWeaving(
        project=weaver.project,
        override=weaver.beside(),
        entry_port=proxies.doors[0].host_port,
        controls=proxies.controls,
        apis=proxies.apis,
        proxies=proxies.links,
        left_out=proxies.left_out,
        place_doors=proxies.doors[1:],
        wan=proxies.wan,
        stack=weaver.stack(),
        networks=weaver.networks(),
        services={name: f"{weaver.project}_{weaver.new_name(name)}" for name in weaver.orchestrated()},
        jobs=frozenset(name for name in weaver.orchestrated() if weaver.is_job(name)),
    )


@dataclass(frozen=True)
class _SwarmWeaver:
    """The parts of the two files."""

    target: Target
    rendered: Mapping[str, Any]
    plain: Project
    campaign: str
    proxies: Proxies
    node: str
    images: Mapping[str, str]
    disks: Mapping[str, str]

    @property
    def project(self) -> str:
        """Name of the stack, and of the Compose project beside it."""
        return marks.project_name(self.target.phase)

    def orchestrated(self) -> list[str]:
        """The services that Swarm runs."""
        return [n for n in self.plain.services if n not in self.proxies.left_out and n not in self.proxies.controls]

    def new_name(self, name: str) -> str:
        """What a service is called once it is woven."""
        return upstream_name(name) if name in self.proxies.moved() else name

    def is_job(self, name: str) -> bool:
        """Whether a service may come to its end: it is no component, and nobody replaces it."""
        return name not in self.target.components and restart_condition(self._data(name)) != "any"

    def networks(self) -> dict[str, str]:
        """Key -> name of each network; one that the file chose would be shared with a running copy."""
        return {item.key: f"{self.project}_{item.key}" for item in self.plain.networks}

    def stack(self) -> dict[str, Any]:
        """The file for `docker stack deploy`."""
        mark = marks.labels(self.campaign)
        stack: dict[str, Any] = {
            "version": VERSION,
            "services": {self.new_name(name): self._orchestrated(name) for name in self.orchestrated()},
            "networks": self._external_networks(),
        }
        for kind in ("volumes", "configs", "secrets"):
            items: Mapping[str, Any] = self.rendered.get(kind) or {}
            if items:
                stack[kind] = {
                    key: {k: v for k, v in (data or {}).items() if k != "name" and v is not None} | {"labels": mark}
                    for key, data in items.items()
                }
        for volume, device in self.disks.items():
            stack["volumes"][volume] |= {"driver": "local", "driver_opts": driver_opts(device)}
        return stack

    def beside(self) -> dict[str, Any]:
        """The Compose file of the containers beside the stack."""
        services = {server: self.proxies.service(server, self._networks_of(server)) for server in self.proxies.apis}
        services |= {self.new_name(name): self._simulator(name) for name in self.proxies.controls}
        return {
            "services": services,
            "networks": self._external_networks(),
            "configs": self.proxies.configs(),
        }

    def _data(self, name: str) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.rendered["services"][name]
        return data

    def _external_networks(self) -> dict[str, Any]:
        return {key: {"external": True, "name": name} for key, name in self.networks().items()}

    def _orchestrated(self, name: str) -> dict[str, Any]:
        data = self._data(name)
        service = stack_service(name, data, self.plain.file)
        mark = marks.labels(self.campaign, name)
        image = str(data.get("image") or f"{self.plain.name}-{name}")
        # By its id, an image is not looked for in a registry each time a task starts.
        service["image"] = self.images.get(image, image)
        service["environment"] |= switched_off(self.target, name)
        service["labels"] = {k: str(v) for k, v in (data.get("labels") or {}).items()} | mark
        service["networks"] = {key: self._network(name, key, aliases) for key, aliases in self._attached(name).items()}
        deploy = service["deploy"]
        deploy["labels"] = {k: str(v) for k, v in (deploy.get("labels") or {}).items()} | mark
        placement = dict(deploy.get("placement") or {})
        here = [f"node.id == {self.node}"]
        if marks.owner(self.campaign) == marks.OURS:  # a fault must not reach a user's copy of the stack
            here.append(f"node.labels.{marks.hold_label(name)} != yes")
        placement["constraints"] = [*(placement.get("constraints") or ()), *here]
        deploy["placement"] = placement
        return service

    def _simulator(self, name: str) -> dict[str, Any]:
        data = self._data(name)
        gone = ("ports", "networks", "depends_on", "container_name", "build", "deploy", "scale", "profiles", "labels")
        service = {key: value for key, value in data.items() if key not in gone and value is not None}
        service["image"] = str(data.get("image") or f"{self.plain.name}-{name}")
        service["init"] = True
        service.setdefault("restart", "always")
        service["environment"] = {**(data.get("environment") or {}), **switched_off(self.target, name)}
        service["labels"] = {**(data.get("labels") or {}), **marks.labels(self.campaign, name)}
        service["networks"] = {key: self._network(name, key, aliases) for key, aliases in self._attached(name).items()}
        port = self.target.components[name].control_port
        service["ports"] = [f"127.0.0.1:{self.proxies.controls[name]}:{port}"]
        return service

    def _attached(self, name: str) -> Mapping[str, tuple[str, ...]]:
        return self.plain.services[name].networks

    def _network(self, name: str, key: str, aliases: Sequence[str]) -> dict[str, Any]:
        """A linked service keeps only the alias under which its peers find it round Toxiproxy."""
        moved = name in self.proxies.moved()
        kept = [alias for alias in aliases if not moved or alias == f"{name}-peer"]
        kept += [far_name(one) for one in self._far(name, key) if one in kept or (one == name and not moved)]
        return {"aliases": kept} if kept else {}

    def _far(self, name: str, key: str) -> list[str]:
        """The names of a service on the network `key` that other sites ask for."""
        service = self.plain.services[name]
        wan = self.target.wan
        here = wan is not None and key.startswith(f"{wan.network}-")
        return list(asked_from_afar(self.target, service)) if here else []

    def _networks_of(self, server: str) -> dict[str, Any]:
        """Per network, the names under which a Toxiproxy is found there."""
        if server == DOORS:
            return {key: {} for entry in self.target.entry.components() for key in self._attached(entry)}
        if self.target.wan is not None and any(plan.proxy.server == server for plan in self.proxies.wan):
            return networks_of(self.target.wan, self.proxies.wan, server)
        taken: dict[str, dict[str, None]] = {}
        for to, name in self.proxies.asked_for():
            if self.proxies.servers[name] != server:
                continue
            for key, aliases in self._attached(to).items():
                also = [] if to in self.proxies.left_out else [alias for alias in aliases if alias != f"{to}-peer"]
                names = [name, *also]
                names += [far_name(one) for one in self._far(to, key) if one in names]
                taken.setdefault(key, {}).update(dict.fromkeys(names))
        return {key: {"aliases": list(names)} for key, names in taken.items()}
