"""What the SQL store asks of a database, and how its schema gets there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from importlib import resources
from typing import Any, Protocol
from uuid import UUID

Parameter = str | int | UUID | datetime | None
Row = Mapping[str, Any]


class Session(Protocol):
    """A connection that a caller has to itself for a moment."""

    async def rows(self, sql: str, *parameters: Parameter) -> list[Row]:
        """Execute one statement, with `?` for each parameter, and return its rows (none when it has no result)."""
        ...


class Database(Protocol):
    """A place that executes SQL. Everything it cannot do now leaves as StoreUnavailable."""

    async def open(self) -> None:
        """Start, at once; the schema is made as soon as the database can be reached."""
        ...

    def session(self) -> AbstractAsyncContextManager[Session]:
        """A session in which each statement stands for itself."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """A session in which all statements hold, durably, when the block is left; or none, when it raises."""
        ...

    async def ping(self) -> None:
        """Return when the database answers and its schema is there."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def migrations() -> list[tuple[str, list[str]]]:
    """Return the migrations in order: name and statements."""
    folder = resources.files("targets.chat.stores") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(file.name.removesuffix(".sql"), _statements(file.read_text(encoding="utf-8"))) for file in files]


async def migrate(session: Session, now: datetime) -> list[str]:
    """Apply the migrations that were not applied yet and return their names.

    `session` is a transaction that keeps others out, so that each migration runs once whoever starts first.
    """
    await session.rows(
        "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL)"
    )
    done = {row["name"] for row in await session.rows("SELECT name FROM schema_migrations")}
    applied = []
    for name, statements in migrations():
        if name in done:
            continue
        for statement in statements:
            await session.rows(statement)
        await session.rows("INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)", name, now)
        applied.append(name)
    return applied


def _statements(script: str) -> list[str]:
    """Split at semicolons, comments taken out: our migrations have none inside a literal."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]
