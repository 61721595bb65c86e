"""Finds what the harness made on an engine, by its label, and removes it. What does not carry the label is not ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker
from docker.errors import APIError, NotFound

from harness.engine import marks
from harness.engine.disks import find_disks, remove_disk
from harness.engine.holds import change_labels, held_labels
from harness.engine.swarm_mode import GATEWAY, is_manager, swarm_labels
from harness.errors import InstrumentError

Log = Callable[[str], None]


Kind = Literal["service", "container", "network", "volume", "disk", "config", "secret", "node label", "swarm"]

LEAVE_ANYWAY_S = 15.0
"""When a swarm of ours is left although something in it does not go: leaving takes that along."""


@dataclass(frozen=True)
class Item:
    """Something of ours. `state` is Docker's word for a container ('paused'), else ''."""

    kind: Kind
    id: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.state})" if self.state else "")


def find_ours(client: docker.DockerClient, campaign: str = "") -> list[Item]:
    """Return what carries our label, of one campaign or of all, in the order in which it must go."""
    label = [f"{marks.OWNER}={marks.owner(campaign)}"] + ([f"{marks.CAMPAIGN}={campaign}"] if campaign else [])
    api: Any = client.api
    managed = is_manager(client)
    found = _in_swarm(api, label) if managed else []
    found += [
        Item("container", c["Id"], c["Names"][0].lstrip("/") if c["Names"] else c["Id"][:12], c["State"])
        for c in api.containers(all=True, filters={"label": label})
    ]
    found += [Item("network", n["Id"], n["Name"]) for n in api.networks(filters={"label": label})]
    volumes = api.volumes(filters={"label": label})["Volumes"] or []
    found += [Item("volume", v["Name"], v["Name"]) for v in volumes]
    found += [Item("disk", device, str(file)) for device, file in find_disks(client, campaign).items()]
    return found + (_swarm(client, label) if managed else [])


def left_over(client: docker.DockerClient, campaign: str = "") -> list[Item]:
    """Return what `find_ours` does, but the bridge of a swarm that is gone when only the engine thinks that it is used.

    Engine 20.10 was seen to count endpoints on it that no container had, and to refuse to remove it, also after it was
    started again. The next swarm uses it as it is.
    """
    found = find_ours(client, campaign)
    if len(found) != 1 or found[0].name != GATEWAY:
        return found
    api: Any = client.api
    with suppress(NotFound):
        if api.inspect_network(found[0].id)["Containers"]:
            return found
    return []


def _in_swarm(api: Any, label: list[str]) -> list[Item]:
    """Services first: what they want running would come back. Only the harness makes labels that begin with `HOLD`."""
    filters = {"label": label}
    found = [Item("service", s["ID"], s["Spec"]["Name"]) for s in api.services(filters=filters)]
    found += [Item("config", c["ID"], c["Spec"]["Name"]) for c in api.configs(filters=filters)]
    found += [Item("secret", s["ID"], s["Spec"]["Name"]) for s in api.secrets(filters=filters)]
    for node in api.nodes():
        found += [Item("node label", node["ID"], key) for key in held_labels(node)]
    return found


def _swarm(client: docker.DockerClient, label: list[str]) -> list[Item]:
    """The swarm itself, when we made it."""
    has = swarm_labels(client)
    ours = all(has.get(key) == value for key, _, value in (pair.partition("=") for pair in label))
    return [Item("swarm", "swarm", "made by the harness")] if ours else []


def sweep(client: docker.DockerClient, log: Log, campaign: str = "", patience_s: float = 30.0) -> list[str]:
    """Remove what is ours until nothing is found, and return what was removed, in words.

    It looks again after each round, because an engine may still be busy with what a killed Compose asked for. What
    cannot be removed within `patience_s` is still there afterwards: `find_ours` shows it.
    """
    removed: dict[str, None] = {}
    began = time.monotonic()
    while items := find_ours(client, campaign):
        for item in items:
            if item.kind == "swarm" and _inhabited(items) and time.monotonic() - began < LEAVE_ANYWAY_S:
                continue
            if item.name == GATEWAY and any(other.kind == "swarm" for other in items):
                continue  # a swarm that just began does not use it yet, and would make another one, without our label
            if _remove(client, item) and str(item) not in removed:
                removed[str(item)] = None
                log(f"removed {item}")
        if time.monotonic() - began > patience_s:
            break
        time.sleep(0.05)
    return list(removed)


def _inhabited(items: Sequence[Item]) -> bool:
    """Whether there is anything yet that goes before the swarm does; the bridge goes after it."""
    return any(item.kind not in ("swarm", "volume", "disk") and item.name != GATEWAY for item in items)


def unpause(client: docker.DockerClient, items: Sequence[Item]) -> list[str]:
    """Thaw the frozen containers among `items`: the engine refuses to stop those. Returns which, in words."""
    thawed = []
    for item in items:
        if item.kind == "container" and item.state == "paused":
            with suppress(APIError):  # it was thawed or removed in the meantime
                client.api.unpause(item.id)
                thawed.append(f"thawed {item.name}")
    return thawed


def _remove(client: docker.DockerClient, item: Item) -> bool:
    """Whether it is gone. An engine error leaves it to the next round: it may still be in use by what goes first."""
    api: Any = client.api
    unpause(client, [item])
    try:
        match item.kind:
            case "container":
                api.remove_container(item.id, force=True, v=True)
            case "network":
                api.remove_network(item.id)
            case "volume":
                api.remove_volume(item.id, force=True)
            case "disk":
                return remove_disk(item.id, Path(item.name))
            case "service":
                api.remove_service(item.id)
            case "config":
                api.remove_config(item.id)
            case "secret":
                api.remove_secret(item.id)
            case "node label":
                change_labels(api, item.id, {item.name: False})
            case "swarm":
                api.leave_swarm(force=True)
    except NotFound:
        return True
    except (APIError, InstrumentError):
        return False
    return True
