"""Copies conversations from one version's store to another's, while the first one goes on serving.

FROM_DATABASE_URL=postgresql://... TO_MONGODB_GATEWAYS=host:27017 python -m targets.chat.migrate [--since MOMENT]

Settings are those of the stores, with FROM_ or TO_ before the name; DATABASE_URL says PostgreSQL, MONGODB_GATEWAYS the
document store, CHAT_SQLITE_PATH a file of `make dev`. Ids, moments and Idempotency-Keys are carried over, so that a
client's repetition of a request finds its answer on the other side.

A migration is several rounds. The first copies everything; each later one what was stored since the one before began,
and 30 s more (`--overlap`: clocks of servers differ, and a turn is dated a little before it is stored). The last one
follows once no writes are let in any more and those begun have ended; without `--since` it goes through everything and
so proves that nothing is missing: what it finds is copied as well. Copying twice does no harm, but none may be made
once the other side has had traffic of its own: that ends with an error, and nothing there is overwritten.

The last line is JSON: `next_since` for the next round, conversations and turns looked at, turns that were new, seconds.
Exits 0; 1 when a store was away (begin the round anew); 2 when the settings, or what is on the other side, forbid it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from targets.chat.errors import SettingsError, StoreUnavailable
from targets.chat.settings import ChatSettings, DocumentSettings, PostgresSettings
from targets.chat.stores.mongo_transfer import MongoTransfer
from targets.chat.stores.postgres import PostgresDatabase
from targets.chat.stores.sql_transfer import SqlTransfer
from targets.chat.stores.sqlite import SqliteDatabase
from targets.chat.stores.transfer import Diverged, Sink, Source

OVERLAP_S = 30.0
AT_ONCE = 4  # conversations under way at the same time: users need the database as well
READY_S = 30.0  # for either store to answer and have its schema
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Round:
    """What one round did. `next_since` is where the next one begins; `new` counts turns that were not there before."""

    next_since: str
    conversations: int
    turns: int
    new: int
    seconds: float


class _Opened(Protocol):
    async def open(self) -> None: ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...


class SourceStore(Source, _Opened, Protocol):
    """A Source with a beginning and an end."""


class SinkStore(Sink, _Opened, Protocol):
    """A Sink with a beginning and an end."""


async def copy(source: Source, sink: Sink, since: datetime | None, *, now: datetime, overlap_s: float) -> Round:
    """Carry out one round. `since` and `now` (its beginning) are aware. Raises StoreUnavailable and Diverged."""
    began = time.monotonic()
    earliest = None if since is None else since - timedelta(seconds=overlap_s)
    room = asyncio.Semaphore(AT_ONCE)
    conversations = turns = new = 0

    async def carry(conversation_id: UUID) -> tuple[int, int]:
        async with room:
            found = await source.turns(conversation_id)
            return len(found), await sink.put(found)

    async for portion in source.changed_since(earliest):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(carry(one)) for one in portion]
        conversations += len(portion)
        turns += sum(task.result()[0] for task in tasks)
        new += sum(task.result()[1] for task in tasks)
    await sink.settle()
    return Round(now.isoformat(), conversations, turns, new, round(time.monotonic() - began, 3))


def source_of(env: Mapping[str, str]) -> SourceStore:
    """Return the store that FROM_... name, not open yet. Raises SettingsError."""
    given = _stripped(env, "FROM_")
    if "MONGODB_GATEWAYS" in given:
        raise SettingsError(
            "FROM_MONGODB_GATEWAYS: a document store cannot say what has changed, so none can be migrated away from."
            " Name a FROM_DATABASE_URL."
        )
    return _relational(given, "FROM_")


def sink_of(env: Mapping[str, str]) -> SinkStore:
    """Return the store that TO_... name, not open yet. Raises SettingsError."""
    given = _stripped(env, "TO_")
    if "MONGODB_GATEWAYS" in given:
        return MongoTransfer(DocumentSettings.from_env(given))
    return _relational(given, "TO_")


def _relational(given: Mapping[str, str], prefix: str) -> SqlTransfer:
    if "DATABASE_URL" in given:
        settings = PostgresSettings.from_env(given)
        return SqlTransfer(PostgresDatabase(settings), settings.repeat_s)
    if "CHAT_SQLITE_PATH" in given:
        return SqlTransfer(SqliteDatabase(ChatSettings.from_env(given).sqlite_path))
    raise SettingsError(f"{prefix}DATABASE_URL is not set: it says which store is meant. See `--help`.")


def _stripped(env: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in env.items() if name.startswith(prefix) and value}


async def _ready(store: _Opened) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return await store.ping()
        except StoreUnavailable:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def migrate(source: SourceStore, sink: SinkStore, since: datetime | None, overlap_s: float) -> Round:
    """Open both, carry out one round, and close them. Raises StoreUnavailable and Diverged, also in groups."""
    async with AsyncExitStack() as stack:
        for store in (source, sink):
            stack.push_async_callback(store.close)
            await store.open()
            await _ready(store)
        return await copy(source, sink, since, now=datetime.now(UTC), overlap_s=overlap_s)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Carry out one round and print it as JSON; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m targets.chat.migrate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--since", type=_moment, help="next_since of the round before; without it, everything")
    parser.add_argument("--overlap", type=float, default=OVERLAP_S, help="seconds before it that count as well")
    asked = parser.parse_args(arguments)
    try:
        source, sink = source_of(env), sink_of(env)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        done = asyncio.run(migrate(source, sink, asked.since, asked.overlap))
    except* (StoreUnavailable, Diverged) as errors:
        sys.stderr.write(f"{_first(errors)}\n")
        return_code = 2 if errors.subgroup(Diverged) else 1
    else:
        sys.stdout.write(json.dumps(asdict(done)) + "\n")
        return_code = 0
    return return_code


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
