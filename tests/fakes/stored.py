"""A stored campaign, as a harness would have left it, made of synthetic histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb

from harness.arrivals import STORED_AS
from harness.campaign_record import write_campaign
from harness.claims import Claims
from harness.conclusion import store_claims
from harness.history import Arrivals, History, write_record
from tests.fakes.histories import campaign


def write_arrivals(folder: Path, arrivals: Arrivals) -> None:
    """Write `arrivals.parquet` from columns; a run without places or abuser has none of theirs."""
    columns = {STORED_AS.get(f.name, f.name): getattr(arrivals, f.name) for f in fields(Arrivals)}
    rows = {name: column for name, column in columns.items() if column is not None}
    with duckdb.connect() as database:
        database.register("rows", rows)
        database.execute(f"copy (select * from rows) to '{folder / 'arrivals.parquet'}' (format parquet)")


def stored_campaign(folder: Path, claims: Claims, histories: Sequence[History], **changes: Any) -> Path:
    """Write manifest, claims and runs into `folder`, and return it."""
    (folder / "runs").mkdir(parents=True)
    for history in histories:
        run = folder / "runs" / history.record.run
        run.mkdir(parents=True)
        write_record(run, history.record)
        write_arrivals(run, history.arrivals)
    runs = tuple(f"runs/{history.record.run}" for history in histories)
    write_campaign(folder, campaign(campaign=folder.name, runs=runs, **changes))
    store_claims(folder, claims)
    return folder
