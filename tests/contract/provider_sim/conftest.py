from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.simulator import Simulator, running_simulator


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The simulator as if freshly started."""
    assert shared_simulator.control("POST", "reset").status_code == 200
    return shared_simulator


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["plain", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)
