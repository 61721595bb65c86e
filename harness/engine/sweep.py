"""Finds what the harness made on an engine, by its label, and removes it. What does not carry the label is not ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import docker
from docker.errors import APIError, NotFound

from harness.engine import marks

Log = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """A container, network or volume of ours. `state` is Docker's word for a container ('paused'), else ''."""

    kind: Literal["container", "network", "volume"]
    id: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" ({self.state})" if self.state else "")


def find_ours(client: docker.DockerClient, campaign: str = "") -> list[Item]:
    """Return what carries our label, of one campaign or of all: containers first, as they must go first."""
    label = [f"{marks.OWNER}={marks.OURS}"] + ([f"{marks.CAMPAIGN}={campaign}"] if campaign else [])
    api: Any = client.api
    found = [
        Item("container", c["Id"], c["Names"][0].lstrip("/") if c["Names"] else c["Id"][:12], c["State"])
        for c in api.containers(all=True, filters={"label": label})
    ]
    found += [Item("network", n["Id"], n["Name"]) for n in api.networks(filters={"label": label})]
    volumes = api.volumes(filters={"label": label})["Volumes"] or []
    return found + [Item("volume", v["Name"], v["Name"]) for v in volumes]


def sweep(client: docker.DockerClient, log: Log, campaign: str = "", patience_s: float = 30.0) -> list[str]:
    """Remove what is ours until nothing is found, and return what was removed, in words.

    It looks again after each round, because an engine may still be busy with what a killed Compose asked for. What
    cannot be removed within `patience_s` is still there afterwards: `find_ours` shows it.
    """
    removed: dict[str, None] = {}
    deadline = time.monotonic() + patience_s
    while items := find_ours(client, campaign):
        for item in items:
            if _remove(client, item) and str(item) not in removed:
                removed[str(item)] = None
                log(f"removed {item}")
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return list(removed)


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
        if item.kind == "container":
            api.remove_container(item.id, force=True, v=True)
        elif item.kind == "network":
            api.remove_network(item.id)
        else:
            api.remove_volume(item.id, force=True)
    except NotFound:
        return True
    except APIError:
        return False
    return True
