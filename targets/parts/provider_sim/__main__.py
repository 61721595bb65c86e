"""Start the simulator: `python -m targets.parts.provider_sim`."""

from __future__ import annotations

import os
import sys

from targets.parts.provider_sim.server import CONTROL_PORT, WIRE_PORT, listen, make_server
from targets.parts.provider_sim.settings import Settings


def main() -> None:
    """Serve on all interfaces until SIGTERM or SIGINT. Exits 2 when a setting is wrong or a port is taken."""
    try:
        settings = Settings.from_environment(os.environ)
        sockets = [listen("0.0.0.0", port) for port in (WIRE_PORT, CONTROL_PORT)]  # noqa: S104 (a container's own)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"provider simulator: {error}\n")
        sys.exit(2)
    make_server(settings, CONTROL_PORT).run(sockets=sockets)


if __name__ == "__main__":
    main()
