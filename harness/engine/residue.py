"""Is the engine as it was? What is ours and should not be there, before a campaign (dirty) and after it (residue)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from harness.engine import marks
from harness.engine.journal import read_journal
from harness.engine.sweep import Item, left_over


@dataclass(frozen=True)
class Snapshot:
    """What was there at one moment: everything of ours, and the names of all containers that were frozen."""

    ours: frozenset[Item]
    frozen: Mapping[str, str]  # container id -> name
    all_containers: frozenset[str]


def snapshot(client: docker.DockerClient) -> Snapshot:
    """Look at the engine."""
    api: Any = client.api
    containers = api.containers(all=True)
    frozen = {c["Id"]: c["Names"][0].lstrip("/") for c in containers if c["State"] == "paused"}
    return Snapshot(frozenset(left_over(client)), frozen, frozenset(c["Id"] for c in containers))


def residue(before: Snapshot, after: Snapshot) -> list[str]:
    """Return, in words, what a campaign left behind; empty when nothing.

    Containers of other people come and go while a campaign runs: of those only a frozen one that was not frozen
    counts, because that is something a fault does.
    """
    known = {(item.kind, item.id) for item in before.ours}
    left = sorted(str(item) for item in after.ours if (item.kind, item.id) not in known)
    ours = {item.id for item in after.ours}
    for container, name in sorted(after.frozen.items(), key=lambda pair: pair[1]):
        if container in before.all_containers and container not in before.frozen and container not in ours:
            left.append(f"container {name} is frozen and was not")
    return left


def dirty(client: docker.DockerClient, state: Path | None = None) -> list[str]:
    """Return, in words, why a campaign should not start here: leftovers of ours, a journal without an end.

    Ask while holding the engine's lock, or a campaign that is at work will be taken for a leftover.
    """
    found = [str(item) for item in left_over(client)]
    journal = read_journal(state or marks.state_folder(marks.engine_id(client)))
    return ([f"{journal.sentence()}."] if journal.unfinished else []) + found
