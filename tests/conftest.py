"""Shared by all tests: is there an engine, and if not, why are engine tests skipped."""

import functools

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an engine, with the reason, where there is none."""
    for item in items:
        if item.get_closest_marker("engine") and (reason := engine_missing_because()):
            item.add_marker(pytest.mark.skip(reason=reason))
