"""Start the autoscaler: `python -m targets.parts.autoscaler`."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys

import httpx

from targets.parts.autoscaler.loop import DOOR_TIMEOUT_S, Autoscaler
from targets.parts.autoscaler.record import Record
from targets.parts.autoscaler.server import routes
from targets.parts.autoscaler.settings import Settings
from targets.parts.kit.http import serve
from targets.parts.kit.log import log_as_json
from targets.parts.kit.stop import until_told_to_stop

PORT = 9100


def main() -> None:
    """Scale, and serve on all interfaces, until SIGTERM or SIGINT. Exits 2: a wrong setting, or the port is taken."""
    log = log_as_json("autoscaler")
    log_as_json("http")
    try:
        settings = Settings.from_environment(os.environ)
        log.info("start", extra=dataclasses.asdict(settings) | {"backends": sorted(settings.backends)})
        asyncio.run(_serve(settings))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"autoscaler: {error}\n")
        sys.exit(2)


async def _serve(settings: Settings) -> None:
    record = Record(settings.policy.target)
    async with httpx.AsyncClient(timeout=DOOR_TIMEOUT_S, trust_env=False) as http:
        autoscaler = Autoscaler(settings, http, record)
        server = await serve(routes(autoscaler, record), "0.0.0.0", PORT)  # noqa: S104 (a container's own)
        rounds = asyncio.create_task(autoscaler.run())
        async with server:
            await until_told_to_stop()
        rounds.cancel()


if __name__ == "__main__":
    main()
