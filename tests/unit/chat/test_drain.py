"""From the signal to the stop: not ready any more, but still there."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from targets.chat import serve
from targets.chat.serve import DrainingServer
from tests.unit.chat.chat_fakes import World


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(serve, "time", clock)
    yield clock


def server(drain_s: float) -> DrainingServer:
    app = FastAPI()
    app.state.draining = False
    server = DrainingServer(uvicorn.Config(app, log_config=None), app, drain_s)
    server.started = True
    return server


async def test_while_it_drains_it_serves_but_is_not_ready(chat: World) -> None:
    chat.app.state.draining = True
    ready = await chat.client.get("/v1/ready")
    assert (ready.status_code, ready.json()) == (503, {"status": "draining", "dependencies": {}})
    assert (await chat.client.get("/v1/health")).status_code == 200
    assert (await chat.ask()).status_code == 200


async def test_the_first_sigterm_drains_and_time_stops(clock: Clock) -> None:
    draining = server(3)
    draining.handle_exit(signal.SIGTERM, None)
    assert draining._app.state.draining
    clock.now += 2.9
    assert await draining.on_tick(1) is False
    clock.now += 0.2
    assert await draining.on_tick(1) is True


async def test_a_second_sigterm_does_not_wait(clock: Clock) -> None:
    draining = server(3)
    draining.handle_exit(signal.SIGTERM, None)
    draining.handle_exit(signal.SIGTERM, None)
    assert await draining.on_tick(1) is True


@pytest.mark.parametrize(("drain_s", "sig"), [(0.0, signal.SIGTERM), (3.0, signal.SIGINT)])
async def test_without_a_drain_or_at_a_terminal_it_stops_at_once(drain_s: float, sig: int) -> None:
    stopping = server(drain_s)
    stopping.handle_exit(sig, None)
    assert await stopping.on_tick(1) is True
    assert not stopping._app.state.draining


def test_a_wrong_command_says_how() -> None:
    with pytest.raises(SystemExit, match="usage: "):
        serve.main([])
