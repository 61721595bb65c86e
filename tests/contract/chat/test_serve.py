"""The runner as a process of its own: what a SIGTERM does to readiness, requests and streams."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.contract.chat.local_servers import free_port
from tests.contract.chat.waiting import eventually

REPOSITORY = Path(__file__).parents[3]


@asynccontextmanager
async def served(tmp_path: Path, **env: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    port = free_port()
    environment = {
        **os.environ,
        "SERVE_HOST": "127.0.0.1",
        "SERVE_PORT": str(port),
        "CHAT_MODE": "dev",
        "CHAT_SQLITE_PATH": str(tmp_path / "chat.sqlite3"),
        "CHAT_SIMULATED_TOKEN_S": "0.1",
        **env,
    }
    argv = (sys.executable, "-m", "targets.chat.serve", "tests.contract.chat.served_app:app")
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*argv, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:

        async def ready() -> None:
            assert process.returncode is None, (tmp_path / "log").read_text()
            assert await readiness(client) == 200

        try:
            await eventually(ready)
            yield process, client
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def readiness(client: httpx.AsyncClient) -> int:
    """The status of /v1/ready on a connection of its own; 0 when nobody listens."""
    async with httpx.AsyncClient(base_url=client.base_url, trust_env=False, timeout=5) as fresh:
        try:
            return (await fresh.get("/v1/ready")).status_code
        except httpx.TransportError:
            return 0


async def test_it_says_so_before_it_stops_and_ends_what_it_began(tmp_path: Path) -> None:
    async with served(tmp_path, DRAIN_S="1") as (process, client):
        body = {"message": "How are you?", "stream": True}
        async with client.stream("POST", "/v1/chat", json=body) as response:
            pieces = response.aiter_text()
            text = await anext(pieces)
            process.send_signal(signal.SIGTERM)
            told = time.monotonic()

            async def draining() -> None:
                assert await readiness(client) == 503

            await eventually(draining, 0.9)
            async with httpx.AsyncClient(base_url=client.base_url, trust_env=False, timeout=5) as late:
                assert (await late.post("/v1/chat", json={"message": "Too late?"})).status_code == 200
            async for piece in pieces:
                text += piece
        assert "event: done" in text
        await asyncio.wait_for(process.wait(), 15)
        assert time.monotonic() - told >= 1.0
        assert process.returncode == -signal.SIGTERM  # (as with uvicorn's own command line)
        assert await readiness(client) == 0


async def test_a_stream_that_is_longer_than_the_drain_still_ends_well(tmp_path: Path) -> None:
    async with served(tmp_path, DRAIN_S="0.2", CHAT_SIMULATED_TOKEN_S="0.15") as (process, client):
        async with client.stream("POST", "/v1/chat", json={"message": "How are you?", "stream": True}) as response:
            pieces = response.aiter_text()
            text = await anext(pieces)
            process.send_signal(signal.SIGTERM)

            async def closed() -> None:
                assert await readiness(client) == 0

            await eventually(closed, 5)
            assert process.returncode is None
            async for piece in pieces:
                text += piece
        assert "event: done" in text
        await asyncio.wait_for(process.wait(), 15)
