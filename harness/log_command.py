"""`harness logs`: searches what the containers of a campaign said."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from harness.errors import HarnessError, did_you_mean, one_line
from harness.history import ARRIVALS, EVENTS
from harness.logs import LEVELS, LOGS, collect, moment

Say = Callable[[str], None]
LATEST = Path(os.environ.get("TESTBED_RESULTS", "results")) / "latest"
WIDEST = 160  # characters of one cell of a table


@dataclass(frozen=True)
class Ran:
    """When a run went on: its first moment, run time 0, and its last; all UTC."""

    run: str
    began: datetime
    t0: datetime
    ended: datetime


def register(app: typer.Typer, say: Say) -> None:
    """Add `logs` to the command line; `say` prints one line."""

    @app.command()
    def logs(  # noqa: PLR0917 (the command line gives them by name)
        results: Annotated[Path, typer.Argument(help="A campaign's folder")] = LATEST,
        component: Annotated[str | None, typer.Option(help="Only this component, such as app-a.")] = None,
        level: Annotated[str | None, typer.Option(help=f"This level or worse: {', '.join(LEVELS)}.")] = None,
        request: Annotated[str | None, typer.Option(help="Only this request id; of an arrival, <run>-<seq>.")] = None,
        since: Annotated[str | None, typer.Option(help="A run, a run with seconds (RUN+12.5), or ISO 8601.")] = None,
        until: Annotated[str | None, typer.Option(help="The same; of a run alone, its end.")] = None,
        sql: Annotated[str | None, typer.Option(help="A select on the tables logs, arrivals and runs instead.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="At most so many lines, the first ones.")] = 1000,
    ) -> None:
        """Search the logs of a campaign (docs/logs.md)."""
        folder = results.resolve()
        with opened(folder) as database:
            if sql is not None:
                heads, rows = asked(database, sql, limit)
                shown = list(table(heads, rows))
            else:
                wanted = {"component": component, "level": level, "request": request, "since": since, "until": until}
                rows = found(database, folder, wanted, limit)
                shown = [as_line(row) for row in rows]
            for line in shown:
                say(line)
            if len(rows) == limit:
                say(f"These are the first {limit:,}; there may be more (--limit).")
            elif not rows:
                say("Nothing was found.")


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Lend a database with the tables `logs`, `arrivals` and `runs` of a campaign; `logs.parquet` is made if missing.

    Raises HarnessError when the folder is no campaign's.
    """
    if not folder.is_dir():
        raise HarnessError(f"{folder}: there is no such folder.", "Name that of a campaign, such as results/latest.")
    path = folder / LOGS
    if not path.is_file():
        collect(folder)
    with duckdb.connect() as database:
        try:
            database.execute(f"create view logs as from read_parquet({_literal(path)})")
            _create_arrivals(database, sorted((folder / "runs").glob(f"*/{ARRIVALS}")))
        except duckdb.Error as error:
            raise HarnessError(_said(folder, error), f"Remove {LOGS}: it is made again from the logs.") from None
        _create_runs(database, runs_of(folder))
        yield database


def asked(database: duckdb.DuckDBPyConnection, sql: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and the first rows of a select. Raises HarnessError when it is none, or is wrong."""
    try:
        statements = database.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise HarnessError(
                "--sql: that is not one select.", "Only questions are asked of logs: select ... from logs."
            )
        answer = database.execute(statements[0])
        return [column[0] for column in answer.description or []], answer.fetchmany(limit)
    except duckdb.Error as error:
        raise HarnessError(f"--sql: {one_line(str(error), most=500)}", "docs/logs.md names the columns.") from None


def found(
    database: duckdb.DuckDBPyConnection, folder: Path, wanted: dict[str, str | None], limit: int
) -> list[tuple[Any, ...]]:
    """Return the first lines that fit, as rows of (said_at, component, level, logger, message, request_id, fields)."""
    conditions: dict[str, Any] = {}
    if (component := wanted["component"]) is not None:
        known = [row[0] for row in database.execute("select distinct component from logs").fetchall()]
        if component not in known:
            raise HarnessError(f"--component: nothing is known of '{component}'.", did_you_mean(component, known))
        conditions["component = ?"] = component
    if (level := wanted["level"]) is not None:
        if level not in LEVELS:
            raise HarnessError(f"--level: there is no level '{level}'.", did_you_mean(level, LEVELS))
        conditions["list_contains(?, level)"] = list(LEVELS[LEVELS.index(level) :])
    if wanted["request"] is not None:
        conditions["request_id = ?"] = wanted["request"]
    runs = runs_of(folder)
    if wanted["since"] is not None:
        conditions["said_at >= ?"] = _naive(instant(wanted["since"], runs, "--since"))
    if wanted["until"] is not None:
        conditions["said_at <= ?"] = _naive(instant(wanted["until"], runs, "--until"))
    where = f"where {' and '.join(conditions)}" if conditions else ""
    columns = "said_at, component, level, logger, message, request_id, cast(fields as varchar)"
    query = f"select {columns} from logs {where} limit {limit}"  # noqa: S608 (conditions are ours)
    return database.execute(query, list(conditions.values())).fetchall()


def instant(text: str, runs: Sequence[Ran], option: str) -> datetime:
    """Return the moment (UTC) that `text` means: ISO 8601, RUN+seconds of run time, or a run's first or last moment."""
    known = {ran.run: ran for ran in runs}
    name, plus, seconds = text.rpartition("+")
    if plus and name in known and re.fullmatch(r"\d+(\.\d+)?", seconds):
        return known[name].t0 + timedelta(seconds=float(seconds))
    if text in known:
        return known[text].ended if option == "--until" else known[text].began
    when = moment(text)
    if when is None or text.replace(".", "").isdigit():
        raise HarnessError(f"{option}: '{text}' is neither a run nor a moment.", did_you_mean(text, known))
    return when


def runs_of(folder: Path) -> list[Ran]:
    """Return when each run of a campaign went on, from its events; one that never began is left out."""
    ran = []
    for path in sorted((folder / "runs").glob(f"*/{EVENTS}")):
        try:
            events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            first = next(event for event in events if event["event"] == "run_started")
            t0, last_s = moment(first["t0"]), max(float(event["t_s"]) for event in events)
        except (OSError, ValueError, LookupError, TypeError, StopIteration):
            continue
        if t0 is not None:
            began, ended = (t0 + timedelta(seconds=offset) for offset in (float(first["t_s"]), last_s))
            ran.append(Ran(path.parent.name, began, t0, ended))
    return ran


def as_line(row: Sequence[Any]) -> str:
    """Return a line of a log for people: when, who, how bad, what, and the rest."""
    said_at, component, level, logger, message, request_id, fields = row
    when = f"{said_at:%Y-%m-%d %H:%M:%S.%f}"[:-3] if said_at else "?".ljust(23)
    said = [f"{logger}:" if logger else "", message, f"[{request_id}]" if request_id else "", fields or ""]
    text = one_line(" ".join(word for word in said if word), most=2000)
    return f"{when} {component:<14} {level or '':<8} {text}".rstrip()


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a table."""
    texts = [[one_line("" if value is None else str(value), most=WIDEST) for value in row] for row in (heads, *rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(heads))]
    for number, row in enumerate(texts):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def _create_arrivals(database: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """The arrivals of all runs, each with its `run` and the id under which the logs know its request."""
    if not paths:
        database.execute("create table arrivals (run varchar, seq bigint, request_id varchar)")
        return
    files = ", ".join(map(_literal, paths))
    stored = f"read_parquet([{files}], filename=true, union_by_name=true)"
    rows = f"select *, split_part(filename, '/', -2) as run from {stored}"  # noqa: S608 (paths of ours)
    columns = "run, run || '-' || seq as request_id, * exclude (filename, run)"
    database.execute(f"create view arrivals as select {columns} from ({rows})")  # noqa: S608 (the same)


def _create_runs(database: duckdb.DuckDBPyConnection, runs: Sequence[Ran]) -> None:
    database.execute("create table runs (run varchar, began timestamp, t0 timestamp, ended timestamp)")
    for ran in runs:
        row = [ran.run, *map(_naive, (ran.began, ran.t0, ran.ended))]
        database.execute("insert into runs values (?, ?, ?, ?)", row)


def _naive(when: datetime) -> datetime:
    """As the tables have it: UTC, without saying so."""
    return when.astimezone(UTC).replace(tzinfo=None)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _said(folder: Path, error: Exception) -> str:
    return one_line(f"{folder}: its logs or arrivals cannot be read ({error}).", most=500)
