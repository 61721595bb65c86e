"""The weaving: Toxiproxy on every link, nothing shared with a running copy, no way round."""

import json
from itertools import count
from pathlib import Path

import pytest
import yaml

from harness.engine.override import Replace, ReplaceMap, Reset
from harness.engine.project import read_project
from harness.engine.weave import is_external, weave
from harness.errors import ConfigError
from harness.target import find_target
from tests.unit.engine.projects import link, project, target, woven

SHOP = {"app": {"ports": [{"target": 8000}]}, "db": {}, "cache": {"ports": [{"target": 6379}]}, "mail": {}}
LINKS = [link("db", 5432), link("cache", 6379)]


def test_toxiproxy_takes_the_names_of_linked_services_and_they_move_away_alone() -> None:
    override = woven(target(LINKS), project(SHOP)).override
    proxy = override["services"]["toxiproxy"]
    assert proxy["networks"]["default"] == {"aliases": ["db", "cache"]}
    for name in ("db", "cache"):
        moved = override["services"][name]["networks"]
        assert isinstance(moved, ReplaceMap), "merged, the service would keep its old name on its old network"
        assert moved == {f"upstream-{name}": {"aliases": [f"{name}-upstream"]}}
    for name in ("app", "mail"):
        assert "networks" not in override["services"][name]


def test_every_upstream_has_a_network_of_its_own_so_that_linked_services_meet_only_toxiproxy() -> None:
    services = woven(target(LINKS), project(SHOP)).override["services"]
    inhabitants: dict[str, list[str]] = {}
    for name, part in services.items():
        for network in part.get("networks", {}):
            inhabitants.setdefault(network, []).append(name)
    assert inhabitants["upstream-db"] == ["toxiproxy", "db"]
    assert inhabitants["upstream-cache"] == ["toxiproxy", "cache"]


def test_a_linked_service_that_calls_another_one_finds_toxiproxy_there() -> None:
    plain = project({"app": {}, "api": {"depends_on": {"db": {"condition": "service_healthy"}}}, "db": {}})
    proxy = woven(target([link("api", 80), link("db", 5432)]), plain).override["services"]["toxiproxy"]
    assert proxy["networks"]["upstream-api"] == {"aliases": ["db"]}


def test_the_proxies_are_in_the_configuration_so_that_a_restart_brings_them_back() -> None:
    weaving = woven(target(LINKS), project(SHOP))
    stored = json.loads(weaving.override["configs"]["toxiproxy-proxies"]["content"])
    assert [(p["name"], p["listen"], p["upstream"]) for p in stored] == [
        ("db", "0.0.0.0:5432", "db-upstream:5432"),
        ("cache", "0.0.0.0:6379", "cache-upstream:6379"),
    ]
    assert "." not in stored[0]["upstream"].split(":")[0], "a name with a dot is asked for outside while it is stopped"
    assert weaving.override["services"]["toxiproxy"]["dns_opt"] == ["ndots:1"]


def test_only_what_the_harness_needs_is_published_and_only_on_loopback() -> None:
    aim = target([link("db", 5432), link("cache", 6379)], settings={"db": {"control_port": 8081}})
    weaving = woven(aim, project(SHOP))
    services = weaving.override["services"]
    published = {name: part.get("ports") for name, part in services.items()}
    assert published["app"] == [f"127.0.0.1:{weaving.entry_port}:8000"]
    assert published["db"] == [f"127.0.0.1:{weaving.controls['db']}:8081"]
    assert published["cache"] == []
    assert all(isinstance(published[name], Replace) for name in ("app", "db", "cache"))
    assert published["mail"] is None
    assert published["toxiproxy"] == [
        f"127.0.0.1:{weaving.apis['toxiproxy']}:8474",
        f"127.0.0.1:{weaving.proxies[0].host_port}:5432",
        f"127.0.0.1:{weaving.proxies[1].host_port}:6379",
    ]
    ports = [weaving.entry_port, *weaving.controls.values(), *weaving.apis.values()]
    ports += [proxy.host_port for proxy in weaving.proxies]
    assert len(set(ports)) == len(ports) == 5


def test_everything_carries_the_marks_by_which_it_is_found_again() -> None:
    weaving = woven(target(LINKS), project(SHOP, volumes={"data": {"name": "shop_data"}}))
    override = weaving.override
    for name, part in override["services"].items():
        assert part["labels"]["testbed.owner"] == "harness"
        assert part["labels"]["testbed.campaign"] == "c7"
        assert part["labels"].get("testbed.component") == (None if name == "mail" else name)
    for kind in ("networks", "volumes"):
        assert all(item["labels"]["testbed.owner"] == "harness" for item in override[kind].values())
    assert set(override["networks"]) == {"default", "upstream-db", "upstream-cache"}
    assert weaving.project == "testbed-v9"


def test_components_get_an_init_and_start_after_toxiproxy() -> None:
    services = woven(target(LINKS), project(SHOP)).override["services"]
    assert all(services[name]["init"] for name in ("app", "db", "cache"))
    assert "init" not in services["mail"], "it is no component: nothing crashes it"
    assert services["app"]["depends_on"] == {"toxiproxy": {"condition": "service_started"}}
    assert "depends_on" not in services["db"]


def test_two_names_on_one_port_get_a_toxiproxy_each() -> None:
    weaving = woven(
        target([link("db", 5432), link("cache", 6379), link("queue", 6379)]), project({**SHOP, "queue": {}})
    )
    assert {proxy.link: proxy.server for proxy in weaving.proxies} == {
        "db": "toxiproxy",
        "cache": "toxiproxy",
        "queue": "toxiproxy-2",
    }
    services = weaving.override["services"]
    assert services["toxiproxy"]["networks"]["default"]["aliases"] == ["db", "cache"]
    assert services["toxiproxy-2"]["networks"]["default"]["aliases"] == ["queue"]
    assert set(services["app"]["depends_on"]) == {"toxiproxy", "toxiproxy-2"}


def test_several_links_to_one_service_share_its_name() -> None:
    aim = target([link("sql", 5432, to="db"), link("metrics", 9187, to="db")])
    weaving = woven(aim, project(SHOP))
    assert {proxy.server for proxy in weaving.proxies} == {"toxiproxy"}
    assert weaving.override["services"]["toxiproxy"]["networks"]["default"] == {"aliases": ["db"]}
    assert weaving.override["services"]["db"]["networks"] == {"upstream-db": {"aliases": ["db-upstream"]}}


def test_custom_networks_and_their_aliases_are_taken_over() -> None:
    plain = project(
        {
            "app": {"networks": {"back": None}},
            "db": {"networks": {"back": {"aliases": ["pg", "primary"]}, "admin": None}},
        },
        networks={"back": {"name": "shop_back"}, "admin": {"name": "shop_admin"}},
    )
    networks = woven(target([link("db", 5432)]), plain).override["services"]["toxiproxy"]["networks"]
    assert networks == {
        "back": {"aliases": ["db", "pg", "primary"]},
        "admin": {"aliases": ["db"]},
        "upstream-db": {},
    }


def test_a_container_name_is_given_up_and_goes_on_working_as_a_name() -> None:
    plain = project({"app": {"container_name": "shop"}, "db": {"container_name": "shop-db"}})
    services = woven(target([link("db", 5432)]), plain).override["services"]
    assert isinstance(services["app"]["container_name"], Reset)
    assert services["app"]["networks"] == {"default": {"aliases": ["shop"]}}
    assert services["toxiproxy"]["networks"]["default"] == {"aliases": ["db", "shop-db"]}


def test_what_has_a_name_of_its_own_gets_another_one_or_a_running_copy_would_share_it() -> None:
    plain = project(SHOP, volumes={"data": {"name": "precious"}, "temp": {"name": "shop_temp"}})
    volumes = woven(target(LINKS), plain).override["volumes"]
    assert volumes["data"]["name"] == "testbed-v9_data"
    assert "name" not in volumes["temp"]


def test_an_image_that_compose_builds_keeps_the_name_that_compose_gave_it() -> None:
    plain = project({"app": {"image": None, "build": {"context": "."}}, "db": {}})
    assert woven(target([link("db", 5432)]), plain).override["services"]["app"]["image"] == "shop-app"


def test_a_target_without_links_needs_no_toxiproxy() -> None:
    override = woven(target([]), project({"app": {}})).override
    assert set(override["services"]) == {"app"}
    assert "depends_on" not in override["services"]["app"]


EXTERNAL = {"when_env": "AI_KEY", "host": "api.ai.example", "port": 443, "protocol": "tls"}
AI = link("ai", 8080, to="sim", protocol="http", external=EXTERNAL)


def test_a_real_service_is_reached_through_toxiproxy_under_its_own_name() -> None:
    aim = target([link("db", 5432), AI], settings={"sim": {"control_port": 8081}})
    weaving = woven(aim, project({**SHOP, "sim": {}}), env={"AI_KEY": "sk-very-secret"})
    services = weaving.override["services"]
    plan = weaving.proxies[1]
    assert (plan.listen, plan.upstream, plan.protocol) == (443, "address-of-api.ai.example:443", "tls")
    assert plan.host == "api.ai.example"
    assert services["toxiproxy"]["networks"]["default"] == {"aliases": ["db", "api.ai.example"]}
    assert weaving.left_out == {"sim"}
    assert services["sim"]["deploy"] == {"replicas": 0}
    assert not weaving.controls, "a simulator that does not run takes no orders"
    assert "sk-very-secret" not in weaving.yaml()


@pytest.mark.parametrize("env", [{}, {"AI_KEY": ""}, {"AI_KEY": "  "}])
def test_without_a_key_the_simulator_stays(env: dict[str, str]) -> None:
    aim = target([AI], settings={"sim": {"control_port": 8081}})
    assert not is_external(aim.links[0], env)
    weaving = woven(aim, project({**SHOP, "sim": {}}), env=env)
    assert weaving.proxies[0].upstream == "sim-upstream:8080"
    assert set(weaving.controls) == {"sim"}


def test_a_component_cannot_be_replaced_on_one_link_only() -> None:
    aim = target([AI, link("other", 9000, to="sim")])
    with pytest.raises(ConfigError, match=r"'other'.*leads nowhere"):
        woven(aim, project({**SHOP, "sim": {}}), env={"AI_KEY": "k"})


def test_the_override_is_yaml_with_the_tags_of_compose() -> None:
    plain = project({**SHOP, "app": {"ports": [1], "container_name": "shop"}})
    text = woven(target(LINKS), plain).yaml()
    assert "ports: !override ['127.0.0.1:" in text
    assert "networks: !override\n" in text
    assert "container_name: !reset" in text
    assert "&id" not in text, "equal values are written out"
    yaml.parse(text)


def test_v1_weaves_as_it_stands() -> None:
    aim = find_target("v1")
    plain = yaml.safe_load((aim.folder / "compose.yml").read_text())
    for service in plain["services"].values():
        service["networks"] = {"default": None}
    weaving = weave(
        aim, read_project(plain, "v1"), ports=iter(count(20000)), env={}, campaign="c", resolve=lambda host: host
    )
    assert {proxy.link for proxy in weaving.proxies} == {"database", "cache", "provider"}
    assert set(weaving.apis) == {"toxiproxy"}
    assert weaving.controls.keys() == {"openai"}
    assert Path(aim.folder / "compose.yml").read_text().count("toxiproxy") == 0


def test_every_place_has_a_door_of_its_own_in_front_of_the_entry() -> None:
    weaving = woven(target(LINKS), project(SHOP), places=["tokyo", "virginia"])
    doors = weaving.override["services"]["toxiproxy-doors"]
    assert doors["networks"] == {"default": {}}
    stored = json.loads(weaving.override["configs"]["toxiproxy-doors-proxies"]["content"])
    assert [(p["name"], p["upstream"]) for p in stored] == [("place-tokyo", "app:8000"), ("place-virginia", "app:8000")]
    assert set(weaving.doors) == {"tokyo", "virginia"}
    assert f"127.0.0.1:{weaving.doors['tokyo']}:9000" in doors["ports"]
    assert weaving.entry_port not in weaving.doors.values()
    assert "toxiproxy-doors" not in weaving.override["services"]["app"]["depends_on"]


def test_the_doors_of_an_entry_that_is_linked_lead_behind_its_toxiproxy() -> None:
    weaving = woven(target([link("app", 8000)]), project(SHOP), places=["tokyo"])
    assert weaving.override["services"]["toxiproxy-doors"]["networks"] == {"upstream-app": {}}
    stored = json.loads(weaving.override["configs"]["toxiproxy-doors-proxies"]["content"])
    assert stored[0]["upstream"] == "app-upstream:8000"


def test_a_target_without_links_has_doors_all_the_same() -> None:
    weaving = woven(target([]), project({"app": {}}), places=["tokyo"])
    assert set(weaving.override["services"]) == {"app", "toxiproxy-doors"}
