"""A TCP proxy that can lose everything on the way: what a black hole is to a client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class TcpProxy:
    """Passes bytes on to 127.0.0.1:`upstream_port`. While `swallowing`, connections open and stay silent.

    After a client has said `last_words`, what clients send arrives, but they hear no answer any more.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.swallowing = False
        self.last_words = b""
        self._is_deaf = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            self._writers |= {writer, far_writer}
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer, answers=True))
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.last_words and not answers and self.last_words in data:
                    self._is_deaf = True
                if not self.swallowing and not (answers and self._is_deaf):
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def heal(self) -> None:
        """Pass bytes on again; connections that lost some are closed, as Toxiproxy does."""
        self.swallowing = self._is_deaf = False
        self.last_words = b""
        self.close_connections()

    def close_connections(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()


@asynccontextmanager
async def proxy_to(port: int) -> AsyncIterator[TcpProxy]:
    proxy = TcpProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.close_connections()
