"""The door's client against a unix socket: what the engine's answers become."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fake_stack import FakeEngine, serving

from targets.parts.engine_door.engine import Engine, EngineError, OutOfSequence


@pytest.fixture
def behind() -> FakeEngine:
    return FakeEngine(**{"app-a": 2, "app-a-canary": 1})


@pytest.fixture
async def engine(behind: FakeEngine, tmp_path: Path) -> AsyncIterator[Engine]:
    async with serving(behind.app, tmp_path / "engine.sock"):
        engine = Engine(str(tmp_path / "engine.sock"))
        yield engine
        await engine.close()


async def test_names_are_taken_whole(engine: Engine) -> None:
    """The engine's own filter would let st_app-a-canary in with st_app-a."""
    assert [service["Spec"]["Name"] for service in await engine.services(["st_app-a"])] == ["st_app-a"]
    assert await engine.services(["st_nothing"]) == []


async def test_a_stale_version_is_told_from_other_errors(engine: Engine, behind: FakeEngine) -> None:
    with pytest.raises(OutOfSequence):
        await engine.update("idapp-a", 9, {})
    behind.broken = True
    with pytest.raises(EngineError, match=r"503.*not a swarm manager") as caught:
        await engine.services(["st_app-a"])
    assert not isinstance(caught.value, OutOfSequence)


async def test_no_socket_is_an_engine_error(tmp_path: Path) -> None:
    engine = Engine(str(tmp_path / "nothing.sock"))
    with pytest.raises(EngineError, match="does not answer"):
        await engine.services(["st_app-a"])
    await engine.close()
