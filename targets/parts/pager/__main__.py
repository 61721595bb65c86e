"""Start the pager: `python -m targets.parts.pager`."""

from __future__ import annotations

import asyncio
import sys

from targets.parts.kit.http import serve
from targets.parts.kit.log import log_as_json
from targets.parts.kit.stop import until_told_to_stop
from targets.parts.pager.record import Record
from targets.parts.pager.server import control, wire

PORT, CONTROL_PORT = 8080, 8081
MAX_NOTIFICATION = 4 * 1024 * 1024
"""Bytes: a group may hold very many alerts, each with all its labels and texts."""


def main() -> None:
    """Take calls, and tell of them, on all interfaces until SIGTERM or SIGINT. Exits 2 when a port is taken."""
    log = log_as_json("pager")
    log_as_json("http")
    try:
        log.info("start", extra={"port": PORT, "control_port": CONTROL_PORT})
        asyncio.run(_serve())
    except OSError as error:
        sys.stderr.write(f"pager: {error}\n")
        sys.exit(2)


async def _serve() -> None:
    record, host = Record(), "0.0.0.0"  # noqa: S104 (a container's own)
    calls = await serve(wire(record), host, PORT, max_body=MAX_NOTIFICATION)
    orders = await serve(control(record), host, CONTROL_PORT)
    async with calls, orders:
        await until_told_to_stop()


if __name__ == "__main__":
    main()
