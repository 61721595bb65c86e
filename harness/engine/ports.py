"""Host ports for what the harness publishes on loopback: chosen before the stack is up, and kept until it is down."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

from harness.errors import InstrumentError

FIRST, LAST = 20000, 29999
"""Below Linux's ephemeral range (32768 and up), so that no outgoing connection takes a port between choice and use."""


def free_ports(rng: random.Random | None = None, first: int = FIRST, last: int = LAST) -> Iterator[int]:
    """Yield distinct ports that can be bound on 127.0.0.1 now. Raises InstrumentError when there are no more."""
    candidates = list(range(first, last + 1))
    (rng or random.Random()).shuffle(candidates)  # noqa: S311 (no secret: two harnesses just should not collide)
    for port in candidates:
        if can_bind(port):
            yield port
    raise InstrumentError(
        f"No port between {first} and {last} is free on 127.0.0.1.", "Stop what listens there, then try again."
    )


def can_bind(port: int) -> bool:
    """Whether a listener could be opened on 127.0.0.1:`port` at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection in TIME_WAIT does not stop Docker from publishing the port either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
