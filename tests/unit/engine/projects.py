"""Rendered Compose files and targets for the tests of the weaving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from harness.engine.project import Project, read_project
from harness.engine.weave import Weaving, weave
from harness.target import Target


def rendered(services: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    """What `docker compose config` prints for services on the default network, unless they say otherwise."""
    normal = {
        name: {"image": "x", **({} if "network_mode" in data else {"networks": {"default": None}}), **data}
        for name, data in services.items()
    }
    networks = {"default": {"name": "shop_default", "ipam": {}}}
    return {"name": "shop", "services": normal, "networks": networks, **rest}


def project(services: Mapping[str, Any], **rest: Any) -> Project:
    return read_project(rendered(services, **rest), "shop/compose.yml")


def target(links: list[dict[str, Any]], *components: str, **rest: Any) -> Target:
    """A target whose entry is `app` on port 8000, with `components` beside it and those that the links lead to."""
    names = dict.fromkeys(["app", *components, *(link["to"] for link in links)])
    parts = {name: {"name": name, "role": name, "zone": "a", "region": "home"} for name in names}
    for name, settings in rest.pop("settings", {}).items():
        parts[name].update(settings)
    data = {
        "schema": 1,
        "phase": "v9",
        "title": "Shop",
        "entry": {"component": "app", "port": 8000},
        "users": {"claimed": 1},
        "components": parts,
        "links": tuple(links),
        "folder": Path("shop"),
        **rest,
    }
    return Target.model_validate(data)


def link(name: str, port: int, to: str = "", **rest: Any) -> dict[str, Any]:
    return {"name": name, "to": to or name, "port": port, **rest}


def woven(aim: Target, plain: Project, env: Mapping[str, str] | None = None, places: Sequence[str] = ()) -> Weaving:
    return weave(
        aim,
        plain,
        ports=iter(count(20000)),
        env=env or {},
        campaign="c7",
        resolve=lambda host: f"address-of-{host}",
        places=places,
    )
