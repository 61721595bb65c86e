from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from targets.chat.settings import PostgresSettings
from targets.chat.stores.database import Database
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sqlite import SqliteDatabase
from tests.contract.chat.local_servers import LocalPostgres, LocalRedis, LocalSentinels, postgres_missing_because
from tests.contract.chat.waiting import eventually


@pytest.fixture(scope="session")
def shared_postgres() -> Iterator[LocalPostgres]:
    """A running PostgreSQL that no test may stop."""
    if reason := postgres_missing_because():
        pytest.skip(reason)
    server = LocalPostgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def postgres() -> Iterator[LocalPostgres]:
    """A running PostgreSQL that the test may kill."""
    if reason := postgres_missing_because():
        pytest.skip(reason)
    server = LocalPostgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def redis_server() -> Iterator[LocalRedis]:
    """A running Redis that the test may stop and start."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here (Debian: apt-get install redis-server)")
    server = LocalRedis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sentinels() -> Iterator[LocalSentinels]:
    """A primary that the test may kill, its replica, and three sentinels."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here (Debian: apt-get install redis-server)")
    servers = LocalSentinels()
    try:
        servers.start()
        yield servers
    finally:
        servers.remove()


@pytest.fixture
def empty_postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new database, in the server of POSTGRES_TEST_URL when that is set."""
    name = f"chat_{uuid4().hex}"
    admin = os.environ.get("POSTGRES_TEST_URL") or request.getfixturevalue("shared_postgres").url()
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield psycopg.conninfo.make_conninfo(admin, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """Makes databases that all look at the same, initially empty, place."""
    if request.param == "sqlite":
        return lambda: SqliteDatabase(tmp_path / "chat.sqlite3")
    url = request.getfixturevalue("empty_postgres_url")
    return lambda: PostgresDatabase(PostgresSettings.from_env({"DATABASE_URL": url}))


@pytest.fixture
async def database(make_database: Callable[[], Database]) -> AsyncIterator[Database]:
    database = make_database()
    await database.open()
    await eventually(database.ping)
    yield database
    await database.close()
