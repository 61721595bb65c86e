"""Signs of life: the smallest question of each protocol, asked on a fresh connection, and how long the answer took.

The answer must come from the far side. That a connection is accepted says nothing here: Docker's own proxy accepts on
behalf of a container that refuses, and closes without a word.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping

from harness.errors import InstrumentError
from harness.faults.base import Probe
from harness.target import Protocol

Ask = Callable[[socket.socket, str, float], bytes]
"""Asks over a connected socket (host name, deadline in monotonic s) and returns the first bytes, b'' when closed."""

QUIET_S = 0.25
"""How long a connection of an unknown protocol must stay open to count as alive: Docker's proxy closes it in 1 ms."""


def probe(address: tuple[str, int], protocol: Protocol, host: str, timeout_s: float = 2.0) -> Probe:
    """Ask `address` for a sign of life and return what came back; the round trip is counted from the question.

    `host` is the name the far side goes by (TLS server name, HTTP Host). Raises InstrumentError when an answer came
    that is not of this protocol: target.toml then says something wrong about the link.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with socket.create_connection(address, timeout=timeout_s) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = time.monotonic()
            answer = _ASK[protocol](connection, host, deadline)
            rtt_ms = (time.monotonic() - asked) * 1000
    except TimeoutError:
        return Probe("silent", None)
    except (ConnectionRefusedError, BrokenPipeError, ssl.SSLEOFError):
        return Probe("closed", None)
    except ConnectionResetError:
        return Probe("reset", None)
    except OSError:
        return Probe("silent", None)  # no route to it: nobody there to say no
    if not answer:
        return Probe("closed", None)
    if not answer.startswith(_ANSWERS[protocol]):
        problem = f"What answers at {address[0]}:{address[1]} does not speak {protocol}: it said {answer[:40]!r}."
        raise InstrumentError(problem, "Correct the link's `protocol` in target.toml.")
    return Probe("answered", rtt_ms)


def _question(text: bytes) -> Ask:
    def ask(connection: socket.socket, host: str, deadline: float) -> bytes:
        connection.sendall(text.replace(b"{host}", host.encode("idna")))
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        return connection.recv(64)

    return ask


def _shake_hands(connection: socket.socket, host: str, deadline: float) -> bytes:
    """Send a ClientHello. Any reply will do, an alert as well: whose certificate it is does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=host).do_handshake()
    except ssl.SSLWantReadError:
        connection.sendall(outgoing.read())
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    return connection.recv(64)


def _stay_open(connection: socket.socket, host: str, deadline: float) -> bytes:
    """A protocol unknown to us: nothing can be asked, so the connection only has to last."""
    del host
    wait_s = min(QUIET_S, max(0.0, deadline - time.monotonic()))
    readable, _, _ = select.select([connection], [], [], wait_s)
    return connection.recv(64) if readable else b"open"


def _message(document: bytes) -> bytes:
    """An OP_MSG (opcode 2013) with one document, as the MongoDB wire protocol has it."""
    body = struct.pack("<I", 0) + b"\0" + document
    return struct.pack("<iiii", 16 + len(body), 1, 0, 2013) + body


# {"hello": 1, "$db": "admin"} in BSON; it is answered before any log-in
_HELLO = _message(
    struct.pack("<i", 31) + b"\x10hello\0" + struct.pack("<i", 1) + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0\0"
)

_ASK: Mapping[Protocol, Ask] = {
    # SSLRequest: length 8, code 1234.5679; the server answers one byte before any log-in (PostgreSQL, 54.2.10)
    "postgres": _question(struct.pack("!II", 8, 80877103)),
    "redis": _question(b"PING\r\n"),
    "mongodb": _question(_HELLO),
    "http": _question(b"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    "tls": _shake_hands,
    "tcp": _stay_open,
}

_ANSWERS: Mapping[Protocol, tuple[bytes, ...]] = {
    "postgres": (b"S", b"N"),
    "redis": (b"+PONG", b"-"),  # -NOAUTH and -LOADING are signs of life too
    "mongodb": (b"",),  # a message begins with its length
    "http": (b"HTTP/",),
    "tls": (b"\x16\x03", b"\x15\x03"),  # handshake or alert record
    "tcp": (b"",),
}
