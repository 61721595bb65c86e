"""From the plan and the raw records to `arrivals.parquet`: one row per *scheduled* arrival, sent or not."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

from harness.arrivals import ABUSER, USERS
from harness.history import Arrivals, Generator, Outcome, Strings, read_arrivals
from harness.load.plan import Plan
from harness.load.settings import RAW, Summary, parts, read_summary
from harness.places import PLACES

LATENESS_BOUND_MS = 50.0
"""Largest lateness (ms, 99th percentile of counted arrivals) of a run that may be judged. Latency counts from the due
time, so lateness is an error added to it: 50 ms is 1 % of the tightest latency that is claimed (5 s), and
about 50 times what the generator shows on an idle machine."""

LAG_BOUND_MS = 50.0
"""Largest lag of the event loop (ms, 99th percentile of its timers) of a run that may be judged. A full loop notices
answers late as well as sending late, so lag is an error of latency like lateness, with the same bound."""

STALL_BOUND_MS = 1000.0
"""Longest single stall of the event loop (ms). For so long nothing was sent or noticed: an answer may then be called
late that was not, and an edge of an outage moves by as much. 1 s is a tenth of the usual deadline, and one window of
the anatomy; a garbage collection or a stolen processor takes tens of milliseconds."""

_RAW_COLUMNS = {
    "seq": "BIGINT",
    "kind": "VARCHAR",
    "sent_s": "DOUBLE",
    "first_byte_s": "DOUBLE",
    "ended_s": "DOUBLE",
    "outcome": "VARCHAR",
    "status": "BIGINT",
    "conversation_id": "VARCHAR",
    "user_message_id": "VARCHAR",
    "assistant_message_id": "VARCHAR",
    "provider": "VARCHAR",
    "detail": "VARCHAR",
}

# `{also}` are the columns that only some plans have.
_JOIN = f"""
create table arrivals as
select plan.seq, coalesce(raw.kind, plan.kind) as kind, plan.counted, plan.due_s,
       coalesce(raw.sent_s, 'nan'::double) as sent_s,
       coalesce(raw.first_byte_s, 'nan'::double) as first_byte_s,
       coalesce(raw.ended_s, 'nan'::double) as ended_s,
       coalesce(raw.outcome, '{Outcome.UNSENT.value}') as outcome,
       coalesce(raw.status, 0) as status,
       coalesce(raw.conversation_id, '') as conversation_id,
       coalesce(raw.user_message_id, '') as user_message_id,
       coalesce(raw.assistant_message_id, '') as assistant_message_id,
       coalesce(raw.provider, '') as provider,
       coalesce(raw.detail, 'no record') as detail{{also}}
from plan left join (select * from raw qualify row_number() over (partition by seq order by line) = 1) raw using (seq)
order by plan.due_s, plan.seq
"""  # noqa: S608 (the only value put in is a constant of ours)


def write_arrivals(folder: Path, plan: Plan) -> tuple[Arrivals, list[str]]:
    """Join the plan with `raw.jsonl` into `arrivals.parquet`; return the arrivals and reasons why the run is void.

    All workers' files count. An arrival without a record is 'unsent'. Of several records for one arrival the first
    counts. A last line that was cut off is skipped, and so is a missing file: what was recorded survives the death of
    the generator.
    """
    rows = {"seq": np.arange(len(plan)), "kind": plan.kinds(), "counted": plan.counted, "due_s": plan.due_s}
    more = _optional(plan)
    with duckdb.connect() as database:
        database.register("plan", rows | more)
        _load_raw(database, parts(folder, RAW))
        reasons = _oddities(database)
        database.execute(_JOIN.format(also="".join(f', plan."{name}"' for name in more)))
        # A literal, because COPY takes no parameter for its file.
        target = str(folder / "arrivals.parquet").replace("'", "''")
        try:
            database.execute(f"copy arrivals to '{target}' (format parquet, compression zstd)")
        except duckdb.IOException as error:  # a full disk, seen through DuckDB
            raise OSError(errno.EIO, str(error).partition("\n")[0], str(folder / "arrivals.parquet")) from None
    return read_arrivals(folder), reasons


def _optional(plan: Plan) -> dict[str, Strings]:
    """Return the columns that only some plans have, as words: whence an arrival comes, and of which class it is."""
    more = {}
    if plan.place is not None:
        more["place"] = np.array(list(PLACES), dtype=object)[plan.place]
    if plan.abuser is not None:
        more["class"] = np.array([USERS, ABUSER], dtype=object)[plan.abuser.astype(np.int8)]
    return more


def generator_figures(folder: Path, arrivals: Arrivals) -> tuple[Generator, list[str]]:
    """Return how well the instrument did, and the reasons for which that makes the run void.

    Counts are over all arrivals with the warm-up, lateness over the counted ones that were sent.
    """
    summary = read_summary(folder) or _nothing_known(arrivals)
    sent = arrivals.sent_s[arrivals.counted & ~np.isnan(arrivals.sent_s)]
    due = arrivals.due_s[arrivals.counted & ~np.isnan(arrivals.sent_s)]
    lateness_ms = (sent - due) * 1000
    p50, p99 = np.percentile(lateness_ms, [50, 99]).tolist() if len(sent) else (0.0, 0.0)
    figures = Generator(
        planned=len(arrivals),
        started=summary.started,
        recorded=summary.recorded,
        unsent=int(np.sum(arrivals.outcome == Outcome.UNSENT.value)),
        lateness_ms_p50=round(p50, 3),
        lateness_ms_p99=round(p99, 3),
        lateness_ms_max=round(float(lateness_ms.max()), 3) if len(sent) else 0.0,
        in_flight_max=summary.in_flight_max,
        cpu_share=round(summary.cpu_s / summary.wall_s, 4) if summary.wall_s > 0 else 0.0,
        loop_lag_ms_p99=summary.loop_lag_ms_p99,
        loop_lag_ms_max=summary.loop_lag_ms_max,
    )
    return figures, _void_reasons(figures, summary, _why_unsent(arrivals))


def only_late(reasons: Sequence[str]) -> bool:
    """Whether nothing but the generator's lateness voids a run: a busy machine, not the target."""
    return bool(reasons) and all(_LATE in reason for reason in reasons)


_LATE = " ms late"


def _why_unsent(arrivals: Arrivals) -> str:
    """The reason that most unsent arrivals share, such as 'Too many open files'; '' when there is none."""
    details = Counter(map(str, arrivals.detail[arrivals.outcome == Outcome.UNSENT.value]))
    return details.most_common(1)[0][0] if details else ""


def _void_reasons(figures: Generator, summary: Summary, unsent_because: str) -> list[str]:
    reasons = []
    if not summary.finished:
        reasons.append("the load generator did not finish its plan")
    if figures.unsent:
        count = f"{figures.unsent} of {figures.planned} scheduled arrivals were never sent"
        reasons.append(f"{count} ({unsent_because})" if unsent_because else count)
    if not figures.planned == figures.started == figures.recorded:
        counts = f"{figures.planned} planned, {figures.started} started, {figures.recorded} recorded"
        reasons.append(f"the counts of arrivals differ: {counts}")
    if figures.lateness_ms_p99 > LATENESS_BOUND_MS:
        late = f"{figures.lateness_ms_p99:.0f}{_LATE} (p99)"
        reasons.append(f"the load generator was {late}, more than {LATENESS_BOUND_MS:.0f} ms")
    lag = f"the event loop of the load generator was {{:.0f}}{_LATE} ({{}}), more than {{:.0f}} ms"
    if summary.loop_lag_ms_p99 > LAG_BOUND_MS:
        reasons.append(lag.format(summary.loop_lag_ms_p99, "p99", LAG_BOUND_MS))
    if summary.loop_lag_ms_max > STALL_BOUND_MS:
        reasons.append(lag.format(summary.loop_lag_ms_max, "once", STALL_BOUND_MS))
    return reasons


def _load_raw(database: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Fill the table `raw` with what can be read of the files; `line` keeps their order."""
    columns = ", ".join(f"{name} {kind}" for name, kind in _RAW_COLUMNS.items())
    database.execute(f"create table raw (line bigint, {columns})")
    for path in paths:
        if not path.is_file() or path.stat().st_size == 0:
            continue
        # A broken line comes as a row of nulls.
        database.execute(
            "insert into raw select (select count(*) from raw) + row_number() over (), "  # noqa: S608
            f"{', '.join(_RAW_COLUMNS)} from read_json(?, "
            f"format='newline_delimited', ignore_errors=true, columns={_RAW_COLUMNS}) where seq is not null",
            [str(path)],
        )


def _oddities(database: duckdb.DuckDBPyConnection) -> list[str]:
    """Say what in the records cannot be, seen from the plan."""
    repeated = "select count(*) from (select seq from raw group by seq having count(*) > 1)"
    foreign = "select count(*) from raw where seq not in (select seq from plan)"
    reasons = []
    if count := _number(database, repeated):
        reasons.append(f"{count} arrivals have more than one record")
    if count := _number(database, foreign):
        reasons.append(f"{count} records belong to no scheduled arrival")
    return reasons


def _number(database: duckdb.DuckDBPyConnection, query: str) -> int:
    row = database.execute(query).fetchone()
    return int(row[0]) if row else 0


def _nothing_known(arrivals: Arrivals) -> Summary:
    """What can be said about a generator that died without a word: its records, which it must have started."""
    recorded = int(np.sum(arrivals.detail != "no record"))
    return Summary(False, len(arrivals), recorded, recorded, 0, 0.0, 0.0, 0, 0.0)
