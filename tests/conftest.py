"""Shared by all tests: is there an engine, and if not, why are engine tests skipped; and who runs beside whom."""

import functools
import os
from contextlib import suppress

import docker
import pytest

BESIDE = 10
"""Niceness of the tests that run beside those on the engine, which have to do with seconds."""


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


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an engine, with the reason, where there is none; and queue what does on one worker.

    There is one engine, and its tests mostly wait for it: with `-n 2 --dist loadgroup` one worker has all of them, from
    the beginning, and the other one everything else.
    """
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.xdist_group("engine"))
            if reason := engine_missing_because():
                item.add_marker(pytest.mark.skip(reason=reason))
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Step back for the tests on the engine."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with suppress(PermissionError):  # only root may step forward again
            os.setpriority(os.PRIO_PROCESS, 0, 0 if item.get_closest_marker("engine") else BESIDE)
