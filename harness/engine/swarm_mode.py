"""Is this engine part of a swarm, and whose? One that is there is used; one that we make is dissolved again.

A swarm of ours never listens to an outside address, and is known by its labels from its first moment on. So is
`docker_gwbridge`, the bridge that every swarm needs and that stays behind when one is left: we make it first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import docker
from docker.errors import APIError

from harness.engine import marks
from harness.errors import InstrumentError
from harness.interruption import shielded

GATEWAY = "docker_gwbridge"
HISTORY = 30
"""How many dead tasks of each slot a swarm of ours keeps, and with them their logs (Swarm's own: 5)."""

_INSIDE = "127.0.0.1"
_GATEWAY_OPTIONS = {
    "com.docker.network.bridge.name": GATEWAY,
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "true",
}  # as https://docs.docker.com/engine/swarm/networking/ has it


def is_manager(client: docker.DockerClient) -> bool:
    """Whether this engine can be asked about services and nodes."""
    return bool((client.info().get("Swarm") or {}).get("ControlAvailable"))


def ensure_swarm(client: docker.DockerClient, campaign: str, about_to_make: Callable[[], None]) -> str:
    """Make sure that this engine manages a swarm, and return the id of its node.

    `about_to_make` is called before a swarm is made. Raises InstrumentError when this engine cannot manage one.
    """
    swarm = client.info().get("Swarm") or {}
    state = str(swarm.get("LocalNodeState") or "inactive")
    if state not in ("active", "inactive"):
        raise InstrumentError(f"The swarm of this engine is {state}.", "Unlock or leave it (`docker swarm leave`).")
    if state == "active" and not swarm.get("ControlAvailable"):
        raise InstrumentError("This engine is a worker of a swarm and cannot deploy.", "Use one that manages it.")
    if state == "inactive":
        with shielded():  # what is put in order while the engine is at it would miss the swarm
            about_to_make()
            _make(client, campaign)
    return str(client.info()["Swarm"]["NodeID"])


def swarm_labels(client: docker.DockerClient) -> dict[str, str]:
    """Return the labels of the swarm that this engine manages."""
    api: Any = client.api
    labels: dict[str, str] = api.inspect_swarm()["Spec"].get("Labels") or {}
    return labels


def users_of_swarm(client: docker.DockerClient) -> list[str]:
    """Return, in words, what is in the swarm that this engine manages: services and what they use, other nodes."""
    api: Any = client.api
    found = [f"service {item['Spec']['Name']}" for item in api.services()]
    found += [f"config {item['Spec']['Name']}" for item in api.configs()]
    found += [f"secret {item['Spec']['Name']}" for item in api.secrets()]
    found += [
        f"network {item['Name']}" for item in api.networks() if item["Scope"] == "swarm" and not item.get("Ingress")
    ]
    return found + ["another node"] * (len(api.nodes()) - 1)


def _make(client: docker.DockerClient, campaign: str) -> None:
    api: Any = client.api
    mark = marks.labels(campaign)
    try:
        if not api.networks(names=[GATEWAY]):
            api.create_network(GATEWAY, driver="bridge", options=_GATEWAY_OPTIONS, labels=mark)
        spec = api.create_swarm_spec(labels=mark, task_history_retention_limit=HISTORY)
        api.init_swarm(advertise_addr=_INSIDE, listen_addr=f"{_INSIDE}:2377", swarm_spec=spec)
    except APIError as error:
        raise InstrumentError(
            f"No swarm can be made on this engine: {error.explanation or error}.",
            "See whether port 2377 is taken, or make one by hand (`docker swarm init`).",
        ) from None
