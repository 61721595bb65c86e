"""How complex a version is, counted from what describes it: target.toml and the Compose file. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml

from harness.alerts import PAGER
from harness.errors import ConfigError
from harness.target import Target
from harness.verdict import Verdict

OTHERS = ("provider", PAGER)  # the last words of the roles of what stands for somebody else's service


@dataclass(frozen=True)
class Complexity:
    """Counts, of what its owner runs: services of others (AI providers, the
    telephone of who is on call) are left out but for the links to them.

    components: services of the Compose file. containers: with all their replicas. moving_parts: kinds of component
    (roles), each to be understood, upgraded and watched by itself. stateful: services that keep data in a volume.
    links: dependencies that cross the network. networks: of the Compose file, at least the default one.
    lines: of the Compose file, without blank ones and comments.
    """

    components: int
    containers: int
    moving_parts: int
    stateful: int
    links: int
    networks: int
    lines: int

    def items(self) -> list[tuple[str, int]]:
        """Return (name, count) in the order of the fields."""
        return [(f.name, getattr(self, f.name)) for f in fields(self)]


def complexity_of(target: Target) -> Complexity:
    """Count a target's files. Raises ConfigError when its Compose file cannot be read."""
    path = target.folder / target.compose
    try:
        text = path.read_text(encoding="utf-8")
        compose = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(str(path), "", f"cannot be read: {error}.", "Correct the file.") from None
    if not isinstance(compose, dict) or not isinstance(compose.get("services"), dict):
        raise ConfigError(str(path), "services", "there are no services.", "Write it as Compose files are.")
    return count(target, compose, text)


def count(target: Target, compose: Mapping[str, Any], text: str) -> Complexity:
    """Count a target whose Compose file is `text`, and parsed `compose`."""
    outside = {name for name, part in target.components.items() if part.role.split("-")[-1] in OTHERS}
    own = {name: service or {} for name, service in compose["services"].items() if name not in outside}
    roles = {part.role for name, part in target.components.items() if name in own}
    return Complexity(
        components=len(own),
        containers=sum(replicas(service) for service in own.values()),
        moving_parts=len(roles) + len([name for name in own if name not in target.components]),
        stateful=sum(keeps_data(service, compose.get("volumes") or {}) for service in own.values()),
        links=len(target.links),
        networks=max(1, len(compose.get("networks") or {})),
        lines=lines_of(text),
    )


def replicas(service: Mapping[str, Any]) -> int:
    """Return how many containers a service starts with."""
    found = (service.get("deploy") or {}).get("replicas", service.get("scale", 1))
    return int(found) if isinstance(found, int) else 1


def keeps_data(service: Mapping[str, Any], volumes: Mapping[str, Any]) -> bool:
    """Whether a service mounts a named volume of the file; a folder or socket of the machine is none."""
    for mount in service.get("volumes") or []:
        source = mount.get("source", "") if isinstance(mount, dict) else str(mount).partition(":")[0]
        if source in volumes:
            return True
    return False


def lines_of(text: str) -> int:
    """Return how many lines say something: neither blank nor a comment alone."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def in_order(before: Complexity | None, now: Complexity) -> tuple[Verdict, str]:
    """Judge that a version is more complex than the one before, which is all that words like 'Média' can be held to.

    HELD: no count is lower and one is higher; REFUTED: none is higher; else INCONCLUSIVE.
    """
    if before is None:
        return Verdict.NOT_TESTABLE_HERE, "There is no version before it, and a word by itself has no number."
    rows = list(zip(before.items(), now.items(), strict=True))
    higher = [name.replace("_", " ") for (name, old), (_, new) in rows if new > old]
    lower = [name.replace("_", " ") for (name, old), (_, new) in rows if new < old]
    if not higher:
        return Verdict.REFUTED, "No count is higher than that of the version before."
    if lower:
        return Verdict.INCONCLUSIVE, f"Higher: {', '.join(higher)}. Lower: {', '.join(lower)}."
    return Verdict.HELD, f"Higher than the version before: {', '.join(higher)}. None is lower."
