"""What the engine says that happened to containers, and when, to the nanosecond.

`inspect` keeps only the last death and the last start, and the engine remembers 256 events in all, of which a health
check makes three every time it runs: what happened a minute ago is gone. So the events are listened to as they come.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import docker
import requests
import urllib3
from docker.errors import DockerException

from harness.engine import marks

ACTIONS = ("start", "die", "kill", "stop", "pause", "unpause", "oom", "destroy")

LONGEST_GRACE = timedelta(seconds=120)  # between the first signal and the end of a container that is being stopped

Moment = tuple[datetime, str]
"""When (engine time) and what: one of ACTIONS."""


@dataclass(frozen=True)
class Death:
    """The end of a container's main process, as the engine told it."""

    moment: datetime
    exit_code: int
    out_of_memory: bool
    asked: bool = False  # the engine had been told to stop it, with another signal than SIGKILL


class EventWatcher:
    """Collects the events of containers that carry the label `label` ('key=value'), from now until closed."""

    def __init__(self, client: docker.DockerClient, label: str) -> None:
        self._seen: dict[str, list[Moment]] = {}
        self._exit_codes: dict[tuple[str, datetime], int] = {}
        self._signals: dict[tuple[str, datetime], str] = {}
        self._tasks: dict[str, str] = {}
        self._starts = 0
        self._lock = threading.Lock()
        self._lost = ""
        self._closing = False
        filters = {"type": "container", "label": label, "event": list(ACTIONS)}
        self._stream: Any = client.events(decode=True, filters=filters)
        # A daemon: the stream ends when it is closed or the engine goes, and must not keep the harness alive.
        self._thread = threading.Thread(target=self._listen, name="engine-events", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str:
        """Why nothing is heard any more, '' while all is well."""
        return self._lost

    def of(self, container_id: str, since: datetime | None = None) -> list[Moment]:
        """Return the moments of one container in the order they happened, from `since` on."""
        with self._lock:
            moments = list(self._seen.get(container_id, ()))
        return sorted(moment for moment in moments if since is None or moment[0] >= since)

    def deaths(self, container_id: str, since: datetime) -> list[Death]:
        """Return the deaths of one container in the order they happened, from `since` on."""
        moments = self.of(container_id, since)
        killed = [moment for moment, action in moments if action == "oom"]
        stops = [m for m, action in self.of(container_id) if action == "kill" and self._signals.get((container_id, m))]
        return [
            Death(
                moment,
                self._exit_codes.get((container_id, moment), -1),
                any(timedelta(0) <= moment - oom < timedelta(seconds=5) for oom in killed),
                any(timedelta(0) <= moment - stop < LONGEST_GRACE for stop in stops),
            )
            for moment, action in moments
            if action == "die"
        ]

    def starts(self) -> int:
        """Return how many starts of components' containers were heard of so far."""
        with self._lock:
            return self._starts

    def slots(self) -> dict[str, list[str]]:
        """Return the containers that were heard of, by slot of a Swarm service ('stack_service.1'), oldest first."""
        with self._lock:
            tasks = dict(self._tasks)
        found: dict[str, list[str]] = {}
        for container, task in tasks.items():
            found.setdefault(task.rpartition(".")[0], []).append(container)
        return found

    def close(self) -> None:
        """Stop listening. May be called twice."""
        self._closing = True
        with suppress(DockerException, OSError, AttributeError):  # it may be closed already, from either side
            self._stream.close()
        self._thread.join(timeout=2.0)

    def _listen(self) -> None:
        try:
            for event in _events(self._stream):
                self._note(event)
            self._lost = "" if self._closing else "the engine ended its stream of events"
        except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._lost = "" if self._closing else f"the engine's events broke off: {error}"

    def _note(self, event: Mapping[str, Any]) -> None:
        action = str(event.get("Action", ""))
        container = str((event.get("Actor") or {}).get("ID", ""))
        if action in ACTIONS and container:
            moment = from_nanoseconds(int(event["timeNano"]))
            said: Mapping[str, Any] = event["Actor"].get("Attributes", {})
            code, signal, task = (str(said.get(key, "")) for key in ("exitCode", "signal", marks.SWARM_TASK))
            with self._lock:
                if task:
                    self._tasks.setdefault(container, task)
                if signal not in ("", "9", "SIGKILL"):
                    self._signals[container, moment] = signal
                self._starts += action == "start" and bool(said.get(marks.COMPONENT))
                self._seen.setdefault(container, []).append((moment, action))
                if code.isdigit():
                    self._exit_codes[container, moment] = int(code)


def _events(stream: Any) -> Iterator[Mapping[str, Any]]:
    yield from stream


def from_nanoseconds(since_epoch: int) -> datetime:
    """Return a moment given in ns since 1970; Python keeps its microseconds."""
    seconds, rest = divmod(since_epoch, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def from_docker(text: str) -> datetime | None:
    """Return a moment as `inspect` writes it ('2026-11-23T02:07:30.123456789Z'); None for its year 1: 'never'."""
    moment = datetime.fromisoformat(text) if text else None
    return None if moment is None or moment.year <= 1 else moment
