"""The app behind a real uvicorn: clients that hang up, and a server that is told to stop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from targets.chat.api import create_app
from targets.chat.service import Parts
from targets.chat.stores.sqlite import SqliteDatabase
from tests.contract.chat.local_servers import free_port
from tests.contract.chat.waiting import eventually
from tests.unit.chat.chat_fakes import FakeCache, FakeLimiter, FakeProvider, FakeStore, World


class Running(World):
    """A world with a real server in front of it."""

    server: uvicorn.Server
    port: int


@asynccontextmanager
async def running(path: Path, provider: FakeProvider, limiter: FakeLimiter | None = None) -> AsyncIterator[Running]:
    store, cache, port = FakeStore(SqliteDatabase(path)), FakeCache(), free_port()
    app = create_app("test", lambda _: Parts(store, cache, provider, limiter), {})
    config = uvicorn.Config(app, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=10)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())

    async def started() -> None:
        assert server.started

    await eventually(started)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        world = Running(client, store, cache, provider, app)
        world.server, world.port = server, port
        yield world
    server.should_exit = True
    await serving


async def send_and_hang_up(world: Running, body: dict[str, object], read_until: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    content = json.dumps(body).encode()
    head = (
        "POST /v1/chat HTTP/1.1\r\nHost: chat\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    if read_until:
        await reader.readuntil(read_until)
    else:
        await world.provider.speaking.wait()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("holds_after", [0, 1], ids=["before-the-first-word", "in-mid-stream"])
async def test_a_client_that_hangs_up_leaves_nothing_and_its_provider_call_ends(
    tmp_path: Path, holds_after: int
) -> None:
    provider = FakeProvider(hold=asyncio.Event(), holds_after=holds_after)
    async with running(tmp_path / "chat.sqlite3", provider) as world:
        read_until = b"event: delta" if holds_after else b""
        await send_and_hang_up(world, {"message": "How are you?", "stream": True}, read_until)
        if holds_after == 0:
            # Until the first word there is no response, and nobody listens for a hang-up: the word decides.
            provider.hold.set()

        async def ended() -> None:
            assert provider.stopped == 1

        await eventually(ended)
        provider.hold = None

        async def answered() -> httpx.Response:
            response = await world.ask(key="k", stream=True)
            assert response.status_code == 200  # not 409: the key was given back
            return response

        response = await eventually(answered)
        assert "event: done" in response.text
        assert await world.stored() == 2


async def test_a_plain_request_is_answered_for_a_retry_even_when_its_client_hangs_up(tmp_path: Path) -> None:
    provider = FakeProvider(hold=asyncio.Event())
    async with running(tmp_path / "chat.sqlite3", provider) as world:
        await send_and_hang_up(world, {"message": "How are you?"}, b"")
        provider.hold.set()

        async def answered() -> httpx.Response:
            response = await world.ask(key="k")
            assert response.status_code == 200
            return response

        assert (await eventually(answered)).headers["idempotent-replayed"] == "true"
        assert len(provider.asked) == 1


async def test_a_server_that_is_told_to_stop_ends_what_it_began(tmp_path: Path) -> None:
    provider = FakeProvider(hold=asyncio.Event(), holds_after=1)
    async with running(tmp_path / "chat.sqlite3", provider) as world:
        asking = asyncio.create_task(world.ask(stream=True))
        await provider.speaking.wait()
        world.server.should_exit = True
        await asyncio.sleep(0.3)  # the server looks ten times a second
        provider.hold.set()
        response = await asking
        assert response.status_code == 200
        assert "event: done" in response.text


async def test_a_refused_request_leaves_its_connection_usable(tmp_path: Path) -> None:
    """The refusal comes before the body was read."""
    async with running(tmp_path / "chat.sqlite3", FakeProvider(), FakeLimiter(burst=1)) as world:
        statuses = [(await world.ask("x" * 7000)).status_code for _ in range(4)]
        assert statuses == [200, 429, 429, 429]
        assert (await world.client.get("/v1/health")).status_code == 200
