"""Logs that can be searched: what all containers of a campaign said, as rows of `logs.parquet`.

The folder `logs` holds one text file per component, each line with the engine's time stamp; `==> name <==` says from
which container the lines below it come. A line may be JSON (our own parts, etcd, Toxiproxy), logfmt (Prometheus,
Alertmanager) or plain: all become rows with

    said_at     TIMESTAMP, UTC: when it was said, to its own words, else when the engine heard it; null when unknown
    component, container   '' where the container is not known
    level       debug, info, warning, error or critical; null when unknown
    logger      who said it, within the component; null when unknown
    message     what was said; of a plain line, all of it
    request_id  of the request that it is about; of the load's, `<run>-<seq>`; null when none
    fields      JSON object: whatever else the line held; null when nothing
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from harness.errors import HarnessError, InstrumentError

FOLDER, LOGS = "logs", "logs.parquet"
LEVELS = ("debug", "info", "warning", "error", "critical")

_CONTAINER = re.compile(r"==> (\S+) <==$")
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?(.*)", re.DOTALL)
_PAIR = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)(?: |$)')
_LOGFMT = re.compile(r"(?:ts|time|t|level)=\S+ [\w.-]+=")
_SPOKEN = re.compile(r"\b(DEBUG|INFO|NOTICE|LOG|WARNING|WARN|ERROR|CRITICAL|FATAL|ALERT|EMERG|PANIC)(?=[:\]])")
_SHOWN_EARLY = 80  # a plain line says its level near its beginning, if at all
_LEVELS = {"trace": "debug", "notice": "info", "log": "info", "warn": "warning", "err": "error"} | dict.fromkeys(
    ("fatal", "alert", "emerg", "panic", "dpanic"), "critical"
)
_KEYS = {
    "said_at": ("time", "ts", "timestamp", "t"),
    "level": ("level", "lvl", "severity"),
    "logger": ("logger", "caller", "source"),
    "message": ("message", "msg"),
    "request_id": ("request_id",),
}


@dataclass(frozen=True)
class Line:
    """One line of a log; see the head of this file. `said_at` is UTC: `at` is a word of SQL."""

    said_at: datetime | None
    component: str
    container: str
    level: str | None
    logger: str | None
    message: str
    request_id: str | None
    fields: str | None


def collect(folder: Path) -> Path:
    """Write `logs.parquet` into a campaign's folder and return its path.

    Raises HarnessError when there are no logs to read, InstrumentError when it cannot be written.
    """
    sources = sorted((folder / FOLDER).glob("*.log"))
    if not sources:
        raise HarnessError(f"{folder}: holds no logs.", "Name the folder of a campaign, such as results/latest.")
    path = folder / LOGS
    temporary = path.with_name(f"{path.name}.new")
    try:
        with duckdb.connect() as database:
            database.execute(_TABLE)
            for source in sources:
                with source.open(encoding="utf-8", errors="replace") as lines:
                    _insert(database, list(parsed(source.stem, lines)))
            target = str(temporary).replace("'", "''")  # a literal, because COPY takes no parameter for its file
            ordered = "select * exclude (number) from logs order by said_at nulls first, component, container, number"
            database.execute(f"copy ({ordered}) to '{target}' (format parquet, compression zstd)")
        temporary.replace(path)
    except (OSError, duckdb.Error) as error:
        said = str(error).partition("\n")[0]
        raise InstrumentError(f"{path}: cannot be written: {said}.", "Make room, then `make logs` writes it.") from None
    return path


def parsed(component: str, lines: Iterable[str]) -> Iterator[Line]:
    """Yield the lines of one component's log file, in their order."""
    container = ""
    for text in lines:
        line = text.rstrip("\r\n")
        if head := _CONTAINER.match(line):
            container = head.group(1)
        elif line:
            yield _line(component, container, line)


def moment(value: object) -> datetime | None:
    """Return a moment as programs write it, ISO 8601 or s since 1970, in UTC; None when it is none."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        when = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _line(component: str, container: str, line: str) -> Line:
    stamp, rest = found.groups() if (found := _STAMPED.match(line)) else ("", line)
    said = _json(rest) or _logfmt(rest)
    if said is None:
        return Line(moment(stamp), component, container, _spoken_level(rest), None, rest, None, None)
    taken = {part: next((key for key in keys if key in said), None) for part, keys in _KEYS.items()}
    found_in = {part: said[key] for part, key in taken.items() if key is not None}
    left = {key: value for key, value in said.items() if key not in taken.values()}
    return Line(
        said_at=moment(found_in.get("said_at")) or moment(stamp),
        component=component,
        container=container,
        level=_level(found_in.get("level")),
        logger=_text(found_in.get("logger")),
        message=_text(found_in.get("message")) or "",
        request_id=_text(found_in.get("request_id")),
        fields=_storable(json.dumps(left, ensure_ascii=False)) if left else None,
    )


def _json(text: str) -> Mapping[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _logfmt(text: str) -> Mapping[str, Any] | None:
    if not _LOGFMT.match(text):
        return None
    return {key: _unquoted(value) for key, value in _PAIR.findall(text)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value.strip('"')


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return _storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _storable(text: str) -> str:
    """JSON may hold halves of surrogate pairs, which no UTF-8 can."""
    return text.encode("utf-8", "replace").decode()


def _level(value: object) -> str | None:
    word = str(value).lower()
    word = _LEVELS.get(word, word)
    return word if word in LEVELS else None


def _spoken_level(text: str) -> str | None:
    found = _SPOKEN.search(text[:_SHOWN_EARLY])
    return _level(found.group(1)) if found else None


_TABLE = """
create table logs (said_at timestamp, component varchar, container varchar, level varchar, logger varchar,
                   message varchar, request_id varchar, fields json, number bigint)
"""
_UNKNOWN = -1  # stands for a moment that is not known, on the way into the table


def _insert(database: duckdb.DuckDBPyConnection, lines: list[Line]) -> None:
    if not lines:
        return
    words = ("component", "container", "level", "logger", "message", "request_id", "fields")
    columns: dict[str, Any] = {name: np.array([getattr(line, name) for line in lines], dtype=object) for name in words}
    columns["us"] = np.array([_microseconds(line.said_at) for line in lines], dtype=np.int64)
    columns["number"] = np.arange(len(lines), dtype=np.int64)
    database.register("part", columns)
    typed = ", ".join(f"{name}::varchar" for name in words)
    database.execute(f"insert into logs select make_timestamp(nullif(us, {_UNKNOWN})), {typed}, number from part")  # noqa: S608
    database.unregister("part")


def _microseconds(at: datetime | None) -> int:
    return _UNKNOWN if at is None else int(at.timestamp() * 1_000_000)
