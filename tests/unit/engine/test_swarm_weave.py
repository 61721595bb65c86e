"""Weaving under Swarm: by name, the instrument beside the stack, and nothing that `stack deploy` would refuse."""

import json
from itertools import count
from typing import Any

import pytest
import yaml

from harness.engine.project import read_project
from harness.engine.swarm_weave import SwarmWeaving, weave_swarm
from harness.errors import ConfigError
from harness.target import Target
from tests.unit.engine.projects import link, rendered, target

SHOP: dict[str, Any] = {
    "app": {"ports": [{"target": 8000}], "networks": {"front": None, "back": None}, "depends_on": {"db-a": {}}},
    "db-a": {"networks": {"back": {"aliases": ["primary", "db-a-peer"]}}, "volumes": [
        {"type": "volume", "source": "data", "target": "/data", "volume": {}}]},
    "db-b": {"networks": {"back": {"aliases": ["db-b-peer"]}}},
    "sim": {"networks": {"back": {"aliases": ["ai"]}}, "deploy": {"replicas": 1}, "ports": [{"target": 80}]},
    "other": {"networks": {"back": None}},
}  # fmt: skip
LINKS = [link("db-a", 5432), link("db-b", 5432), link("provider", 80, to="sim")]
SETTINGS = {
    "db-a": {"zone": "a"},
    "db-b": {"zone": "b"},
    "sim": {"zone": "outside", "control_port": 8081},
    "other": {"zone": "b"},
}


def shop(**rest: Any) -> Target:
    return target(LINKS, "other", settings=SETTINGS, deployer="swarm", **rest)


def woven(aim: Target, services: dict[str, Any], **rest: Any) -> SwarmWeaving:
    more = {
        "networks": {"front": {"name": "shop_front"}, "back": {"name": "shop_back"}},
        "volumes": {"data": {"name": "precious"}},
        **rest.pop("sections", {}),
    }
    data = rendered(services) | more
    given: dict[str, Any] = {"env": {}, "places": ("tokyo",), "images": {}, **rest}
    return weave_swarm(
        aim,
        data,
        read_project(data, "shop/compose.yml"),
        ports=iter(count(20000)),
        campaign="c7",
        resolve=lambda host: f"address-of-{host}",
        node="n1",
        **given,
    )


def test_a_linked_service_is_renamed_and_a_toxiproxy_of_its_zone_takes_its_names() -> None:
    weaving = woven(shop(), SHOP)
    assert set(weaving.stack["services"]) == {"app", "db-a-upstream", "db-b-upstream", "other"}
    assert weaving.services["db-a"] == "testbed-v9_db-a-upstream"
    beside = weaving.override["services"]
    assert beside["toxiproxy-a"]["networks"] == {"back": {"aliases": ["db-a", "primary"]}}
    assert beside["toxiproxy-b"]["networks"] == {"back": {"aliases": ["db-b"]}}
    assert beside["toxiproxy-outside"]["networks"] == {"back": {"aliases": ["sim", "ai"]}}
    assert weaving.stack["services"]["db-a-upstream"]["networks"] == {"back": {"aliases": ["db-a-peer"]}}
    stored = json.loads(weaving.override["configs"]["toxiproxy-a-proxies"]["content"])
    assert [(p["name"], p["upstream"]) for p in stored] == [("db-a", "db-a-upstream:5432")]


def test_two_names_with_one_port_in_one_zone_get_two_toxiproxies() -> None:
    settings = {**SETTINGS, "db-b": {"zone": "a"}}
    beside = woven(target(LINKS, "other", settings=settings), SHOP).override["services"]
    assert {"toxiproxy-a", "toxiproxy-a-2", "toxiproxy-outside", "toxiproxy-doors"} < set(beside)


def test_simulators_stand_beside_the_stack_under_the_name_that_toxiproxy_asks_for() -> None:
    weaving = woven(shop(), SHOP)
    sim = weaving.override["services"]["sim-upstream"]
    assert sim["networks"] == {"back": {}}, "Compose itself makes the name of a service an alias"
    assert sim["ports"] == [f"127.0.0.1:{weaving.controls['sim']}:8081"]
    assert sim["labels"]["testbed.component"] == "sim"
    assert sim["restart"] == "always"
    assert "deploy" not in sim
    assert "sim-upstream" not in weaving.stack["services"]


def test_users_come_in_by_doors_on_loopback_and_the_stack_publishes_nothing() -> None:
    weaving = woven(shop(), SHOP)
    doors = weaving.override["services"]["toxiproxy-doors"]
    assert doors["networks"] == {"front": {}, "back": {}}
    stored = json.loads(weaving.override["configs"]["toxiproxy-doors-proxies"]["content"])
    assert [(p["name"], p["upstream"]) for p in stored] == [("entry", "app:8000"), ("place-tokyo", "app:8000")]
    assert f"127.0.0.1:{weaving.entry_port}:9000" in doors["ports"]
    assert f"127.0.0.1:{weaving.doors['tokyo']}:9001" in doors["ports"]
    assert all("ports" not in service for service in weaving.stack["services"].values())
    published = [port for service in weaving.override["services"].values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_an_entry_that_is_itself_linked_is_entered_behind_its_toxiproxy() -> None:
    weaving = woven(target([*LINKS, link("app", 8000)], "other", settings=SETTINGS), SHOP)
    stored = json.loads(weaving.override["configs"]["toxiproxy-doors-proxies"]["content"])
    assert stored[0]["upstream"] == "app-upstream:8000"


def test_everything_in_the_stack_is_marked_pinned_to_this_node_and_can_be_kept_away() -> None:
    stack = woven(shop(), SHOP).stack
    for name, service in stack["services"].items():
        component = name.removesuffix("-upstream")
        mark = {"testbed.owner": "harness", "testbed.campaign": "c7", "testbed.component": component}
        assert service["labels"] == service["deploy"]["labels"] == mark
        assert service["deploy"]["endpoint_mode"] == "dnsrr"
        assert service["deploy"]["placement"]["constraints"] == [
            "node.id == n1",
            f"node.labels.testbed-hold-{component} != yes",
        ]
        assert service["init"] is True
    assert stack["volumes"] == {"data": {"labels": {"testbed.owner": "harness", "testbed.campaign": "c7"}}}
    assert stack["networks"]["back"] == {"external": True, "name": "testbed-v9_back"}


def test_what_the_author_said_of_deploying_is_kept() -> None:
    deploy = {
        "replicas": 3,
        "update_config": {"order": "start-first", "parallelism": 1},
        "restart_policy": {"condition": "any", "delay": "2s"},
        "placement": {"constraints": ["node.role == manager"]},
        "labels": {"mine": "yes"},
        "resources": {"limits": {"cpus": 0.5}},
    }
    made = woven(shop(), {**SHOP, "other": {**SHOP["other"], "deploy": deploy}}).stack["services"]["other"]["deploy"]
    assert (made["replicas"], made["update_config"]) == (3, deploy["update_config"])
    assert made["restart_policy"] == {"condition": "any", "delay": "2s"}
    assert made["placement"]["constraints"][0] == "node.role == manager"
    assert made["labels"]["mine"] == "yes"
    assert made["resources"] == {"limits": {"cpus": "0.5"}}, "a stack wants text here"


@pytest.mark.parametrize(
    ("restart", "condition"), [(None, "any"), ("always", "any"), ("no", "none"), ("on-failure:3", "on-failure")]
)
def test_a_restart_policy_becomes_the_orchestrators(restart: str | None, condition: str) -> None:
    more = {} if restart is None else {"restart": restart}
    weaving = woven(shop(), {**SHOP, "job": {**SHOP["other"], **more}})
    made = weaving.stack["services"]["job"]
    assert made["deploy"]["restart_policy"] == {"condition": condition, "delay": "1s"}
    assert "restart" not in made
    assert weaving.jobs == (frozenset() if condition == "any" else {"job"})


def test_what_stack_deploy_would_refuse_is_left_away_or_put_as_it_wants_it() -> None:
    service = {
        **SHOP["other"],
        "command": None,
        "build": {"context": "."},
        "container_name": "other-1",
        "mem_limit": "1048576",
        "tmpfs": ["/tmp:size=1m"],
        "healthcheck": {"test": ["CMD", "true"], "start_interval": "1s", "interval": "2s"},
        "extra_hosts": ["a=1.2.3.4"],
        "environment": {"PORT": 80, "UNSET": None},
        "volumes": [
            {"type": "bind", "source": "/x", "target": "/y", "bind": {"create_host_path": True}},
            {"type": "tmpfs", "target": "/z", "tmpfs": {"size": "64"}},
        ],
        "configs": [{"source": "motto", "target": "/m", "mode": "0444"}],
        "x-note": "mine",
    }
    weaving = woven(
        shop(), {**SHOP, "other": service}, sections={"configs": {"motto": {"name": "shop_motto", "file": "/m.txt"}}}
    )
    made = weaving.stack["services"]["other"]
    assert not {"command", "build", "container_name", "mem_limit", "tmpfs", "x-note", "depends_on"} & set(made)
    assert made["deploy"]["resources"] == {"limits": {"memory": "1048576"}}
    assert made["healthcheck"] == {"test": ["CMD", "true"], "interval": "2s"}
    assert made["extra_hosts"] == ["a:1.2.3.4"]
    assert made["environment"] == {"PORT": "80"}
    assert made["volumes"] == [
        {"type": "bind", "source": "/x", "target": "/y"},
        {"type": "tmpfs", "target": "/z", "tmpfs": {"size": 64}},
        {"type": "tmpfs", "target": "/tmp"},
    ]
    assert made["configs"][0]["mode"] == 0o444
    assert weaving.stack["configs"]["motto"]["file"] == "/m.txt"
    assert "name" not in weaving.stack["configs"]["motto"]
    assert yaml.safe_load(weaving.stack_yaml()) == weaving.stack, "no tag that only Compose knows"


def test_images_that_are_here_are_named_by_their_id() -> None:
    services = woven(shop(), SHOP, images={"x": "sha256:12"}).stack["services"]
    assert services["app"]["image"] == "sha256:12"
    assert woven(shop(), SHOP).stack["services"]["app"]["image"] == "x"


def test_a_mechanism_is_switched_off_where_it_is() -> None:
    aim = shop().model_copy(update={"environment": {"other": {"RETRY": "$no"}}})
    services = {**SHOP, "other": {**SHOP["other"], "environment": {"RETRY": "yes", "KEEP": "1"}}}
    made = woven(aim, services).stack["services"]["other"]
    assert made["environment"] == {"RETRY": "$$no", "KEEP": "1"}


def test_a_real_service_has_its_own_name_taken_and_its_simulator_left_out() -> None:
    external = {"when_env": "AI_URL", "host": "api.ai.example", "port": 443}
    aim = target([*LINKS[:2], link("provider", 80, to="sim", external=external)], "other", settings=SETTINGS)
    weaving = woven(aim, SHOP, env={"AI_URL": "https://api.ai.example"})
    beside = weaving.override["services"]
    assert "sim-upstream" not in beside
    assert beside["toxiproxy-outside"]["networks"] == {"back": {"aliases": ["api.ai.example"]}}
    assert weaving.left_out == {"sim"}
    assert weaving.controls == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"privileged": True}, "has `privileged`, which Swarm does not know"),
        ({"network_mode": "none", "networks": None}, "has no network of the project"),
    ],
)
def test_what_swarm_cannot_do_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        woven(shop(), {**SHOP, "other": {**SHOP["other"], **change}})


def test_replicas_of_the_entry_are_welcome_and_of_a_simulator_are_not() -> None:
    assert woven(shop(), {**SHOP, "app": {**SHOP["app"], "deploy": {"replicas": 2}}}).stack["services"]["app"]
    with pytest.raises(ConfigError, match="runs more than once"):
        woven(shop(), {**SHOP, "sim": {**SHOP["sim"], "deploy": {"replicas": 2}}})
