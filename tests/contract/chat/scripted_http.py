"""An HTTP server that answers every request with the same bytes, however broken, and then does as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

Ending = Literal["close", "hang"]


def response(body: str, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """A complete response."""
    lines = [f"HTTP/1.1 {status} Scripted", f"content-type: {kind}", f"content-length: {len(body.encode())}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def event_stream(events: Sequence[str], *, ended: bool = True) -> bytes:
    """A chunked response of server-sent events; `ended` says whether the last chunk is there."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [f"{len(event.encode()):x}\r\n{event}\r\n".encode() for event in events]
    return head + b"".join(chunks) + (b"0\r\n\r\n" if ended else b"")


def sse(data: Any, event: str | None = None) -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return (f"event: {event}\n" if event else "") + f"data: {text}\n\n"


@asynccontextmanager
async def answering(payload: bytes, ending: Ending = "close") -> AsyncIterator[str]:
    """Serve on a free port; yields the base URL."""
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            writer.write(payload)
            await writer.drain()
            if ending == "hang":
                await reader.read()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
