"""Shared by all tests: is there an engine, and if not, why are engine tests skipped."""

import functools
import subprocess
import sys

import docker
import pytest


@functools.cache
def engine_missing_because() -> str:
    """'' when a Docker engine answers, otherwise the reason in one line."""
    try:
        client = docker.from_env(timeout=10)
        client.ping()
        client.close()
    except docker.errors.DockerException as error:
        return f"no Docker engine answers: {str(error).splitlines()[0][:150]}"
    return ""


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_a_killed_run(request: pytest.FixtureRequest) -> None:
    """Undo what tests (or an experiment) that were killed before these have left on the engine: none could pass.

    Somebody who is at it right now holds the lock, and is told by the test that meets them.
    """
    if any(item.get_closest_marker("engine") for item in request.session.items) and not engine_missing_because():
        subprocess.run([sys.executable, "-m", "harness", "recover"], check=False, timeout=300)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an engine, with the reason, where there is none."""
    for item in items:
        if item.get_closest_marker("engine") and (reason := engine_missing_because()):
            item.add_marker(pytest.mark.skip(reason=reason))
