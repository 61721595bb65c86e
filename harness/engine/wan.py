"""Weaves a wide-area network: each site gets a part of it, and Toxiproxies are the only way from one to another.

Per ordered pair of sites (A asks, B answers) Toxiproxies stand on both parts. On A's they have the names of what
answers in B; what they ask there is `<name>-far`, an alias that only B's part knows: a proxy that stands on two
networks under a name would find itself. Two names that are asked for on one port are on different Toxiproxies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from harness.engine.project import Project, Service, Shared
from harness.engine.proxies import ProxyPlan, WanPlan
from harness.engine.refuse import TOXIPROXY
from harness.errors import ConfigError
from harness.target import Component, Protocol, Target
from harness.wan import Wan


def far_name(name: str) -> str:
    """Return the alias under which a name is found by the proxies of other sites."""
    return f"{name}-far"


def part_of(wan: Wan, site: str) -> str:
    """Return the key of a site's part of the network."""
    return f"{wan.network}-{site}"


def split(target: Target, plain: Project) -> Project:
    """Return the project with the wide-area network in parts, each service on that of its site.

    Raises ConfigError when there is no such network, or something on it has no site.
    """
    wan = target.wan
    if wan is None:
        return plain
    if wan.network not in {network.key for network in plain.networks}:
        known = ", ".join(network.key for network in plain.networks)
        where = str(target.folder / "target.toml")
        raise ConfigError(
            where, "wan.network", f"{plain.file} has no network '{wan.network}'.", f"It has {known or 'none'}."
        )
    parts = [Shared(part_of(wan, site)) for site in wan.sites]
    services = {name: _moved(target, wan, service, plain.file) for name, service in plain.services.items()}
    kept = [network for network in plain.networks if network.key != wan.network]
    return replace(plain, services=services, networks=(*kept, *parts))


def _moved(target: Target, wan: Wan, service: Service, file: str) -> Service:
    if wan.network not in service.networks:
        return service
    component = target.components.get(service.name)
    site = wan.site_of(component.region) if component else None
    if site is None:
        region = f"its region '{component.region}' is on no site" if component else "target.toml does not name it"
        raise ConfigError(
            file,
            f"services.{service.name}.networks",
            f"'{service.name}' is on the wide-area network '{wan.network}', and {region}.",
            "Put its region into [wan.sites], or take it off that network.",
        )
    networks = {(part_of(wan, site) if key == wan.network else key): names for key, names in service.networks.items()}
    return replace(service, networks=networks)


def asked_from_afar(target: Target, service: Service, asks: str | None = None) -> dict[str, list[tuple[int, Protocol]]]:
    """Return the names of a service that other sites, or the site `asks`, ask for: with ports and their protocols."""
    wan, component = target.wan, target.components.get(service.name)
    if wan is None or component is None:
        return {}
    site = wan.site_of(component.region)
    if site is None or part_of(wan, site) not in service.networks:
        return {}
    names = [service.name, *service.networks[part_of(wan, site)]]
    found = {name: _ports(wan, component, name, asks) for name in dict.fromkeys(names)}
    return {name: ports for name, ports in found.items() if ports}


def _ports(wan: Wan, component: Component, name: str, asks: str | None) -> list[tuple[int, Protocol]]:
    peer = name == f"{component.name}-peer"
    flows = [flow for flow in wan.flows if (flow.role, flow.peer) == (component.role, peer)]
    return [(flow.port, flow.protocol) for flow in flows if None in (asks, flow.by) or asks in (flow.by or ())]


def plan_wan(target: Target, plain: Project, ports: Iterator[int]) -> tuple[WanPlan, ...]:
    """Decide which Toxiproxies stand between which sites; `plain` is the project once it was split."""
    wan = target.wan
    if wan is None:
        return ()
    plans: list[WanPlan] = []
    for asks, answers in permutations(wan.sites, 2):
        taken: list[set[int]] = []
        for service in plain.services.values():
            component = target.components.get(service.name)
            if component is None or wan.site_of(component.region) != answers:
                continue
            for name, wanted in asked_from_afar(target, service, asks).items():
                number = _room(taken, {port for port, _ in wanted})
                server = f"{TOXIPROXY}-{wan.network}-{asks}-{answers}" + (f"-{number + 1}" if number else "")
                for port, protocol in wanted:
                    link, upstream = f"wan-{asks}-{name}-{port}", f"{far_name(name)}:{port}"
                    proxy = ProxyPlan(link, server, port, upstream, next(ports), protocol, name)
                    plans.append(WanPlan(asks, answers, proxy))
    return tuple(plans)


def _room(taken: list[set[int]], wanted: set[int]) -> int:
    """The first Toxiproxy on which all these ports are free; another one where there is none."""
    number = next((k for k, used in enumerate(taken) if not used & wanted), len(taken))
    if number == len(taken):
        taken.append(set())
    taken[number] |= wanted
    return number


def networks_of(wan: Wan, plans: Sequence[WanPlan], server: str) -> dict[str, Any]:
    """Return the networks of the Toxiproxy `server` between two sites, and the names that it has there."""
    mine = [plan for plan in plans if plan.proxy.server == server]
    names = list(dict.fromkeys(plan.proxy.host for plan in mine))
    return {part_of(wan, mine[0].asks): {"aliases": names}, part_of(wan, mine[0].answers): {}}
