"""One process, one event loop, one uvicorn, two ports."""

from __future__ import annotations

import logging
import socket

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from targets.parts.provider_sim.control_app import control_app
from targets.parts.provider_sim.settings import Settings
from targets.parts.provider_sim.state import State
from targets.parts.provider_sim.wire_app import wire_app

WIRE_PORT, CONTROL_PORT = 8080, 8081
KEEP_ALIVE_S = 120  # longer than any client keeps a connection idle: it is never the simulator that closes it


class TwoPorts:
    """Sends a request to the control API when it came in on the control port, else to the wire."""

    def __init__(self, wire: ASGIApp, control: ASGIApp, control_port: int) -> None:
        self._wire = wire
        self._control = control
        self._control_port = control_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        control = scope["server"][1] == self._control_port
        await (self._control if control else self._wire)(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one. Raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def make_server(settings: Settings, control_port: int) -> uvicorn.Server:
    """Build a server to be run with the wire's and the control API's sockets: `run(sockets=[...])`."""
    state = State(settings)
    app = TwoPorts(wire_app(state), control_app(state), control_port)
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,  # a hanging request must not hold up the end
    )
    server = uvicorn.Server(config)
    logging.getLogger("uvicorn.error").addFilter(_is_not_a_cut)
    return server


def _is_not_a_cut(record: logging.LogRecord) -> bool:
    """Dropping a connection in mid-body is what "cut" is for; uvicorn would log each as an error."""
    return record.msg != "ASGI callable returned without completing response."
