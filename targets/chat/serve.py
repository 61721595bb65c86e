"""Serves one version's app with uvicorn, and takes it out of service gently.

python -m targets.chat.serve targets.v2.app:app

On SIGTERM the server first only says that it is going to stop: for DRAIN_S `/v1/ready` answers 503 while everything
else is served as before, so that load balancers send their requests elsewhere before the port is closed. Then uvicorn
stops as it always does: no new connections, at most STOP_S for what is being answered. A second SIGTERM, or Ctrl-C,
does not wait for that. Whoever runs it must allow DRAIN_S + STOP_S, and 5 s for what is still to be written, before it
kills (`stop_grace_period` in Compose). Settings: ServeSettings.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.importer import import_from_string

from targets.chat.settings import ServeSettings


class DrainingServer(uvicorn.Server):
    """A uvicorn.Server between whose SIGTERM and whose stop `drain_s` pass, in which the app is `draining`."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_s = drain_s
        self._drained_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: the first SIGTERM begins the draining, everything else is uvicorn's."""
        if sig == signal.SIGTERM and self.started and self._drained_at is None and self._drain_s > 0:
            self._app.state.draining = True
            self._drained_at = time.monotonic() + self._drain_s
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether it is time to stop."""
        if self._drained_at is not None and time.monotonic() >= self._drained_at and not self.should_exit:
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)


def main(arguments: list[str]) -> None:
    """Serve the app that the one argument names ('package.module:attribute') until a signal comes."""
    if len(arguments) != 1:
        sys.exit("usage: python -m targets.chat.serve targets.vN.app:app")
    settings = ServeSettings.from_env(os.environ)
    app = import_from_string(arguments[0])
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.stop_s,
        access_log=False,
    )
    server = DrainingServer(config, app, settings.drain_s)
    server.run()
    if not server.started:
        sys.exit(3)  # as uvicorn's own command line does


if __name__ == "__main__":
    main(sys.argv[1:])
