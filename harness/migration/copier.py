"""Rounds of the copy: `python -m targets.chat.migrate` in a container of the app's image, on the engine's loopback.

Both databases are reached by the proxies that the harness has put on every link and published on 127.0.0.1: so the two
versions need no common network, where `database-a` would be both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import docker
import requests
from docker.errors import DockerException

from harness.engine import marks
from harness.engine.proxies import ProxyPlan
from harness.errors import HarnessError, InstrumentError
from harness.target import Target

IMAGE = "testbed/app"
STORES = ("DATABASE_", "MONGODB_")
"""How those settings of the app begin that say where it stores."""

ROUND_S = 300.0
STORE_AWAY = 1
"""Exit code of a round that may be begun anew."""


class CopyFailed(HarnessError):
    """A round did not come to its end: users stay where they are."""


@dataclass(frozen=True)
class Round:
    """What a round says of itself, with `seconds` of copying alone. `new` counts turns that were not there before."""

    next_since: str
    conversations: int
    turns: int
    new: int
    seconds: float


class Copier(Protocol):
    """Carries out rounds."""

    def copy(self, since: str | None) -> Round:
        """Carry out one round, of everything or of what was stored `since`. Raises CopyFailed."""


class ContainerCopier:
    """Implements `Copier`. `settings` are the environment of a round."""

    def __init__(self, client: docker.DockerClient, settings: Mapping[str, str], campaign: str) -> None:
        self._client = client
        self._settings = dict(settings)
        self._campaign = campaign

    def copy(self, since: str | None) -> Round:
        """Carry out one round; begin it anew once where a store was away. Raises CopyFailed, InstrumentError."""
        code, out, said = self._run(since)
        if code == STORE_AWAY:
            code, out, said = self._run(since)
        if code != 0:
            raise CopyFailed(f"The copy ended with {code}: {last_line(said) or 'without a word'}.")
        try:
            return Round(**json.loads(last_line(out)))
        except (ValueError, TypeError) as error:
            raise InstrumentError(f"The copy does not say what it did: {error}.") from error

    def _run(self, since: str | None) -> tuple[int, str, str]:
        container: Any = None
        try:
            container = self._client.containers.create(
                IMAGE,
                entrypoint=["python3", "-m", "targets.chat.migrate"],
                command=[] if since is None else ["--since", since],
                environment=self._settings,
                network_mode="host",
                init=True,
                labels=marks.labels(self._campaign, "copier"),
            )
            container.start()
            code = int(container.wait(timeout=ROUND_S)["StatusCode"])
            out, said = (container.logs(stdout=k == 0, stderr=k == 1).decode(errors="replace") for k in range(2))
        except (DockerException, requests.RequestException) as error:
            raise InstrumentError(f"A round of the copy could not be carried out: {error}.") from error
        finally:
            if container is not None:
                container.remove(force=True)
        return code, out, said


def store_settings(target: Target, rendered: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that say where `target`'s app stores; `rendered` is its Compose file, variables put in.

    Raises HarnessError where there are none.
    """
    apps = target.find(role="app")
    given: Mapping[str, Any] = rendered["services"][apps[0].name].get("environment") or {}
    found = {name: str(value) for name, value in given.items() if name.startswith(STORES)}
    if not found:
        problem = f"{target.phase}: its app has no settings that begin with {' or '.join(STORES)}."
        raise HarnessError(problem, "Only versions of the chat can be migrated.")
    return found


def refuse_source(phase: str, settings: Mapping[str, str]) -> None:
    """Raise HarnessError for a version that cannot be left, before anything is started."""
    if "DATABASE_URL" not in settings:
        problem = f"{phase} stores documents, and its store cannot say what has changed: nobody can be moved from it."
        raise HarnessError(problem, "Move from a version with a DATABASE_URL; docs/migration.md has a table.")


def through(settings: Mapping[str, str], proxies: Sequence[ProxyPlan], prefix: str) -> dict[str, str]:
    """Return the settings, each name after `prefix`, with the addresses of links replaced by those on 127.0.0.1."""
    found = {}
    for name, given in settings.items():
        value = given
        for proxy in proxies:
            value = value.replace(f"{proxy.host}:{proxy.listen}", f"127.0.0.1:{proxy.host_port}")
        found[prefix + name] = value
    return found


def last_line(text: str) -> str:
    """Return the last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "").strip().rstrip(".")
