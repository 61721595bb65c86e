from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from targets.chat.settings import DocumentSettings, PostgresSettings
from targets.chat.stores.base import Store
from targets.chat.stores.database import Database
from targets.chat.stores.mongo import MongoStore
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql import SqlStore
from targets.chat.stores.sqlite import SqliteDatabase
from tests.contract.chat.document_gateways import Gateway, engine_missing_because
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
    with _new_database(request) as url:
        yield url


@pytest.fixture
def another_postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A second new database, for tests that need two."""
    with _new_database(request) as url:
        yield url


@contextmanager
def _new_database(request: pytest.FixtureRequest) -> Iterator[str]:
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


@pytest.fixture(scope="session")
def shared_gateway(shared_postgres: LocalPostgres) -> Iterator[Gateway]:
    """A gateway to the document store, before a PostgreSQL, that no test may stop."""
    if reason := engine_missing_because():
        pytest.skip(reason)
    shared_postgres.execute("CREATE DATABASE documents ENCODING UTF8 LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with Gateway(shared_postgres.url("documents")) as gateway:
        yield gateway


@pytest.fixture
def empty_documents(shared_gateway: Gateway, shared_postgres: LocalPostgres) -> dict[str, str]:
    """The settings of a document store in which nothing is."""
    with psycopg.connect(shared_postgres.url("documents"), autocommit=True) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'chat'").fetchall():
            if not table.startswith("_"):
                connection.execute(f'TRUNCATE chat."{table}"')
    return {"MONGODB_GATEWAYS": shared_gateway.address}


@pytest.fixture(params=["sqlite", "postgres", pytest.param("documents", marks=pytest.mark.engine)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An open, empty store."""
    store: Store
    if request.param == "sqlite":
        store = SqlStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    elif request.param == "postgres":
        url = request.getfixturevalue("empty_postgres_url")
        store = SqlStore(PostgresDatabase(PostgresSettings.from_env({"DATABASE_URL": url})))
    else:
        store = MongoStore(DocumentSettings.from_env(request.getfixturevalue("empty_documents")))
    await store.open()
    await eventually(store.ping)
    yield store
    await store.close()
