"""How the harness marks what is its own on an engine, and where it keeps state about that engine."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import docker

OWNER = "testbed.owner"
CAMPAIGN = "testbed.campaign"
COMPONENT = "testbed.component"
OURS = "harness"
"""The value of the label OWNER. Only what carries it is ever removed."""
USERS = "user"
"""Its value on what `harness run` started: only `harness down` removes that, no campaign and no `recover`."""
RUN = "run:"
"""How the label CAMPAIGN begins on such things. The name of a campaign begins with a phase, which has no colon."""

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"

SWARM_SERVICE = "com.docker.swarm.service.name"
SWARM_TASK = "com.docker.swarm.task.name"
STACK = "com.docker.stack.namespace"

HOLD = "testbed-hold-"
"""How the labels begin that keep a service from being placed on a node. No label of a node is ours but these."""


def labels(campaign: str, component: str = "") -> dict[str, str]:
    """Return the labels of one object of a campaign; networks and volumes belong to no component."""
    marks = {OWNER: owner(campaign), CAMPAIGN: campaign}
    return {**marks, COMPONENT: component} if component else marks


def owner(campaign: str) -> str:
    """Return the value of the label OWNER on what belongs to a campaign."""
    return USERS if campaign.startswith(RUN) else OURS


def hold_label(service: str) -> str:
    """Return the label of a node that keeps `service` (its name in the plain file) away from it."""
    return HOLD + re.sub(r"[^a-z0-9_-]+", "-", service.lower())


def project_name(phase: str) -> str:
    """Return the Compose project of a phase under test: 'v1' -> 'testbed-v1', in the letters Compose allows."""
    return "testbed-" + re.sub(r"[^a-z0-9_-]+", "-", phase.lower()).strip("-")


def engine_id(client: docker.DockerClient) -> str:
    """Return the engine's own ID in letters that a file name can hold; the same from whichever user asks."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", str(client.info().get("ID") or client.info().get("Name") or "engine"))


def state_folder(engine: str, env: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that outlives runs, after the XDG base directory specification; it may not exist yet."""
    base = env.get("XDG_STATE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "testbed" / engine
