"""What both deployers share: variables, ports, waiting, and what becomes of a stack that does not come up."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import DockerException

from harness.engine import marks
from harness.engine.cli import ComposeCli, Started, secrets
from harness.engine.host import compose_command
from harness.engine.ports import free_ports
from harness.engine.settle import answers, ended_well, healthy, until
from harness.engine.stack import Stack, Unit
from harness.engine.sweep import Log
from harness.engine.weave import TOXIPROXY_IMAGE
from harness.errors import HarnessError, InstrumentError
from harness.interruption import shielded
from harness.places import PLACES
from harness.target import Target

START_S = 120.0
"""How long a stack may take from `compose up` until every health check passes; a first PostgreSQL needs 10 s here."""

STEADY_S = 1.0
"""How long a container without a health check must be seen running: one that cannot start dies sooner."""

LOGS = "logs"
"""The folder, beside the woven files, for what the services of a stack said that did not come up."""

T = TypeVar("T")

PORT_TRIES = 3
_PORT_TAKEN = ("port is already allocated", "address already in use", "ports are not available")


class PortTaken(InstrumentError):
    """Somebody took a port between its choice and its use: worth another try with others."""


def is_port_taken(said: str) -> bool:
    """Whether Compose complains of a port that somebody else has."""
    return any(words in said for words in _PORT_TAKEN)


class Deployer:
    """What both deployers share. Deploys onto one engine. `folder` takes the woven file.

    `env` is the environment that Compose interpolates from, `env_file` the user's .env, when there is one; `started`
    is told about each child process. `about_to_make` is called before a swarm is made.
    """

    default_start_s = START_S

    def __init__(
        self,
        client: docker.DockerClient,
        folder: Path,
        *,
        env: Mapping[str, str] = os.environ,
        env_file: Path | None = None,
        command: Sequence[str] | None = None,
        started: Started = lambda what, pid: None,
        about_to_make: Callable[[], None] = lambda: None,
        toxiproxy_image: str = TOXIPROXY_IMAGE,
        start_s: float | None = None,
        ports: Callable[[], Any] = free_ports,
        places: Sequence[str] = tuple(PLACES),
    ) -> None:
        self._client = client
        self._folder = folder
        self._env = env
        self._env_file = env_file
        self._command = command or compose_command()
        self._started = started
        self._about_to_make = about_to_make
        self._toxiproxy_image = toxiproxy_image
        self._start_s = self.default_start_s if start_s is None else start_s
        self._ports = ports
        self._places = places

    def or_take_down(self, stack: Stack, work: Callable[[], object], log: Log) -> None:
        """Do what brings the stack up. Where that fails nothing of it is left but what its services said.

        Raises what `work` raises; the message of an InstrumentError names the folder of the logs.
        """
        try:
            work()
        except BaseException as error:
            kept = ""
            with shielded():  # a second Ctrl-C must not leave half a stack behind
                if isinstance(error, InstrumentError) and not isinstance(error, PortTaken):
                    kept = self._keep_logs(stack, log)
                stack.down(log)
            if kept and isinstance(error, InstrumentError):
                raise InstrumentError(f"{error.problem}\n{kept}", error.remedy) from error
            raise

    def _keep_logs(self, stack: Stack, log: Log) -> str:
        """Return in words where they are; '' when there are none."""
        folder = self._folder / LOGS
        try:
            stack.attach()
            stack.logs(folder)
        except (OSError, HarnessError, DockerException) as error:  # why it did not come up says more
            log(f"The logs of {stack.project} could not be kept: {error}")
            return ""
        return f"The logs of all its services are in {folder}." if any(folder.iterdir()) else ""

    def _cli(self, target: Target) -> ComposeCli:
        """Named on the command line, the first env file replaces Compose's own default; a later one wins."""
        candidates = [target.folder / ".env", self._env_file]
        files = [file for file in candidates if file is not None and file.is_file()]
        return ComposeCli(self._command, self._env, files, self._started)

    def _blotted(self, target: Target, variables: Mapping[str, str]) -> list[str]:
        return secrets(variables, [x.external.when_env for x in target.links if x.external])

    def _with_free_ports(self, attempt: Callable[[], T], log: Log) -> T:
        """Try again with other ports when somebody took one in the meantime."""
        for left in reversed(range(PORT_TRIES)):
            try:
                return attempt()
            except PortTaken as error:
                if not left:
                    raise
                log(f"{error} Trying other ports.")
        raise AssertionError("unreachable: the last try returns or raises")

    def _refuse_strangers(self, project: str) -> None:
        """Somebody else's project of that name would be taken over by Compose, and then taken down."""
        api: Any = self._client.api
        for found in api.containers(all=True, filters={"label": f"{marks.PROJECT}={project}"}):
            if (found["Labels"] or {}).get(marks.OWNER) != marks.OURS:
                name = found["Names"][0].lstrip("/")
                raise InstrumentError(
                    f"The Compose project '{project}' exists and is not ours ({name}).", "Take it down, or rename it."
                )

    def _wait_for_containers(self, stack: Stack, deadline: float) -> None:
        steady = _Steady()
        missing = list(stack.fixed_units)

        def all_up() -> bool:
            # Every container is looked at in each round, so that their times run together.
            missing[:] = [unit for unit in stack.fixed_units if not steady.is_up(unit)]
            return not missing

        if until(all_up, deadline):
            return
        unit = missing[0]
        state, health = unit.container.state(), unit.container.health()
        raise InstrumentError(
            f"{unit.container.name} did not come up within {self._start_s:g} s: it is {state.status} "
            f"(exit code {state.exit_code}, health {health}).\n{stack.tail(unit.service)}"
        )

    def _verify_links(self, stack: Stack, deadline: float) -> None:
        """The proxies stand as woven, and behind each of them somebody speaks the protocol that target.toml names."""
        for plan in stack.weaving.proxies:
            stored = stack.servers[plan.server].proxy(plan.link)
            if stored.upstream != plan.upstream or not stored.enabled:
                raise InstrumentError(
                    f"Toxiproxy has '{plan.link}' as {stored}, and it should lead to {plan.upstream}."
                )
            link = stack.links[plan.link]
            if not until(partial(answers, link), deadline):
                raise InstrumentError(
                    f"The link '{plan.link}' does not answer through Toxiproxy: {link.probe().outcome}.",
                    f"See whether {plan.host} speaks {plan.protocol} on port {plan.listen}.",
                )


class _Steady:
    """Tells a container that runs from one that dies and is restarted over and over, and runs whenever one looks."""

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, int, datetime | None], float] = {}

    def is_up(self, unit: Unit) -> bool:
        """Whether it is healthy; without a health check, whether it has been the same process for STEADY_S."""
        if not healthy(unit):
            return False
        if ended_well(unit) or unit.container.health() != "none":
            return True
        state = unit.container.state()
        if state.status != "running":  # it died since `healthy` looked; a process that is not there cannot be steady
            return False
        now = time.monotonic()
        return now - self._first_seen.setdefault((unit.id, state.pid, state.started_at), now) >= STEADY_S


def resolve(host: str) -> str:
    """Return an address of a real service, IPv4 where it has one: containers seldom have IPv6."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise HarnessError(
            f"The real service {host} has no address here: {error}.",
            "Check the network, or empty the variable that asks for the real service.",
        ) from None
    addresses = [str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0] != socket.AF_INET)]
    return f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
