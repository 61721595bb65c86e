"""A target as a diagram: what stands where and who speaks to whom, read from target.toml and the Compose file alone.

An arrow from A to B means: A's environment (or `depends_on`) names B as a host, and both are on one network. What a
part's own image knows by itself is not in these files, and so it is not drawn. Pure but for reading the two files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from harness.errors import ConfigError
from harness.target import Target

ORDINAL = re.compile(r"^(?:second|third|fourth|fifth)-")


@dataclass(frozen=True)
class Door:
    """A link of target.toml: its name, protocol and port."""

    name: str
    protocol: str
    port: int


@dataclass(frozen=True)
class Box:
    """One component. `kind` is equal for those that run the same program; `doors` are the links that lead to it."""

    name: str
    role: str
    zone: str
    region: str
    replicas: int
    stateful: bool
    kind: str
    networks: tuple[str, ...]
    doors: tuple[Door, ...]

    @property
    def family(self) -> str:
        """The role, whichever in line it is: a second provider is a provider."""
        return ORDINAL.sub("", self.role)


@dataclass(frozen=True)
class Edge:
    """`source` names `target` as a host; `networks` are those that they share."""

    source: str
    target: str
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Diagram:
    """All boxes in the order of target.toml, all edges in the order of their boxes; `entry` is where users come in."""

    phase: str
    title: str
    entry: str
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]

    def box(self, name: str) -> Box:
        """Return the box called `name`. Raises KeyError."""
        return {box.name: box for box in self.boxes}[name]


def diagram_of(target: Target) -> Diagram:
    """Read the target's Compose file and return its diagram. Raises ConfigError naming what does not fit."""
    path = target.folder / target.compose
    try:
        compose = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(str(path), "", f"cannot be read: {error}.", "Correct the file.") from None
    services = compose.get("services") if isinstance(compose, dict) else None
    if not isinstance(services, dict):
        raise ConfigError(str(path), "services", "there are no services.", "Write it as Compose files are.")
    missing = sorted(set(target.components) - set(services))
    if missing:
        raise ConfigError(str(path), "services", f"'{missing[0]}' of target.toml is none of them.", "Correct the name.")
    return build(target, services)


def build(target: Target, services: Mapping[str, Any]) -> Diagram:
    """Return the diagram of a target whose Compose file has these services."""
    boxes = tuple(_box(target, name, services[name] or {}) for name in target.components)
    aliases = {alias: name for name in target.components for alias in (name, *_aliases(services[name] or {}))}
    edges = tuple(edge for box in boxes for edge in _edges(box, boxes, services[box.name] or {}, aliases))
    return Diagram(target.phase, target.title, target.entry.component, boxes, edges)


def _box(target: Target, name: str, service: Mapping[str, Any]) -> Box:
    component = target.components[name]
    deploy = service.get("deploy") or {}
    return Box(
        name=name,
        role=component.role,
        zone=component.zone,
        region=component.region,
        replicas=int(deploy.get("replicas", service.get("scale", 1))),
        stateful=any(":" in str(v) and not str(v).startswith(("/", ".")) for v in service.get("volumes") or ()),
        kind=f"{service.get('image', name)} {' '.join(map(str, _listed(service.get('command'))))}".strip(),
        networks=tuple(_names(service.get("networks")) or ("default",)),
        doors=tuple(Door(x.name, x.protocol, x.port) for x in target.links if x.to == name),
    )


def _edges(box: Box, boxes: tuple[Box, ...], service: Mapping[str, Any], aliases: Mapping[str, str]) -> Iterator[Edge]:
    named = {aliases[word] for text in _values(service.get("environment")) for word in _hosts(text, aliases)}
    named |= {name for name in _names(service.get("depends_on")) if name in aliases}
    for other in boxes:
        shared = tuple(n for n in box.networks if n in other.networks)
        if other.name in named and other is not box and shared:
            yield Edge(box.name, other.name, shared)


def _hosts(text: str, aliases: Mapping[str, str]) -> list[str]:
    """Return the words of a setting that stand where hosts do: 'redis://cache:6379/0', 'lb-a:8080 lb-b:8080'."""
    return [
        w for w in re.findall(r"(?:(?<=^)|(?<=[\s,@=])|(?<=//))[a-z][a-z0-9-]*(?=$|[\s,:/}])", text) if w in aliases
    ]


def _values(environment: Any) -> list[str]:
    if isinstance(environment, Mapping):
        return [str(value) for value in environment.values() if value is not None]
    return [str(entry).partition("=")[2] for entry in environment or ()]


def _names(given: Any) -> list[str]:
    """Compose takes lists and mappings alike."""
    return [str(name) for name in given or ()]


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given] if given else []


def _aliases(service: Mapping[str, Any]) -> list[str]:
    networks = service.get("networks")
    if not isinstance(networks, Mapping):
        return []
    return [str(alias) for settings in networks.values() for alias in (settings or {}).get("aliases") or ()]
