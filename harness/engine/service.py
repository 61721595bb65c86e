"""One component under Compose as something that is deployed: its containers, and how a deploy replaces them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.errors import DockerException

from harness.engine.bounded import within
from harness.engine.settle import healthy
from harness.errors import InstrumentError

if TYPE_CHECKING:
    from harness.engine.stack import Unit

GRACE_S = 10
"""Between SIGTERM and SIGKILL where the container says nothing else: Docker's own."""


class ComposeService:
    """Implements `harness.faults.base.ServiceHandle` on the containers of one Compose service."""

    def __init__(self, client: docker.DockerClient, name: str, units: Callable[[], Sequence[Unit]]) -> None:
        self._client = client
        self._name = name
        self._units = units
        self._problems: list[str] = []
        self._at_work: list[threading.Thread] = []

    @property
    def name(self) -> str:
        """Name of the component."""
        return self._name

    def instances(self) -> list[str]:
        """Its running containers, each by its id and its start: Compose restarts the container that is there."""
        states = [(unit.id, unit.container.state()) for unit in self._units()]
        return sorted(f"{key[:12]}@{state.started_at}" for key, state in states if state.status == "running")

    def redeploy(self) -> None:
        """Restart every container with its own grace: that is what a deploy of a container is, and users notice."""
        self._problems.clear()
        self._at_work = [
            threading.Thread(target=self._restart, args=(unit.id,), name=f"redeploy-{self._name}", daemon=True)
            for unit in self._units()
        ]
        for worker in self._at_work:
            worker.start()

    def settled(self) -> bool:
        """Whether all its containers run and are healthy. Raises InstrumentError when one could not be restarted."""
        if any(worker.is_alive() for worker in self._at_work):
            return False
        if self._problems:
            raise InstrumentError(f"{self._name} could not be redeployed: {self._problems[0]}.")
        return all(healthy(unit) for unit in self._units())

    def _restart(self, container: str) -> None:
        api: Any = self._client.api
        try:
            grace = int(api.inspect_container(container)["Config"].get("StopTimeout") or GRACE_S)
            within(grace + 60, lambda: api.restart(container, timeout=grace))
        except (DockerException, requests.RequestException, TimeoutError) as error:
            self._problems.append(str(error))
