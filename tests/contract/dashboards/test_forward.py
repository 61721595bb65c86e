"""The way to a Prometheus that is published nowhere: what comes in goes out, both ways, and an end is an end."""

from __future__ import annotations

import asyncio

from dashboards.forward import forward


async def test_what_comes_in_goes_out_both_ways() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        await writer.drain()
        writer.close()

    behind = await asyncio.start_server(echo, "127.0.0.1", 0)
    way = await forward("127.0.0.1", 0, *behind.sockets[0].getsockname()[:2])
    reader, writer = await asyncio.open_connection(*way.sockets[0].getsockname()[:2])
    writer.write(b"hello\n")
    assert await asyncio.wait_for(reader.read(), 5) == b"heard hello\n"
    writer.close()
    way.close()
    behind.close()


async def test_where_nobody_is_the_connection_ends() -> None:
    nobody = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    gone = nobody.sockets[0].getsockname()[:2]
    nobody.close()
    await nobody.wait_closed()
    way = await forward("127.0.0.1", 0, *gone)
    reader, writer = await asyncio.open_connection(*way.sockets[0].getsockname()[:2])
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    way.close()
