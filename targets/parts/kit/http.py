"""A small, strict HTTP/1.1 server: one request per connection, short headers, short bodies, no surprises.

It is for control APIs that answer a few requests a second. It reads a request into a value and never passes bytes on,
so there is nothing to smuggle through it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

MAX_HEAD, MAX_BODY = 8192, 4096  # bytes
READ_TIMEOUT_S = 5.0

_log = logging.getLogger("http")


@dataclass(frozen=True)
class Request:
    """A request; `path` is as it was sent (nothing is decoded), of a query only the last of equal names is kept."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    peer: str = ""


@dataclass(frozen=True)
class Response:
    """A response with its whole body."""

    status: int
    body: bytes
    content_type: str = "application/json"


Handler = Callable[[Request], Awaitable[Response]]


class Malformed(Exception):
    """A request that is answered with `status` and not looked at any further."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def json_response(value: object, status: int = 200) -> Response:
    """Return `value` as JSON."""
    return Response(status, json.dumps(value, allow_nan=False).encode() + b"\n")


async def serve(handler: Handler, host: str, port: int, max_body: int = MAX_BODY) -> asyncio.Server:
    """Listen, and answer every request with `handler`; port 0 takes a free one. Raises OSError: the port is taken.

    A body has `max_body` bytes at most.

    An exception of the handler is answered with 500 and logged: one bad request must not end the service.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = str((writer.get_extra_info("peername") or ("",))[0])
            writer.write(_wire(await _answer(handler, reader, peer, max_body)))
            await asyncio.wait_for(writer.drain(), READ_TIMEOUT_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port, limit=MAX_HEAD)


async def _answer(handler: Handler, reader: asyncio.StreamReader, peer: str, max_body: int) -> Response:
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            request = await _read(reader, peer, max_body)
    except Malformed as error:
        return json_response({"error": str(error)}, error.status)
    try:
        return await handler(request)
    except Exception:  # noqa: BLE001 (logged with its traceback, and the client is told)
        _log.exception("unexpected error", extra={"method": request.method, "path": request.path})
        return json_response({"error": "internal error"}, 500)


async def _read(reader: asyncio.StreamReader, peer: str, max_body: int) -> Request:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise Malformed(431, "the headers are too long") from None
    request_line, *lines = head[:-4].decode("latin-1").split("\r\n")
    parts = request_line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith("/"):
        raise Malformed(400, "not an HTTP/1.1 request for a path")
    url = urlsplit(parts[1])
    body = await reader.readexactly(_length(lines, max_body))
    return Request(parts[0], url.path, dict(parse_qsl(url.query)), body, peer)


def _length(lines: list[str], max_body: int) -> int:
    """How many bytes of body the headers announce."""
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    lengths = {value for name, value in headers if name == "content-length"} or {"0"}
    if any(name == "transfer-encoding" for name, _ in headers):
        raise Malformed(411, "a body must announce its length; transfer encodings are not taken")
    text = lengths.pop()
    if lengths or not (text.isascii() and text.isdigit()):
        raise Malformed(400, "the Content-Length is not one whole number")
    if int(text[:10]) > max_body:
        raise Malformed(413, f"a body has at most {max_body} bytes")
    return int(text)


def _wire(response: Response) -> bytes:
    head = (
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}\r\n"
        f"Content-Type: {response.content_type}\r\nContent-Length: {len(response.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + response.body
