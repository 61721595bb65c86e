"""`python3 forward.py PORT HOST:PORT`: pass every connection to PORT on to another place.

It puts the Prometheus of a target, which is published nowhere, where the laboratory's Grafana finds it
(docs/dashboards.md). Of the standard library only, so that it runs in an image as it is.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes in until one side ends, then end the other."""
    with suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def forward(listen: str, port: int, host: str, to: int) -> asyncio.Server:
    """Begin to listen on a port, and return who does."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, asks = await asyncio.open_connection(host, to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(passed_on(reader, asks), passed_on(answers, writer))

    return await asyncio.start_server(accepted, listen, port)


async def main(port: str, target: str) -> None:
    """Listen for as long as the process lives."""
    host, _, to = target.rpartition(":")
    server = await forward("0.0.0.0", int(port), host, int(to))  # noqa: S104  # a container's network is its own
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
