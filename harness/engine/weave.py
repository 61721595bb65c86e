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

import json
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from harness.engine import marks
from harness.engine.override import Replace, ReplaceMap, Reset, Text, override_yaml
from harness.engine.project import Project
from harness.engine.refuse import API_PORT, TOXIPROXY, refuse_unweavable
from harness.errors import ConfigError
from harness.target import Link, Protocol, Target

TOXIPROXY_IMAGE = "testbed/toxiproxy"
CONFIG_PATH = "/toxiproxy.json"


@dataclass(frozen=True)
class ProxyPlan:
    """One link as woven: Toxiproxy service `server` listens on `listen`, published on 127.0.0.1:`host_port`.

    `host` is the name that clients ask for: the component's, or the real service's.
    """

    link: str
    server: str
    listen: int
    upstream: str
    host_port: int
    protocol: Protocol
    host: str


@dataclass(frozen=True)
class Weaving:
    """The override and what the harness has to remember of it. Ports are host ports on 127.0.0.1."""

    project: str
    override: Mapping[str, Any]
    entry_port: int
    controls: Mapping[str, int]  # component -> port of its control API
    apis: Mapping[str, int]  # Toxiproxy service -> port of its API
    proxies: tuple[ProxyPlan, ...]
    left_out: frozenset[str]  # components that a real service stands in for

    def yaml(self) -> str:
        """Return the override as a file for `docker compose -f`. It holds no value of any variable."""
        head = "# Written by the harness: Toxiproxy on every link, ports on loopback. The plain file is unchanged.\n"
        return head + override_yaml(self.override)


def weave(
    target: Target,
    plain: Project,
    *,
    ports: Iterator[int],
    env: Mapping[str, str],
    campaign: str,
    resolve: Callable[[str], str],
    toxiproxy_image: str = TOXIPROXY_IMAGE,
) -> Weaving:
    """Return the override that puts `plain` under test.

    `ports` yields free host ports; `env` decides which links lead to real services (`external` in target.toml), whose
    names `resolve` turns into addresses. Raises ConfigError for what cannot be woven.
    """
    real = {link.name for link in target.links if is_external(link, env)}
    left_out = _left_out(target, real)
    refuse_unweavable(target, plain, left_out)
    servers = _share_out(target, real)
    proxies = tuple(_proxy(link, link.name in real, servers, ports, resolve) for link in target.links)
    apis = {server: next(ports) for server in dict.fromkeys(servers.values())}
    controls = {c.name: next(ports) for c in target.components.values() if c.control_port and c.name not in left_out}
    weaving = _Weaver(target, plain, campaign, proxies, servers, apis, left_out, real)
    entry_port = next(ports)
    return Weaving(
        project=marks.project_name(target.phase),
        override=weaving.override(entry_port, controls, toxiproxy_image),
        entry_port=entry_port,
        controls=controls,
        apis=apis,
        proxies=proxies,
        left_out=left_out,
    )


def is_external(link: Link, env: Mapping[str, str]) -> bool:
    """Whether `link` leads to the real service, because the variable that says so is set and not empty."""
    return link.external is not None and bool(env.get(link.external.when_env, "").strip())


def _left_out(target: Target, real: set[str]) -> frozenset[str]:
    replaced = {link.to for link in target.links if link.name in real}
    for link in target.links:
        if link.to in replaced and link.name not in real:
            problem = f"'{link.to}' is replaced by a real service on another link, so this one leads nowhere."
            remedy = "Give it an `external` with the same `when_env`, or remove it."
            raise ConfigError(str(target.folder / "target.toml"), f"links '{link.name}'", problem, remedy)
    return frozenset(replaced)


def _asked_for(link: Link, real: bool) -> tuple[str, int]:
    """The name and port that clients of the link connect to."""
    return (link.external.host, link.external.port) if real and link.external else (link.to, link.port)


def _share_out(target: Target, real: set[str]) -> dict[str, str]:
    """Map each name that clients ask for to a Toxiproxy; a second one appears when two names use the same port."""
    ports_of: dict[str, set[int]] = {}
    for link in target.links:
        name, port = _asked_for(link, link.name in real)
        ports_of.setdefault(name, set()).add(port)
    servers: dict[str, str] = {}
    taken: list[set[int]] = []
    for name, ports in ports_of.items():
        number = next((k for k, used in enumerate(taken) if not used & ports), len(taken))
        if number == len(taken):
            taken.append(set())
        taken[number] |= ports
        servers[name] = TOXIPROXY if number == 0 else f"{TOXIPROXY}-{number + 1}"
    return servers


def _proxy(
    link: Link, real: bool, servers: Mapping[str, str], ports: Iterator[int], resolve: Callable[[str], str]
) -> ProxyPlan:
    name, port = _asked_for(link, real)
    upstream = f"{resolve(name)}:{port}" if real else f"{link.to}-upstream:{port}"
    protocol = link.external.protocol if real and link.external else link.protocol
    return ProxyPlan(link.name, servers[name], port, upstream, next(ports), protocol, name)


@dataclass(frozen=True)
class _Weaver:
    """The parts of one override."""

    target: Target
    plain: Project
    campaign: str
    proxies: tuple[ProxyPlan, ...]
    servers: Mapping[str, str]  # name that clients ask for -> Toxiproxy service
    apis: Mapping[str, int]
    left_out: frozenset[str]
    real: set[str]

    def override(self, entry_port: int, controls: Mapping[str, int], image: str) -> dict[str, Any]:
        published = {name: [f"127.0.0.1:{port}:{self._control(name)}"] for name, port in controls.items()}
        published.setdefault(self.target.entry.component, []).append(f"127.0.0.1:{entry_port}:{self.target.entry.port}")
        services = {server: self._toxiproxy(server, image) for server in self.apis}
        services |= {name: self._service(name, published.get(name, [])) for name in self.plain.services}
        mark = marks.labels(self.campaign)
        networks: dict[str, Any] = {f"upstream-{name}": {"labels": mark} for name in self._moved()}
        override: dict[str, Any] = {"services": services, "networks": self._marked("networks") | networks}
        if self.plain.volumes:
            override["volumes"] = self._marked("volumes")
        if self.apis:
            override["configs"] = {f"{server}-proxies": {"content": Text(self._config(server))} for server in self.apis}
        return override

    def _control(self, name: str) -> int:
        return self.target.components[name].control_port or 0

    def _moved(self) -> list[str]:
        """Linked services that run here, each once, in the order of the links."""
        return [name for name in dict.fromkeys(link.to for link in self.target.links) if name not in self.left_out]

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
        if name in self.target.environment:  # a mechanism is switched off; Compose reads $ as a variable, $$ as $
            part["environment"] = {
                key: value.replace("$", "$$") for key, value in self.target.environment[name].items()
            }
        if service.built_only:
            part["image"] = f"{self.plain.name}-{name}"  # else Compose would look for testbed-<phase>-<name>
        if service.container_name:
            part["container_name"] = Reset()  # a running copy of the project has it
        if published or service.publishes:
            part["ports"] = Replace(published)
        if name in self.left_out:
            part |= {"scale": Reset(), "deploy": {"replicas": 0}}
        if name in self._moved():
            part["networks"] = ReplaceMap({f"upstream-{name}": {"aliases": [f"{name}-upstream"]}})
        else:
            if service.container_name and service.networks:
                part["networks"] = {key: {"aliases": [service.container_name]} for key in service.networks}
            if self.apis:
                part["depends_on"] = {server: {"condition": "service_started"} for server in self.apis}
        return part

    def _toxiproxy(self, server: str, image: str) -> dict[str, Any]:
        mine = [proxy for proxy in self.proxies if proxy.server == server]
        ports = [f"127.0.0.1:{self.apis[server]}:{API_PORT}"]
        ports += [f"127.0.0.1:{proxy.host_port}:{proxy.listen}" for proxy in mine]
        return {
            "image": image,
            "init": True,
            "restart": "always",  # and it comes back with its proxies, which are in its configuration
            "command": ["-host=0.0.0.0", f"-config={CONFIG_PATH}"],
            "environment": {"LOG_LEVEL": "error"},  # its default is a line for every step of every connection
            "configs": [{"source": f"{server}-proxies", "target": CONFIG_PATH}],
            "dns_opt": ["ndots:1"],
            "dns_search": ["."],
            "networks": self._names_taken(server),
            "ports": ports,
            "labels": marks.labels(self.campaign, server),
        }

    def _names_taken(self, server: str) -> dict[str, Any]:
        """Per network, the names under which this Toxiproxy is found there."""
        pairs = dict.fromkeys((link.to, _asked_for(link, link.name in self.real)[0]) for link in self.target.links)
        mine = [(to, name) for to, name in pairs if self.servers[name] == server]
        taken: dict[str, dict[str, None]] = {}
        for to, name in mine:
            for network in self.plain.services[to].networks:
                taken.setdefault(network, {}).update(dict.fromkeys(self._known_as(to, name, {network})))
        for moved in self._moved():
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
        if not shared or to in self.left_out:
            return [name] if shared else []
        declared = [alias for network in sorted(shared) for alias in service.networks[network]]
        return list(dict.fromkeys([name, *declared, *([service.container_name] if service.container_name else [])]))

    def _config(self, server: str) -> str:
        # 0.0.0.0 and not [::]: it works on kernels without IPv6 too. (It would make /populate forget toxics: unused.)
        proxies = [
            {"name": p.link, "listen": f"0.0.0.0:{p.listen}", "upstream": p.upstream, "enabled": True}
            for p in self.proxies
            if p.server == server
        ]
        return json.dumps(proxies, indent=1)
