"""What the weaving has to know of somebody's Compose project, read from the file that Compose itself rendered.

The rendered file holds interpolated secrets; it is read here, in memory, and nothing but these facts goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Service:
    """One service. `networks` maps each network's key to the aliases that the file declares there."""

    name: str
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    network_mode: str = ""
    fixed_address: bool = False
    depends_on: Mapping[str, str] = field(default_factory=dict)  # service -> condition
    links: tuple[str, ...] = ()
    replicas: int = 1
    publishes: bool = False
    container_name: str = ""
    built_only: bool = False  # `build:` without `image:`: Compose names the image after the project


@dataclass(frozen=True)
class Shared:
    """A network or a volume. `pinned` ones carry a name of their own, which a running copy would share."""

    key: str
    external: bool = False
    pinned: bool = False


@dataclass(frozen=True)
class Project:
    """A whole Compose project; `file` is its path as the user knows it."""

    name: str
    file: str
    services: Mapping[str, Service]
    networks: tuple[Shared, ...] = ()
    volumes: tuple[Shared, ...] = ()


def read_project(rendered: Mapping[str, Any], file: str) -> Project:
    """Return the facts in what `docker compose config --format json` printed, loaded as a dict."""
    name = str(rendered["name"])
    services = {key: _service(key, data or {}) for key, data in (rendered.get("services") or {}).items()}
    return Project(
        name=name,
        file=file,
        services=services,
        networks=_shared(rendered.get("networks"), name),
        volumes=_shared(rendered.get("volumes"), name),
    )


def _service(name: str, data: Mapping[str, Any]) -> Service:
    networks: Mapping[str, Any] = data.get("networks") or {}
    attached = {key: tuple((settings or {}).get("aliases") or ()) for key, settings in networks.items()}
    needs: Mapping[str, Any] = data.get("depends_on") or {}
    replicas = data.get("scale", (data.get("deploy") or {}).get("replicas"))
    return Service(
        name=name,
        networks=attached,
        network_mode=str(data.get("network_mode") or ""),
        fixed_address=any({"ipv4_address", "ipv6_address"} & set(settings or {}) for settings in networks.values()),
        depends_on={key: str((settings or {}).get("condition", "")) for key, settings in needs.items()},
        links=tuple(str(link).partition(":")[0] for link in data.get("links") or ()),
        replicas=1 if replicas is None else int(replicas),
        publishes=bool(data.get("ports")),
        container_name=str(data.get("container_name") or ""),
        built_only=bool(data.get("build")) and not data.get("image"),
    )


def _shared(section: Mapping[str, Any] | None, project: str) -> tuple[Shared, ...]:
    """Compose fills in '<project>_<key>' where the file gives no name; any other name was chosen by its author."""
    found = []
    for key, data in (section or {}).items():
        settings: Mapping[str, Any] = data or {}
        pinned = str(settings.get("name", f"{project}_{key}")) != f"{project}_{key}"
        found.append(Shared(key, external=bool(settings.get("external")), pinned=pinned))
    return tuple(found)
