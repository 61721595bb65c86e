"""A stored campaign of many arrivals, as a long night of runs would leave it: made by DuckDB, no load, no engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from harness.campaign_record import write_campaign
from harness.claims import load_claims
from harness.conclusion import store_claims
from harness.experiment import known_experiments
from harness.history import FaultRecord, Generator, write_record
from harness.target import find_target
from tests.fakes.histories import campaign, fault, history

RATE_PER_S = 1000.0
DOWN_S = (40.0, 70.0)

# Latency is log-normal round 0.6 s (Box and Muller); while the fault is on every arrival ends with an error.
_ARRIVALS = """
create table arrivals as
with drawn as (
    select i as seq, (i + random()) / {rate} as due_s, random() as a, random() as b, random() as k
    from range({count}) t(i)
), told as (
    select *, due_s between {on_s} and {off_s} as bad,
           0.6 * exp(0.3 * sqrt(-2 * ln(1 - a)) * cos(2 * pi() * b)) as wait_s from drawn
)
select seq, case when k < 0.5 then 'chat' when k < 0.8 then 'stream' else 'read' end as kind, true as counted, due_s,
       due_s + 0.001 as sent_s, due_s + wait_s / 2 as first_byte_s,
       case when bad then due_s + 0.05 else due_s + wait_s end as ended_s,
       case when bad then 'http_error' else 'ok' end as outcome,
       (case when bad then 503 else 200 end)::bigint as status, uuid()::varchar as conversation_id,
       case when bad then '' else uuid()::varchar end as user_message_id,
       case when bad then '' else uuid()::varchar end as assistant_message_id,
       case when bad then '' else 'openai' end as provider,
       case when bad then '503 Service Unavailable: the database does not answer' else '' end as detail
from told order by due_s, seq
"""


def write_night(folder: Path, total: int, experiments: dict[str, FaultRecord | None]) -> None:
    """Write a campaign of `total` arrivals, the same number for each experiment, into the empty `folder`."""
    count = total // len(experiments)
    runs = []
    for number, (name, struck) in enumerate(experiments.items(), start=1):
        run = folder / "runs" / f"{number:02d}-{name}-1"
        run.mkdir(parents=True)
        record = history(experiment=name, faults=[struck] if struck else []).record
        told = Generator(count, count, count, 0, 1.1, 4.2, 9.9, 40, 0.2)
        changes = {"run": run.name, "rate_per_s": RATE_PER_S, "duration_s": count / RATE_PER_S, "generator": told}
        write_record(run, replace(record, **changes))
        write_arrivals(run / "arrivals.parquet", count, DOWN_S if struck else (-1.0, -1.0))
        runs.append(f"runs/{run.name}")
    store_claims(folder, load_claims(find_target("v1").folder / "claims.toml", known_experiments()))
    write_campaign(folder, campaign(campaign=folder.name, runs=tuple(runs), void_because=()))


def write_arrivals(path: Path, count: int, down_s: tuple[float, float]) -> None:
    """Write `count` arrivals in the format of `harness.load.arrivals`, with an outage."""
    with duckdb.connect() as database:
        query = _ARRIVALS.format(rate=RATE_PER_S, count=count, on_s=down_s[0], off_s=down_s[1])
        database.execute("select setseed(0.5)")
        database.execute(query)
        database.execute(f"copy arrivals to '{path}' (format parquet, compression zstd)")


def struck() -> FaultRecord:
    """The fault of the night: as long as the arrivals say."""
    return fault(DOWN_S[0], DOWN_S[1], planned_off_s=DOWN_S[1])
