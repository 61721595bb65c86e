"""Reads what the containers of a stack have used: from their control groups, else from the engine's statistics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import docker
import requests
from docker.errors import DockerException

from harness.cost import PROXIES, Meter
from harness.engine.cpu import CGROUPS, PROC, Group, find_group
from harness.engine.host import twin
from harness.errors import InstrumentError
from harness.target import Component

HERE_EVERY_S = 1.0
ELSEWHERE_EVERY_S = 5.0
"""How often the engine is asked where this machine does not have the control groups: each answer costs it up to 1 s."""

ASKING_S = 4.0
"""How long one look may go on asking it; the others have their turn at the next."""


class Source(Protocol):
    """A container of a service."""

    @property
    def service(self) -> str:
        """The name of the service."""
        ...

    @property
    def id(self) -> str:
        """The engine's id of the container."""
        ...


class Metered(Protocol):
    """The side of a stack that is asked: which containers it has, whether there are new ones, and what they are for."""

    @property
    def servers(self) -> Mapping[str, Any]:
        """The Toxiproxies, by the names of their services."""
        ...

    def log_sources(self) -> Sequence[Source]:
        """Every container, also those that have ended."""
        ...

    def starts(self) -> int:
        """Another number than before when a container has started since."""
        ...

    def part(self, service: str) -> Component:
        """What target.toml says of a service."""
        ...


@dataclass
class _Known:
    service: str
    group: Group | None = None  # None: it does not run, or this machine does not have it
    runs: bool = False


class StackMeters:
    """Implements `harness.cost.Meters`. The engine is asked for containers only when one has started since."""

    def __init__(self, client: docker.DockerClient, stack: Metered) -> None:
        self._client = twin(client)  # it is read on a thread of its own
        self._shared = self._client is client
        self._api: Any = self._client.api
        self._stack = stack
        self._known: dict[str, _Known] = {}
        self._starts = -1
        self._turn = 0
        self.every_s = HERE_EVERY_S
        self._look_for_new()
        if any(one.runs and one.group is None for one in self._known.values()):
            self.every_s = ELSEWHERE_EVERY_S

    def roles(self) -> Mapping[str, str]:
        """The role of each component that runs now."""
        services = dict.fromkeys(one.service for one in self._known.values() if one.service not in self._stack.servers)
        return {service: self._stack.part(service).role for service in services}

    def read(self) -> Sequence[Meter]:
        """Read all meters; whatever has ended, or is not told, is left out."""
        self._look_for_new()
        here = [self._meter(key, one, one.group.cpu_ns(), one.group.memory_bytes()) for key, one in self._groups()]
        return [meter for meter in here if meter.cpu_s is not None] + list(self._asked())

    def close(self) -> None:
        """Close the connection to the engine."""
        if not self._shared:
            self._client.close()

    def _groups(self) -> Iterator[tuple[str, Any]]:
        yield from ((key, one) for key, one in self._known.items() if one.group is not None)

    def _meter(self, key: str, one: _Known, cpu_ns: int | None, memory: int | None) -> Meter:
        ours = one.service in self._stack.servers
        cpu_s = None if cpu_ns is None else cpu_ns / 1e9
        return Meter(key, PROXIES if ours else one.service, cpu_s, memory, ours)

    def _look_for_new(self) -> None:
        starts = self._stack.starts()
        if starts == self._starts:
            return
        try:
            for source in self._stack.log_sources():
                one = self._known.setdefault(source.id, _Known(source.service))
                if one.group is None:
                    self._inspect(source.id, one)
        except (DockerException, requests.RequestException, InstrumentError):
            return  # at the next look, perhaps
        self._starts = starts

    def _inspect(self, container: str, one: _Known) -> None:
        try:
            state = self._api.inspect_container(container)["State"]
        except docker.errors.NotFound:
            one.runs = False
            return
        one.runs = bool(state["Running"])
        one.group = find_group(int(state["Pid"]), container, PROC, CGROUPS) if one.runs else None

    def _asked(self) -> Iterator[Meter]:
        """Ask the engine about those that this machine does not have, in turn, as many as there is time for."""
        far = [(key, one) for key, one in self._known.items() if one.runs and one.group is None]
        give_up = time.monotonic() + ASKING_S
        for number in range(len(far)):
            if time.monotonic() > give_up:
                self._turn += number
                return
            key, one = far[(self._turn + number) % len(far)]
            try:
                said = self._api.stats(key, stream=False, one_shot=True)
                cpu_ns = int(said["cpu_stats"]["cpu_usage"]["total_usage"])
            except (DockerException, requests.RequestException, LookupError, TypeError):
                continue  # it has ended, or the engine does not count
            if cpu_ns:
                yield self._meter(key, one, cpu_ns, _memory(said.get("memory_stats") or {}))


def _memory(said: Mapping[str, Any]) -> int | None:
    """As the engine's own command line reckons it: without the file cache that is not in use."""
    if "usage" not in said:
        return None
    stats: Mapping[str, Any] = said.get("stats") or {}
    return max(0, int(said["usage"]) - int(stats.get("total_inactive_file", stats.get("inactive_file", 0))))
