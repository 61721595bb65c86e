"""One connection to PostgreSQL whose making is bounded, and that can be cut off."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from contextlib import suppress
from typing import Any, Self

import psycopg
from psycopg.rows import DictRow

from targets.chat.stores.hosts import Hosts


class BoundedConnection(psycopg.AsyncConnection[DictRow]):
    """A connection of the pool. `made_at` is the event loop's time (s), `warning` the server's last one."""

    made_at = float("-inf")
    was_cut = False
    warning: str | None = None

    @classmethod
    async def connect(  # type: ignore[override]
        cls, conninfo: str = "", *, hosts: Hosts, bound_s: float, **kwargs: Any
    ) -> Self:
        """Connect to one of `hosts` within `bound_s`, name resolution included. Raises psycopg.OperationalError."""
        connect = super().connect
        try:
            async with asyncio.timeout(bound_s):
                connection = await hosts.connect(lambda one: connect(one, **kwargs))
        except TimeoutError:
            raise psycopg.OperationalError(f"no connection within {bound_s} s") from None
        connection.made_at = asyncio.get_running_loop().time()
        connection.add_notice_handler(connection._on_notice)
        return connection

    def is_open(self) -> bool:
        """Look, without a round trip, whether the server has nothing to say: on an idle connection that is goodbye."""
        if self.closed:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def cut(self) -> None:
        """Shut the socket down: whoever waits for the server gets an error at once."""
        self.was_cut = True
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self.pgconn.socket)) as twin:
            twin.shutdown(socket.SHUT_RDWR)  # (suppressed: it was closed already)

    def _on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self.warning = notice.message_primary
