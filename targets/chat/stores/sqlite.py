"""SQLite as the database: one file, no server. For development and for fast tests."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aiosqlite

from targets.chat.errors import StoreUnavailable
from targets.chat.stores.database import Parameter, Row, migrate

BUSY_S = 4.0  # how long to wait for another process's lock on the file


class SqliteDatabase:
    """A Database in one file. One connection serves all, one session at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: aiosqlite.Connection | None = None
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Open the file, make it when it is missing, and bring its schema up to date."""
        with _translated():
            connection = await aiosqlite.connect(self._path, isolation_level=None, timeout=BUSY_S)
            connection.row_factory = sqlite3.Row
            self._connection = connection
            await _write_ahead(connection)
            await connection.execute("PRAGMA synchronous = FULL")  # an acknowledged message survives a power cut
            await connection.execute("PRAGMA foreign_keys = ON")
        async with self.transaction() as session:
            await migrate(session, datetime.now(UTC))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[SqliteSession]:
        """A session in which each statement stands for itself."""
        async with self._turn:
            if self._connection is None:
                raise StoreUnavailable("The database is not open.")
            with _translated():
                yield SqliteSession(self._connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteSession]:
        """A session whose statements hold together, or not at all."""
        async with self.session() as session:
            try:
                await session.rows("BEGIN IMMEDIATE")
                yield session
                await session.rows("COMMIT")
            except BaseException:
                await session.rollback()
                raise

    async def ping(self) -> None:
        """Read something from the file."""
        async with self.session() as session:
            await session.rows("SELECT count(*) FROM schema_migrations")

    async def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _write_ahead(connection: aiosqlite.Connection) -> None:
    """Change to write-ahead logging. Of several that do so at once SQLite refuses all but one, without any waiting."""
    deadline = asyncio.get_running_loop().time() + BUSY_S
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.02)


class SqliteSession:
    """A Session on the one connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str, *parameters: Parameter) -> list[Row]:
        """Execute one statement and return its rows."""
        async with self._connection.execute(sql, [_plain(value) for value in parameters]) as cursor:
            return [dict(row) for row in await cursor.fetchall()]

    async def rollback(self) -> None:
        """Undo what the transaction did so far; nothing happens when there is none."""
        await self._connection.rollback()


def _plain(value: Parameter) -> str | int | None:
    """SQLite has no UUIDs and no moments. UTC in ISO form with microseconds sorts as the moments do."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable("The database did not carry out the request.", retry_after_s=1) from error
