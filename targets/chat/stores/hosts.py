"""Which of several PostgreSQL servers to use: the first that lets itself be connected to, the last one first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from targets.chat.errors import SettingsError
from targets.chat.names import Names
from targets.chat.stores.first import AllFailed, first_of

HEAD_START_S = 0.25
"""How long (s) a host that says nothing is waited for before the next is tried beside it: RFC 8305's figure."""

Connection = TypeVar("Connection", bound=psycopg.AsyncConnection[Any])


class Hosts:
    """The hosts of one connection string, `host=a,b port=1,2` or `postgresql://a:1,b:2/`.

    libpq tries them in turn, each for 2 s at least: a first host that swallows packets uses up all the time there is,
    for every new connection again. Here the host of the last success comes first, a failure starts the next one at
    once, and silence starts it after HEAD_START_S. With `target_session_attrs=read-write` in the string a standby's
    connection counts as a failure, which libpq sees without a round trip.
    """

    def __init__(self, conninfo: str, names: Names | None = None) -> None:
        self._names = names or Names()
        self._each = _one_by_one(conninfo_to_dict(conninfo))
        self._order = list(range(len(self._each)))

    @property
    def several(self) -> bool:
        """True when there is more than one."""
        return len(self._each) > 1

    async def connect(self, connect: Callable[[str], Awaitable[Connection]]) -> Connection:
        """Return the first connection that `connect` makes of a connection string. Raises psycopg.Error.

        It has no bound of its own: the caller's holds for all hosts together.
        """

        async def attempt(host: int) -> Connection:
            return await self._connect_to(host, connect)

        connection: Connection
        try:
            host, connection = await first_of(
                tuple(self._order),
                attempt,
                overdue=lambda _: asyncio.sleep(HEAD_START_S),
                failures=(psycopg.Error, OSError),
                drop=_dropped,
            )
        except AllFailed as error:
            raise psycopg.OperationalError(str(error)) from None
        self._order.sort(key=lambda one: one != host)  # (stable)
        return connection

    async def _connect_to(self, host: int, connect: Callable[[str], Awaitable[Connection]]) -> Connection:
        return await connect(await self._located(self._each[host]))

    async def _located(self, one: dict[str, Any]) -> str:
        """Return the connection string with the host's addresses, so that psycopg need not look them up."""
        host = str(one.get("host") or "")
        if not host or host.startswith("/") or one.get("hostaddr"):
            return make_conninfo("", **one)
        addresses = await self._names.addresses(host)
        repeated = {name: ",".join([str(one[name])] * len(addresses)) for name in ("host", "port") if one.get(name)}
        return make_conninfo("", **one | repeated | {"hostaddr": ",".join(addresses)})


def _one_by_one(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Split the parameters of several hosts into the parameters of each. Raises SettingsError."""
    names = ("host", "hostaddr", "port")
    lists = {name: str(params[name]).split(",") for name in names if params.get(name)}
    count = max((len(lists[name]) for name in names[:2] if name in lists), default=1)
    if any(len(values) not in ({1, count} if name == "port" else {count}) for name, values in lists.items()):
        raise SettingsError(
            "DATABASE_URL: its hosts and its ports do not match. Give one port for all, or each its own."
        )
    each = [{name: values[min(k, len(values) - 1)] for name, values in lists.items()} for k in range(count)]
    return [params | one for one in each]


def _dropped(loser: asyncio.Task[Any]) -> None:
    """Close what a host that came too late had connected."""
    if not loser.cancelled() and loser.exception() is None:
        with suppress(psycopg.Error):
            loser.result().pgconn.finish()
