"""The small HTTP server: what it takes, what it refuses, and that nothing of one request reaches the next."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from targets.parts.kit import http as kit
from targets.parts.kit.http import MAX_BODY, MAX_HEAD, Request, Response, json_response, serve


async def echo(request: Request) -> Response:
    if request.path == "/broken":
        raise RuntimeError("on purpose")
    query = dict(request.query)
    return json_response(
        {"method": request.method, "path": request.path, "query": query, "body": request.body.decode(), "to": "you"}
    )


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with await serve(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def send(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


async def test_an_ordinary_client_is_understood(port: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(f"http://127.0.0.1:{port}/a%2Fb/../c?x=1&y=%20", json={"n": 1})
        assert response.status_code == 200
        assert response.json() | {"path": None} == {
            "method": "POST",
            "path": None,
            "query": {"x": "1", "y": " "},
            "body": '{"n":1}',
            "to": "you",
        }


async def test_the_path_is_as_it_was_sent(port: int) -> None:
    assert b'"path": "/a%2Fb/../c"' in await send(port, b"GET /a%2Fb/../c HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET / SPDY/3\r\n\r\n", 400),
        (b"GET http://engine/containers HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: two\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * MAX_HEAD + b"\r\n\r\n", 431),
        (b"GET /broken HTTP/1.1\r\n\r\n", 500),
    ],
)
async def test_what_is_not_plain_is_refused(port: int, raw: bytes, status: int) -> None:
    assert (await send(port, raw)).startswith(b"HTTP/1.1 %d " % status)


async def test_one_request_for_each_connection(port: int) -> None:
    twice = b"GET /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n"
    answer = await send(port, twice)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"/two" not in answer


async def test_clients_that_dawdle_or_leave_do_no_harm(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "READ_TIMEOUT_S", 0.1)
    assert await send(port, b"GET / HT") == b""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nxx")
    writer.close()
    assert b" 200 " in await send(port, b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize(("part", "variable"), [("autoscaler", "MAX_REPLICAS"), ("engine_door", "STACK")])
def test_a_part_with_a_wrong_setting_says_so_and_ends(part: str, variable: str) -> None:
    environment = {"PATH": os.environ["PATH"], "SCALE": "app-a", "STACK": "st", variable: "?"}
    command = [sys.executable, "-m", f"targets.parts.{part}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert variable in done.stderr
    assert "Traceback" not in done.stderr
