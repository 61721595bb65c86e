"""PostgreSQL as the database: psycopg's pool, and bounds that hold when the network swallows every packet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from targets.chat.errors import StoreUnavailable
from targets.chat.settings import PostgresSettings
from targets.chat.stores.connection import BoundedConnection
from targets.chat.stores.database import Parameter, Row, migrate
from targets.chat.stores.hosts import Hosts

RETRY_AFTER_S = 2  # what a client is told; a restarted PostgreSQL takes about as long
MIGRATE_EVERY_S = 0.5  # how often the schema is tried while the database is not up yet
PING_S = 1.0  # how long a readiness probe may take
MIGRATION_LOCK = 0x63686174  # any number that nobody else locks in this database: 'chat'
log = logging.getLogger("chat.postgres")


class PostgresDatabase:
    """A Database in PostgreSQL. It may be away when the app starts, and go and come back at any time.

    psycopg_pool waits 1, 2, 4, ... s between attempts to replace a lost connection. With a short `reconnect_timeout`
    it gives the slot back instead, and the next request that needs a connection asks for one at once.

    With several hosts in the URL each new connection goes to the first that is ready to serve (see Hosts), and as soon
    as one connection shows that its server is the primary no longer, the idle ones are replaced as well.
    """

    def __init__(self, settings: PostgresSettings) -> None:
        conninfo = _conninfo(settings)
        self._settings = settings
        self._hosts = Hosts(conninfo)
        self._left_at = float("-inf")
        self._pool = AsyncConnectionPool(
            conninfo,
            connection_class=BoundedConnection,
            kwargs={
                "hosts": self._hosts,
                "bound_s": settings.connect_s,
                "autocommit": True,
                "row_factory": dict_row,
            },
            min_size=1,
            max_size=settings.pool_size,
            timeout=settings.pool_wait_s,
            reconnect_timeout=0.2,
            num_workers=settings.pool_size,
            open=False,
        )
        self._schema_is_there = False
        self._migrating: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start connecting, and make the schema as soon as that works; return at once."""
        await self._pool.open()
        self._migrating = asyncio.create_task(self._migrate_when_possible())

    @asynccontextmanager
    async def session(self) -> AsyncIterator[PostgresSession]:
        """A session in which each statement stands for itself."""
        self._check_schema()
        async with self._connection() as connection:
            yield PostgresSession(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresSession]:
        """A session whose statements hold together, or not at all; durable when the block was left.

        A COMMIT that waits for a synchronous standby and is told not to wait any longer succeeds, with a warning: it
        is durable on one server only. That is not what was promised, so it is an error here.
        """
        self._check_schema()
        async with self._connection() as connection:
            async with connection.transaction():
                yield PostgresSession(connection)
                connection.warning = None
            if connection.warning is not None:
                raise psycopg.OperationalError(f"committed with a warning: {connection.warning}")

    async def ping(self) -> None:
        """Ask for a sign of life."""
        self._check_schema()
        async with self._connection(wait_s=PING_S, bound_s=PING_S) as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """Stop trying, and close all connections."""
        if self._migrating is not None:
            self._migrating.cancel()
            with suppress(asyncio.CancelledError):
                await self._migrating
        await self._pool.close(timeout=2.0)

    def _check_schema(self) -> None:
        if not self._schema_is_there:
            raise StoreUnavailable("The database could not be reached yet.", retry_after_s=RETRY_AFTER_S)

    async def _migrate_when_possible(self) -> None:
        """Keep trying until the schema is there: the app starts without its database and needs no restart."""
        while not self._schema_is_there:
            try:
                async with self._connection() as connection, connection.transaction():
                    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
                    applied = await migrate(PostgresSession(connection), datetime.now(UTC))
                self._schema_is_there = True
                log.info("schema is up to date", extra={"applied": applied})
            except StoreUnavailable as error:
                log.warning("schema not made yet", extra={"reason": repr(error.__cause__)})
                await asyncio.sleep(MIGRATE_EVERY_S)

    @asynccontextmanager
    async def _connection(
        self, *, wait_s: float | None = None, bound_s: float | None = None
    ) -> AsyncIterator[BoundedConnection]:
        """Lend a connection: at most `wait_s` until there is one, and at most `bound_s` for all that is done with it.

        Cancelling psycopg from outside does not do as a bound: it first asks the server, politely and over the same
        network, to cancel the statement. When time is up the socket is shut down under it instead.
        """
        connection: BoundedConnection | None = None
        watchdog: asyncio.TimerHandle | None = None
        try:
            connection = await self._healthy_connection(wait_s or self._settings.pool_wait_s)
            bound_s = bound_s or self._settings.transaction_s
            watchdog = asyncio.get_running_loop().call_later(bound_s, connection.cut)
            yield connection
        except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, OSError) as error:
            log.warning("database call failed", extra={"reason": f"{type(error).__name__}: {error}".strip()})
            await self._leave_old_primary(connection, error)
            message = "The database did not carry out the request in time."
            raise StoreUnavailable(message, retry_after_s=RETRY_AFTER_S) from error
        finally:
            if watchdog is not None:
                watchdog.cancel()
            if connection is not None:
                if connection.info.transaction_status != TransactionStatus.IDLE:
                    connection.cut()  # something went wrong half-way: the pool shall replace it, not try to mend it
                await self._pool.putconn(connection)

    async def _leave_old_primary(self, connection: BoundedConnection | None, error: Exception) -> None:
        """Replace all connections to a server that has become read-only or silent, when there is another one.

        Connections in use are replaced when they come back. Each of them would say the same again: once is enough.
        """
        if connection is None or not self._hosts.several or connection.made_at <= self._left_at:
            return
        if connection.was_cut or isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            self._left_at = asyncio.get_running_loop().time()
            connection.cut()
            await self._pool.drain()

    async def _healthy_connection(self, wait_s: float) -> BoundedConnection:
        """Take connections out of the pool until one is open; those that the server has closed are replaced.

        The pool has a check of its own, but it sleeps 1, 2, ... s between bad connections: after a restart of the
        database the first request would go under for the sake of its predecessors.
        """
        ends = asyncio.get_running_loop().time() + wait_s
        while True:
            connection = await self._pool.getconn(timeout=ends - asyncio.get_running_loop().time())
            if connection.is_open():
                return connection
            await connection.close()
            await self._pool.putconn(connection)


class PostgresSession:
    """A Session on a borrowed connection."""

    def __init__(self, connection: psycopg.AsyncConnection[DictRow]) -> None:
        self._connection = connection

    async def rows(self, sql: str, *parameters: Parameter) -> list[Row]:
        """Execute one statement and return its rows."""
        # Not a literal, but written by us: clients only ever reach the parameters.
        cursor = await self._connection.execute(sql.replace("?", "%s"), parameters)
        return list(await cursor.fetchall()) if cursor.description else []


def _conninfo(settings: PostgresSettings) -> str:
    """Add the bounds to the URL. The server ends what a client that was cut off has left behind, locks above all."""
    bound_ms = int(settings.transaction_s * 1000)
    return make_conninfo(
        settings.url.get_secret_value(),
        connect_timeout=max(2, round(settings.connect_s)),  # libpq takes whole seconds, at least 2
        tcp_user_timeout=bound_ms,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=2,
        application_name="chat",
        options=f"-c statement_timeout={bound_ms} -c idle_in_transaction_session_timeout={bound_ms}",
    )
