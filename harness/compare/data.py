"""The comparison as plain data: what comparison.json holds, and all that both reports are made from."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.campaign_record import Git, read_campaign
from harness.compare.cell import Against, Cell, Time, Untested
from harness.compare.matrix import Matrix, Phase
from harness.compare.paired import Difference
from harness.compare.places import Faster, FasterClaim, PlaceRow
from harness.compare.tradeoffs import UNTESTED, Tradeoffs
from harness.compare.year import verdict as year_verdict
from harness.errors import HarnessError
from harness.experiment import load_experiment
from harness.history import RECORD
from harness.judge import ClaimVerdict
from harness.kept import is_kept, not_from_here
from harness.stats import Interval
from harness.summary import finite
from harness.verdict import Measurement

WORST_INCIDENTS = 3


def as_data(matrix: Matrix, tradeoffs: Tradeoffs, out: Path, made: datetime, git: Git) -> dict[str, Any]:
    """Return the comparison as what `json.dumps` takes. `out` is the folder it is written to: links lead from there."""
    data = {
        "schema": 1,
        "made": made.isoformat(timespec="seconds"),
        "git": {"sha": git.sha, "dirty": git.dirty},
        "phases": [_phase(column) for column in matrix.phases],
        "experiments": [_row(name, matrix, out) for name in matrix.experiments],
        "places": [_place(row) for row in matrix.places],
        "faster": [_faster_claim(claim) for claim in matrix.faster],
        "projections": {column.phase: _projection(column) for column in matrix.phases},
        "complexity": {c.phase: c.complexity and asdict(c.complexity) for c in matrix.phases},
        "tradeoffs": {a: {p: vars(cell) for p, cell in row.items()} for a, row in tradeoffs.rows.items()},
        "costs": [_spread_out(asdict(cost), ("nines", "per_nine", "hours_lost")) for cost in tradeoffs.costs],
        "break_even": [_spread_out(asdict(each), ("avoided",)) for each in tradeoffs.break_evens],
        "not_projected": list(tradeoffs.missing),
    }
    plain: dict[str, Any] = finite(data)
    return plain


def _phase(column: Phase) -> dict[str, Any]:
    campaigns = sorted({(cell.campaign, cell.seed) for cell in column.measured})
    return {
        "phase": column.phase,
        "title": column.title,
        "target": column.target is not None,
        "campaigns": [{"campaign": name, "seed": seed} for name, seed in campaigns],
        "kept": [not_from_here(read_campaign(folder)) for folder in column.kept],
        "measured": len(column.measured),
        "untested": len(column.cells) - len(column.measured),
    }


def _row(name: str, matrix: Matrix, out: Path) -> dict[str, Any]:
    cells = {column.phase: _cell(column.cells[name], out) for column in matrix.phases}
    return {"experiment": name, "hypothesis": _hypothesis(name), "cells": cells}


def _hypothesis(name: str) -> str:
    try:
        return load_experiment(name).hypothesis
    except HarnessError:  # an experiment that is no longer there, or cannot be read: its runs still are
        return ""


def _cell(cell: Cell | Untested, out: Path) -> dict[str, Any]:
    if isinstance(cell, Untested):
        return {"tested": False, "label": UNTESTED, "because": cell.because}
    return {
        "tested": True,
        "label": cell.verdict.value if cell.verdict is not None else "NO CLAIM",
        "claims": [_claim(verdict) for verdict in cell.claims],
        "availability": _interval(cell.availability),
        "lost_s": cell.lost_s,
        "harmed": cell.harmed,
        "mitigated": _time(cell.mitigated),
        "recovered": _time(cell.recovered),
        "p95_s": _measurement(cell.p95),
        "messages": None
        if cell.acknowledged is None
        else {"acknowledged": cell.acknowledged, "lost": cell.messages_lost},
        "alerts": _alerts(cell),
        "campaign": cell.campaign,
        "seed": cell.seed,
        "runs": list(cell.runs),
        "run_seeds": [history.record.seed for history in cell.histories],
        "link": _link(cell, out),
        "asks": cell.asks,
        "fingerprint": cell.fingerprint,
        "asks_otherwise_today": list(cell.stale),
        "against": _against(cell.against),
    }


def _link(cell: Cell, out: Path) -> str:
    """Where a person reads on: the run in its campaign's report, or its record where the report is not committed."""
    report = cell.folder / "report.html"
    if is_kept(cell.folder):
        return Path(os.path.relpath(cell.folder / "runs" / cell.runs[0] / RECORD, out.resolve())).as_posix()
    return f"{Path(os.path.relpath(report, out.resolve())).as_posix()}#run-{cell.runs[0]}"


def _claim(verdict: ClaimVerdict) -> dict[str, Any]:
    claim = verdict.claim
    fields = {name: getattr(claim, name) for name in ("id", "quote", "line", "claimed", "kind")}
    return {**fields, "verdict": verdict.verdict.value, "measured": verdict.measured, "because": verdict.because}


def _alerts(cell: Cell) -> dict[str, Any]:
    return {"because": cell.alerts_because, "lead_s": _measurement(cell.lead), "delay_s": _measurement(cell.delay)}


def _against(against: Against | None) -> dict[str, Any] | None:
    if against is None:
        return None
    return {
        "phase": against.phase,
        "finding": against.finding.value if against.finding is not None else None,
        "because": against.because,
        "availability": _difference(against.availability),
        "p95": _difference(against.p95),
        "note": against.note,
    }


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {**vars(difference.interval), "unit": difference.unit, "pairs": difference.pairs}


def _interval(interval: Interval | None) -> dict[str, float] | None:
    return dict(vars(interval)) if interval is not None else None


def _time(time: Time | None) -> dict[str, float | None] | None:
    return dict(vars(time)) if time is not None else None


def _measurement(measured: Measurement | None) -> dict[str, Any] | None:
    """The figures. JSON has no infinity: `endless` says which way one went."""
    if measured is None or measured.value is None:
        return None if measured is None else {"value": None, "because": measured.because}
    endless = {"endless": "up" if measured.value > 0 else "down"} if math.isinf(measured.value) else {}
    fields = {name: getattr(measured, name) for name in ("value", "low", "high", "count", "of", "because")}
    return {**fields, **endless}


def _place(row: PlaceRow) -> dict[str, Any]:
    by_phase = {
        phase: None if pair is None else {"p50": _measurement(pair[0]), "p95": _measurement(pair[1])}
        for phase, pair in row.by_phase.items()
    }
    return {"place": row.place, "rtt_ms": row.rtt_ms, "by_phase": by_phase}


def _faster_claim(claim: FasterClaim) -> dict[str, Any]:
    said = {name: getattr(claim.claim, name) for name in ("id", "quote", "line", "claimed")}
    return {
        **said,
        "phase": claim.phase,
        "than": claim.claim.faster_than,
        "verdict": claim.verdict.value,
        "because": claim.because,
        "rows": [_faster(row) for row in claim.rows],
    }


def _faster(row: Faster) -> dict[str, Any]:
    return {
        "place": row.place,
        "percentile": row.q * 100,
        "verdict": row.verdict.value,
        "because": row.because,
        "difference": _difference(row.difference),
    }


def _projection(column: Phase) -> dict[str, Any] | None:
    projection = column.projection
    if projection is None:
        return None
    return {
        "years": projection.years,
        "seed": projection.seed,
        "availability": _three(projection.availability),
        "minutes_lost_a_year": _three(projection.minutes),
        "incomplete": [{"id": i.id, "what": i.what, "experiments": list(i.experiments)} for i in column.lacks],
        "unseen_minutes": projection.unseen_minutes,
        "worst": [
            {
                "id": s.row.incident.id,
                "what": s.row.incident.what,
                "minutes": s.minutes,
                "low": s.minutes_low,
                "high": s.minutes_high,
                "assumed": s.row.incident.assumed,
            }
            for s in projection.swings[:WORST_INCIDENTS]
        ],
        "not_measured": [{"id": i.id, "what": i.what, "because": why} for i, why in projection.missing],
        "claims": [
            {
                "id": c.claim.id,
                "claimed": c.claim.claimed,
                "line": c.claim.line,
                "chance": c.chance,
                "chance_with_unseen": c.cautious,
                "verdict": year_verdict(c.verdict, bool(column.lacks)).value,
            }
            for c in projection.claims
        ],
    }


def _three(values: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("mean", "low", "high"), values, strict=True))


def _spread_out(data: Mapping[str, Any], triples: tuple[str, ...]) -> dict[str, Any]:
    return {key: _three(value) if key in triples else value for key, value in data.items()}
