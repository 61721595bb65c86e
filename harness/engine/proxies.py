"""Which Toxiproxy stands on which link, and its part of a Compose file: what both deployers weave with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine import marks
from harness.engine.override import Text, override_yaml
from harness.engine.refuse import API_PORT, TOXIPROXY
from harness.errors import ConfigError
from harness.target import Component, Link, Protocol, Target

TOXIPROXY_IMAGE = "testbed/toxiproxy"
CONFIG_PATH = "/toxiproxy.json"
DOORS = f"{TOXIPROXY}-doors"
"""The Toxiproxy through which users come in; it stands on no link."""
ENTRY_DOOR = "entry"
PLACE_DOOR = "place-"
FIRST_DOOR = 9000  # the ports on which the doors listen inside; the Toxiproxy there has no other proxies


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
class WanPlan:
    """A proxy by which the site `asks` reaches one name and port in the site `answers`."""

    asks: str
    answers: str
    proxy: ProxyPlan


@dataclass(frozen=True)
class Weaving:
    """The override and what the harness has to remember of it. Ports are host ports on 127.0.0.1.

    Under Swarm the override is a whole Compose file: the containers that stand beside the stack.
    """

    project: str
    override: Mapping[str, Any]
    entry_port: int
    controls: Mapping[str, int]  # component -> port of its control API
    apis: Mapping[str, int]  # Toxiproxy service -> port of its API
    proxies: tuple[ProxyPlan, ...]
    left_out: frozenset[str]  # components that a real service stands in for
    place_doors: tuple[ProxyPlan, ...] = ()
    wan: tuple[WanPlan, ...] = ()

    @property
    def doors(self) -> Mapping[str, int]:
        """Place -> port at which users from there come in."""
        return {door.link.removeprefix(PLACE_DOOR): door.host_port for door in self.place_doors}

    def yaml(self) -> str:
        """Return the override as a file for `docker compose -f`. It holds no value of any variable."""
        head = "# Written by the harness: Toxiproxy on every link, ports on loopback. The plain file is unchanged.\n"
        return head + override_yaml(self.override)


@dataclass(frozen=True)
class Proxies:
    """The instrument of one target: every proxy, and on which Toxiproxy it is."""

    target: Target
    campaign: str
    image: str
    real: frozenset[str]  # links that lead to real services
    left_out: frozenset[str]
    servers: Mapping[str, str]  # name that clients ask for -> Toxiproxy service
    links: tuple[ProxyPlan, ...]
    doors: tuple[ProxyPlan, ...]
    apis: Mapping[str, int]
    controls: Mapping[str, int]
    wan: tuple[WanPlan, ...] = ()

    def moved(self) -> list[str]:
        """Linked components that run here, each once, in the order of the links."""
        return [name for name in dict.fromkeys(link.to for link in self.target.links) if name not in self.left_out]

    def asked_for(self) -> list[tuple[str, str]]:
        """(component, name that clients ask for) of every link, each pair once."""
        pairs = ((link.to, _asked_for(link, link.name in self.real)[0]) for link in self.target.links)
        return list(dict.fromkeys(pairs))

    def service(self, server: str, networks: Mapping[str, Any]) -> dict[str, Any]:
        """The Toxiproxy `server` as a service of a Compose file, on `networks`."""
        mine = self._of(server)
        ports = [f"127.0.0.1:{self.apis[server]}:{API_PORT}"]
        ports += [f"127.0.0.1:{proxy.host_port}:{proxy.listen}" for proxy in mine]
        return {
            "image": self.image,
            "init": True,
            "restart": "always",  # and it comes back with its proxies, which are in its configuration
            "command": ["-host=0.0.0.0", f"-config={CONFIG_PATH}"],
            "environment": {"LOG_LEVEL": "error"},  # its default is a line for every step of every connection
            "configs": [{"source": f"{server}-proxies", "target": CONFIG_PATH}],
            "dns_opt": ["ndots:1"],
            "dns_search": ["."],
            "networks": dict(networks),
            "ports": ports,
            "labels": marks.labels(self.campaign, server),
        }

    def configs(self) -> dict[str, Any]:
        """The section `configs` of a Compose file: what each Toxiproxy begins with."""
        return {f"{server}-proxies": {"content": Text(self._config(server))} for server in self.apis}

    def _of(self, server: str) -> list[ProxyPlan]:
        between = [plan.proxy for plan in self.wan]
        return [proxy for proxy in (*self.links, *self.doors, *between) if proxy.server == server]

    def _config(self, server: str) -> str:
        # 0.0.0.0 and not [::]: it works on kernels without IPv6 too. (It would make /populate forget toxics: unused.)
        proxies = [
            {"name": p.link, "listen": f"0.0.0.0:{p.listen}", "upstream": p.upstream, "enabled": True}
            for p in self._of(server)
        ]
        return json.dumps(proxies, indent=1)


def plan_proxies(
    target: Target,
    *,
    ports: Iterator[int],
    env: Mapping[str, str],
    campaign: str,
    resolve: Callable[[str], str],
    doors: Sequence[str],
    image: str = TOXIPROXY_IMAGE,
    group: Callable[[Component], str] = lambda component: "",
) -> Proxies:
    """Decide which Toxiproxy stands where.

    `ports` yields free host ports; `env` decides which links lead to real services (`external` in target.toml), whose
    names `resolve` turns into addresses. Components of different `group`s do not share a Toxiproxy. `doors` are the
    names of proxies in front of the entry. Raises ConfigError for a link that leads nowhere.
    """
    real = frozenset(link.name for link in target.links if is_external(link, env))
    left_out = _left_out(target, real)
    servers = _share_out(target, real, group)
    links = tuple(_proxy(link, link.name in real, servers, ports, resolve) for link in target.links)
    used = [*dict.fromkeys(servers.values()), *([DOORS] if doors else [])]
    apis = {server: next(ports) for server in used}
    controls = {c.name: next(ports) for c in target.components.values() if c.control_port and c.name not in left_out}
    entry = target.entry
    linked = {link.to for link in target.links} - left_out
    behind = [entry.of(name.removeprefix(PLACE_DOOR)) for name in doors]
    ways_in = tuple(
        ProxyPlan(
            name,
            DOORS,
            FIRST_DOOR + k,
            f"{upstream_name(component) if component in linked else component}:{entry.port}",
            next(ports),
            "http",
            component,
        )
        for k, (name, component) in enumerate(zip(doors, behind, strict=True))
    )
    return Proxies(target, campaign, image, real, left_out, servers, links, ways_in, apis, controls)


def upstream_name(component: str) -> str:
    """Return the name under which only Toxiproxy asks for a linked component."""
    return f"{component}-upstream"


def is_external(link: Link, env: Mapping[str, str]) -> bool:
    """Whether `link` leads to the real service, because the variable that says so is set and not empty."""
    return link.external is not None and bool(env.get(link.external.when_env, "").strip())


def _left_out(target: Target, real: frozenset[str]) -> frozenset[str]:
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


def _share_out(target: Target, real: frozenset[str], group: Callable[[Component], str]) -> dict[str, str]:
    """Map each name that clients ask for to a Toxiproxy of its group; another one where two names use one port."""
    ports_of: dict[str, set[int]] = {}
    group_of: dict[str, str] = {}
    for link in target.links:
        name, port = _asked_for(link, link.name in real)
        ports_of.setdefault(name, set()).add(port)
        group_of[name] = group(target.components[link.to])
    servers: dict[str, str] = {}
    taken: dict[str, list[set[int]]] = {}
    for name, ports in ports_of.items():
        among = taken.setdefault(group_of[name], [])
        number = next((k for k, used in enumerate(among) if not used & ports), len(among))
        if number == len(among):
            among.append(set())
        among[number] |= ports
        first = f"{TOXIPROXY}-{group_of[name]}" if group_of[name] else TOXIPROXY
        servers[name] = first if number == 0 else f"{first}-{number + 1}"
    return servers


def _proxy(
    link: Link, real: bool, servers: Mapping[str, str], ports: Iterator[int], resolve: Callable[[str], str]
) -> ProxyPlan:
    name, port = _asked_for(link, real)
    upstream = f"{resolve(name)}:{port}" if real else f"{upstream_name(link.to)}:{port}"
    protocol = link.external.protocol if real and link.external else link.protocol
    return ProxyPlan(link.name, servers[name], port, upstream, next(ports), protocol, name)
