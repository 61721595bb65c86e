"""Brings a target up under Docker Compose, woven, and hands out the running stack."""

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

from harness.engine import marks
from harness.engine.cli import ComposeCli, Started, last_lines, secrets
from harness.engine.host import compose_command
from harness.engine.ports import free_ports
from harness.engine.project import Project
from harness.engine.settle import answers, ended_well, healthy, until
from harness.engine.stack import Stack, Unit
from harness.engine.sweep import Log
from harness.engine.weave import TOXIPROXY_IMAGE, Weaving, weave
from harness.errors import HarnessError, InstrumentError
from harness.interruption import shielded
from harness.places import PLACES
from harness.target import Target

START_S = 120.0
"""How long a stack may take from `compose up` until every health check passes; a first PostgreSQL needs 10 s here."""

STEADY_S = 1.0
"""How long a container without a health check must be seen running: one that cannot start dies sooner."""

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

    def _cli(self, target: Target, **more: str) -> ComposeCli:
        """Named on the command line, the first env file replaces Compose's own default; a later one wins.

        `more` are variables that the harness sets.
        """
        candidates = [target.folder / ".env", self._env_file]
        files = [file for file in candidates if file is not None and file.is_file()]
        return ComposeCli(self._command, {**self._env, **more}, files, self._started)

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


class ComposeDeployer(Deployer):
    """Deploys with Docker Compose."""

    def up(self, target: Target, campaign: str, log: Log) -> Stack:
        """Weave, start, and wait until every container is healthy and every link answers through its Toxiproxy.

        Raises ConfigError for a project that cannot be woven, InstrumentError when it does not come up: nothing of
        it is left then.
        """
        plain_file = target.folder / target.compose
        cli = self._cli(target)
        plain = cli.project(plain_file)
        variables = cli.variables(plain_file)
        self._refuse_strangers(marks.project_name(target.phase))

        def attempt() -> Stack:
            weaving = self._weave(target, plain, variables, campaign)
            woven_file = self._folder / "woven.yml"
            woven_file.parent.mkdir(parents=True, exist_ok=True)
            woven_file.write_text(weaving.yaml(), encoding="utf-8")
            files, blotted = [plain_file, woven_file], self._blotted(target, variables)
            stack = Stack(self._client, target, weaving, campaign, cli=cli, files=files, blotted=blotted)
            try:
                self._start(stack, cli, files)
            except BaseException:
                take_down(stack, log)
                raise
            return stack

        return self._with_free_ports(attempt, log)

    def _weave(self, target: Target, plain: Project, variables: Mapping[str, str], campaign: str) -> Weaving:
        return weave(
            target,
            plain,
            ports=self._ports(),
            env=variables,
            campaign=campaign,
            resolve=resolve,
            places=self._places,
            toxiproxy_image=self._toxiproxy_image,
        )

    def _start(self, stack: Stack, cli: ComposeCli, files: Sequence[Path]) -> None:
        deadline = time.monotonic() + self._start_s
        done = cli.up(stack.project, files, timeout_s=self._start_s)
        stack.attach()
        if done.returncode != 0:
            said = last_lines(done.stderr, 2)
            if is_port_taken(done.stderr):
                raise PortTaken(f"A port that was free a moment ago is not: {said}.")
            tails = [stack.tail(unit.service) for unit in stack.fixed_units if not healthy(unit)]
            raise InstrumentError("\n".join([f"{stack.target.title} did not come up: {said}.", *tails]))
        self._wait_for_containers(stack, deadline)
        self._verify_links(stack, deadline)


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


def take_down(stack: Stack, log: Log) -> None:
    """A second Ctrl-C must not leave half a stack behind."""
    with shielded():
        stack.down(log)


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
