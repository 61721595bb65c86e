"""What the tests of the deployer share: the stranger's project on a real engine, one harness at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from harness.engine.compose import ComposeDeployer
from harness.engine.images import ensure_images
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.engine.stack import Stack
from harness.engine.swarm import SwarmDeployer
from harness.errors import HarnessError
from harness.target import Target

TINY = Path(__file__).resolve().parent.parent / "fixtures" / "tiny"
TINY_SWARM = TINY.with_name("tiny-swarm")
CAMPAIGN = "integration-test"
SECRET = "correct-horse-battery"


@contextmanager
def engine_to_ourselves(client: docker.DockerClient) -> Iterator[None]:
    """Hold the engine's lock, as a harness does. Skips the test when a harness is at work for longer than 60 s."""
    lock = EngineLock(engine_id(client), who="integration tests")
    deadline = time.monotonic() + 60
    while True:
        try:
            lock.acquire()
            break
        except HarnessError as error:
            if time.monotonic() > deadline:
                pytest.skip(str(error))
            time.sleep(1)
    try:
        yield
    finally:
        lock.release()


def build_images(client: docker.DockerClient) -> None:
    """The images of the stranger's project and Toxiproxy; built when they are missing or out of date."""
    ensure_images(client, ["redis", "app", "toxiproxy", "netadmin"], lambda line: None)


def deployer(
    client: docker.DockerClient, folder: Path, env: Mapping[str, str] | None = None, **rest: Any
) -> ComposeDeployer:
    return ComposeDeployer(client, folder, env=_variables(env), **rest)


def swarm_deployer(
    client: docker.DockerClient, folder: Path, env: Mapping[str, str] | None = None, **rest: Any
) -> SwarmDeployer:
    return SwarmDeployer(client, folder, env=_variables(env), **rest)


def _variables(env: Mapping[str, str] | None) -> dict[str, str]:
    return {**os.environ, "TINY_PASSPHRASE": SECRET, **(env or {})}


@contextmanager
def deployed(client: docker.DockerClient, target: Target, folder: Path, **rest: Any) -> Iterator[Stack]:
    """A stack that is up and goes down again."""
    stack = deployer(client, folder, **rest).up(target, CAMPAIGN, lambda line: None)
    try:
        stack.ready(30)
        yield stack
    finally:
        stack.down()


def ask(stack: Stack) -> tuple[int, dict[str, bool]]:
    """What the application says of what it can reach: (status, {'cache': ..., 'sessions': ...})."""
    answer = httpx.get(stack.base_url, timeout=10, trust_env=False)
    return answer.status_code, answer.json()


def eventually(seen: Any, within_s: float = 20.0) -> bool:
    """Whether `seen()` becomes true in time."""
    deadline = time.monotonic() + within_s
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
