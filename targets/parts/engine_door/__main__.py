"""Start the door: `python -m targets.parts.engine_door`."""

from __future__ import annotations

import asyncio
import os
import sys

from targets.parts.engine_door.door import Door
from targets.parts.engine_door.engine import Engine
from targets.parts.engine_door.settings import Settings
from targets.parts.kit.http import serve
from targets.parts.kit.log import log_as_json
from targets.parts.kit.stop import until_told_to_stop

PORT = 2375


def main() -> None:
    """Serve on all interfaces until SIGTERM or SIGINT. Exits 2 when a setting is wrong or the port is taken."""
    log = log_as_json("engine-door")
    log_as_json("http")
    try:
        settings = Settings.from_environment(os.environ)
        log.info("open", extra=vars(settings))
        asyncio.run(_serve(settings))
    except (ValueError, OSError) as error:
        sys.stderr.write(f"engine-door: {error}\n")
        sys.exit(2)


async def _serve(settings: Settings) -> None:
    engine = Engine(settings.socket)
    server = await serve(Door(settings, engine).handle, "0.0.0.0", PORT)  # noqa: S104 (a container's own)
    async with server:
        await until_told_to_stop()
    await engine.close()


if __name__ == "__main__":
    main()
