"""Campaigns as files, in which it is known what pages have to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

EVENTS: list[dict[str, Any]] = [
    {"t_s": -3.0, "event": "run_started"},
    {"t_s": 8.0, "event": "fault_asked", "fault": "crash", "aimed_at": "role app"},
    {"t_s": 8.4, "event": "fault_on", "fault": "crash", "aimed_at": "role app"},
    {"t_s": 12.1, "event": "fault_off", "fault": "crash", "aimed_at": "role app"},
    {"t_s": 12.2, "event": "receipt", "fault": "crash", "aimed_at": "role app", "status": "confirmed",
     "on_s": 8.25, "off_s": 12.5, "evidence": ["testbed-v1-app-1: killed."]},
]  # fmt: skip


def store(
    root: Path, name: str, *, started: str = "2026-11-25T01:00:00+00:00", arrivals: int = 200, **changes: Any
) -> Path:
    """Write a campaign with one run: `arrivals` in 20 s, all of them good but those of the seconds 8 to 12."""
    folder = root / name
    run = folder / "runs" / "01-app_crash-1"
    run.mkdir(parents=True)
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    with duckdb.connect() as database:
        database.execute(
            "copy (select range * 20.0 / $n as due_s, range * 20.0 / $n + 0.5 as ended_s, true as counted,"
            " if(range * 20.0 / $n between 8 and 12, 'reset', 'ok') as outcome from range($n))"
            f" to '{run / 'arrivals.parquet'}' (format parquet)",
            {"n": arrivals},
        )
    (folder / "summary.json").write_text(json.dumps(summary(name, started, arrivals, **changes)))
    (folder / "report.html").write_text("<!doctype html><title>the report</title>")
    return folder


def summary(
    name: str, started: str, arrivals: int, *, phase: str = "v1", valid: bool = True, lost_s: float = 4.125
) -> dict[str, Any]:
    fault = {
        "name": "crash", "aimed_at": "role app", "receipt": "confirmed", "lost_s": lost_s, "recovered_after_s": 2.5,
        "recovery_censored": False, "evidence": ["testbed-v1-app-1: killed."],
    }  # fmt: skip
    run = {
        "run": "01-app_crash-1", "experiment": "app_crash", "valid": valid, "scheduled": arrivals, "deadline_s": 10.0,
        "availability": {"value": 0.7951, "low": 0.7325, "high": 0.8455}, "faults": [fault],
        "latency_ms": {"p50": 500.0, "p95": None, "p99": None},
        "durability": {"acknowledged": 160, "lost": 3, "duplicated": 0, "reordered": 0, "unchecked": 0},
    }  # fmt: skip
    claim = {
        "id": "x", "quote": "Se cair <b>", "claimed": "It falls.", "standing": "tested", "verdict": "HELD",
        "because": "", "measured": {"text": "79.51 %"},
    }  # fmt: skip
    return {
        "campaign": name, "phase": phase, "started": started, "runs": [run], "claims": [claim], "verdict": "HELD",
        "valid": valid, "command": "make experiment PHASE=v1",
    }  # fmt: skip
