"""The wide-area network: each site has its part, and Toxiproxies are the only way from one to another."""

from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from harness.engine.project import read_project
from harness.engine.swarm_weave import SwarmWeaving, weave_swarm
from harness.errors import ConfigError, NothingToBreak
from harness.target import Target, find_target
from harness.wan import Wan
from tests.unit.engine.projects import link, rendered, target

SERVICES: dict[str, Any] = {
    "app": {"networks": {"wan": None}},
    "app-eu": {"networks": {"wan": None}},
    "db": {"networks": {"wan": {"aliases": ["db-peer"]}, "back": None}},
    "db-eu": {"networks": {"wan": {"aliases": ["db-eu-peer"]}, "back": None}},
    "judge": {"networks": {"wan": None}},
}
PATHS = [("us", "eu", 80), ("us", "w", 20), ("eu", "w", 60)]
WAN: dict[str, Any] = {
    "network": "wan",
    "sites": {"us": ("east",), "eu": ("west",), "w": ("north",)},
    "paths": tuple({"between": (a, b), "rtt_ms": ms, "source": "a table"} for a, b, ms in PATHS),
    "flows": (
        {"role": "store", "port": 5432, "protocol": "postgres", "by": ("us", "eu")},
        {"role": "store", "port": 5432, "protocol": "postgres", "peer": True, "by": ("us", "eu")},
        {"role": "judge", "port": 2379, "protocol": "http"},
    ),
}
SETTINGS = {
    "app": {"region": "east"},
    "app-eu": {"region": "west"},
    "db": {"region": "east", "role": "store", "zone": "a"},
    "db-eu": {"region": "west", "role": "store", "zone": "b"},
    "judge": {"region": "north", "zone": "c"},
}


def aim(**rest: Any) -> Target:
    links = [link("db", 5432, protocol="postgres")]  # db-eu has no link: it answers by itself
    given: dict[str, Any] = {"settings": SETTINGS, "deployer": "swarm", "wan": WAN, **rest}
    return target(links, "app-eu", "db-eu", "judge", **given)


def nearer(place: str, component: str) -> dict[str, Any]:
    """An entry with another way in for users of a place."""
    places = {place: {"component": component, "rtt_ms": 20, "source": "a table"}}
    return {"entry": {"component": "app", "port": 8000, "places": places}}


def woven(
    target: Target, services: dict[str, Any] = SERVICES, networks: tuple[str, ...] = ("wan", "back")
) -> SwarmWeaving:
    data = rendered(services) | {"networks": {key: {"name": f"shop_{key}"} for key in networks}}
    return weave_swarm(
        target,
        data,
        read_project(data, "shop/compose.yml"),
        ports=iter(count(20000)),
        env={},
        campaign="c7",
        resolve=str,
        node="n1",
        images={},
        places=("tokyo", "frankfurt"),
    )


def test_each_site_has_its_own_part_of_the_network() -> None:
    weaving = woven(aim())
    assert set(weaving.networks) == {"back", "wan-us", "wan-eu", "wan-w"}
    attached = {name: set(service["networks"]) for name, service in weaving.stack["services"].items()}
    assert attached["app"] == {"wan-us"}
    assert attached["app-eu"] == {"wan-eu"}
    assert attached["judge"] == {"wan-w"}
    assert attached["db-upstream"] == {"wan-us", "back"}


def test_the_only_way_to_another_site_is_a_toxiproxy_that_has_the_name_and_asks_for_another() -> None:
    weaving = woven(aim())
    plans = {(plan.asks, plan.proxy.host, plan.proxy.listen): plan.proxy for plan in weaving.wan}
    assert set(plans) == {
        ("us", "db-eu", 5432), ("us", "db-eu-peer", 5432), ("us", "judge", 2379),
        ("eu", "db", 5432), ("eu", "db-peer", 5432), ("eu", "judge", 2379),
    }, "the witness asks for nothing, and nobody asks for an app"  # fmt: skip
    assert plans["eu", "db", 5432].upstream == "db-far:5432"
    beside = weaving.override["services"]
    assert beside["toxiproxy-wan-eu-us"]["networks"] == {"wan-eu": {"aliases": ["db"]}, "wan-us": {}}
    assert beside["toxiproxy-wan-eu-us-2"]["networks"] == {"wan-eu": {"aliases": ["db-peer"]}, "wan-us": {}}


def test_who_answers_from_afar_is_the_links_toxiproxy_or_the_service_itself() -> None:
    weaving = woven(aim())
    assert weaving.override["services"]["toxiproxy-a"]["networks"]["wan-us"] == {"aliases": ["db", "db-far"]}
    stack = weaving.stack["services"]
    assert stack["db-upstream"]["networks"]["wan-us"] == {"aliases": ["db-peer", "db-peer-far"]}
    assert stack["db-eu"]["networks"]["wan-eu"] == {"aliases": ["db-eu-peer", "db-eu-far", "db-eu-peer-far"]}
    assert stack["db-eu"]["networks"]["back"] == {}, "only other sites need another name"


def test_no_proxy_stands_on_two_networks_under_a_name_that_it_asks_for() -> None:
    for plan in woven(aim()).wan:
        assert plan.proxy.upstream.partition(":")[0] != plan.proxy.host


def test_every_way_has_a_port_and_an_api_of_its_own() -> None:
    weaving = woven(aim())
    ports = [port for service in weaving.override["services"].values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert len({port.split(":")[1] for port in ports}) == len(ports)
    assert {plan.proxy.server for plan in weaving.wan} <= set(weaving.apis)


def test_users_of_a_place_come_in_where_it_is_nearer() -> None:
    aimed = aim(**nearer("frankfurt", "app-eu"))
    weaving = woven(aimed)
    assert {door.link: door.upstream for door in weaving.place_doors} == {
        "place-tokyo": "app:8000",
        "place-frankfurt": "app-eu:8000",
    }
    assert set(weaving.override["services"]["toxiproxy-doors"]["networks"]) == {"wan-us", "wan-eu"}
    far = {place.name: place.rtt_ms for place in aimed.entry.distances()}
    assert (far["frankfurt"], far["tokyo"]) == (20, 145.3)
    doors = {"tokyo": "http://1", "frankfurt": "http://2"}
    assert aimed.entry.ways_in("http://0", doors) == ["http://0", "http://2"]
    assert aim().entry.ways_in("http://0", doors) == ["http://0"]


def test_a_target_without_sites_is_woven_as_before() -> None:
    services = {"app": {"networks": {"back": None}}, "db": {"networks": {"back": None}}}
    plain = target([link("db", 5432)], deployer="swarm")
    assert woven(plain, services, ("back",)).wan == ()


@pytest.mark.parametrize(
    ("change", "networks", "words"),
    [
        ({}, ("back", "other"), "has no network 'wan'.*It has back, other"),
        ({"settings": {**SETTINGS, "app-eu": {"region": "moon"}, "db-eu": {"region": "west", "role": "store"}}},
         ("wan", "back"), "'app-eu' is on the wide-area network 'wan', and its region 'moon' is on no site"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(change: dict[str, Any], networks: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        woven(aim(**change), networks=networks)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites": {"us": ("east",)}}, "at least two sites"),
        ({"sites": {"us": ("east",), "eu": ("east",), "w": ("north",)}}, "a region is in two sites"),
        ({"paths": WAN["paths"][:2]}, "every two sites have exactly one path"),
        ({"paths": (*WAN["paths"][:2], {"between": ("eu", "x"), "rtt_ms": 1, "source": "s"})}, "no site 'x'"),
        ({"flows": ({"role": "store", "port": 1, "by": ("mars",)},)}, "no site 'mars'"),
    ],
)
def test_a_network_that_cannot_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Wan.model_validate({**WAN, **change})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"deployer": "compose"}, "needs deployer = 'swarm'"),
        ({"wan": {**WAN, "sites": {**WAN["sites"], "w": ("pole",)}}}, "no component is in 'pole'"),
        ({"wan": {**WAN, "flows": ({"role": "ghost", "port": 1},)}}, "no component has the role 'ghost'"),
        (nearer("mars", "app"), "no place 'mars'"),
        (nearer("tokyo", "x"), "'x' is not a component"),
    ],
)
def test_a_target_that_does_not_fit_its_network_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        aim(**change)


def test_sites_are_found_by_region_and_paths_go_both_ways() -> None:
    wan = Wan.model_validate(WAN)
    assert (wan.site("west"), wan.site_of("home")) == ("eu", None)
    assert wan.rtt_ms("w", "us") == wan.rtt_ms("us", "w") == 20
    with pytest.raises(NothingToBreak, match="'home' is on no site"):
        wan.site("home")


def test_v4_has_two_regions_and_a_witness_and_no_zone_in_two_of_them() -> None:
    v4 = find_target("v4")
    assert v4.wan is not None
    assert set(v4.wan.sites) == {"us", "eu", "witness"}
    regions = {part.zone: part.region for part in v4.components.values()}
    assert all(regions[part.zone] == part.region for part in v4.components.values())
    assert len([part for part in v4.components.values() if part.role == "consensus"]) == 5
    crossing = {"balancer", "database", "consensus"}
    assert {flow.role for flow in v4.wan.flows} == crossing
