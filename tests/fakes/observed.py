"""A tiny recorded campaign with everything that metrics are made of, written by the harness's own writers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness import pressure
from harness.alerts import Alert, Listening
from harness.arrivals import ABUSER, USERS
from harness.campaign_record import read_campaign
from harness.claims import Claims
from harness.history import EVENTS, Decision, EventLog, History, Outcome, Running
from harness.judge import judge
from harness.summary import build_summary, write_summary
from tests.fakes.histories import Hang, Trouble, claim, fault, history
from tests.fakes.stored import stored_campaign

CAMPAIGN = "v1-20261123-100000-abcd"
T0 = {"database_crash-1": "2026-11-23T10:01:00.123456+00:00", "control-1": "2026-11-23T10:03:00.987654+00:00"}
"""When each run's zero was."""

ON_S, OFF_S = 8.2504, 19.9996
"""When the fault of the first run bit, by its receipt."""


def crashed() -> History:
    """A run in which the database crashed, an autoscaler decided, and somebody was called."""
    made = history(
        Hang(8.0, 12.0),
        Trouble(12.0, 20.0, Outcome.HTTP_ERROR),
        Trouble(25.0, 26.0, Outcome.LIMITED, share=0.3),
        faults=[fault(ON_S, OFF_S)],
        experiment="database_crash",
        clients=100,
    )
    record = replace(
        made.record,
        replicas=[Running(-2.0, "app-a", 2), Running(15.25, "app-a", 3)],
        decisions=[Decision(14.0, "autoscaler", "app-a", 2, 3, "above_target")],
        alerts=[Alert("Down", "page", {"zone": "a"}, 9.0, 10.5, 22.0), Alert("Slow", "ticket", {}, 11.0, 12.0, None)],
        listening=Listening(until_s=52.0),
    )
    return replace(made, record=record)


def abused() -> History:
    """A run of places, with an abuser, in which nothing is broken."""
    made = history(experiment="control", clients=100)
    size = len(made.arrivals)
    mine = np.arange(size) % 5 == 0
    outcome = np.where(mine & (np.arange(size) % 2 == 0), Outcome.LIMITED.value, made.arrivals.outcome).astype(object)
    arrivals = replace(
        made.arrivals,
        outcome=outcome,
        place=np.where(np.arange(size) % 2 == 0, "tokyo", "virginia").astype(object),
        client_class=np.where(mine, ABUSER, USERS).astype(object),
    )
    return History(replace(made.record, abuser_per_s=4.0), arrivals)


def observed_campaign(folder: Path, *, name: str = CAMPAIGN) -> tuple[Path, dict[str, Any]]:
    """Write a judged campaign of two runs below `folder`; return its own folder and its summary."""
    histories = [crashed(), abused()]
    claims = Claims(schema=1, source="seed.md", claims=(claim(at_most=0.5), claim(id="other", at_most=0.001)))
    campaign = stored_campaign(folder / name, claims, histories)
    for made in histories:
        write_beside(campaign / "runs" / made.record.run, made)
    summary = build_summary(read_campaign(campaign), histories, judge(claims, histories))
    write_summary(campaign, summary)
    return campaign, summary


def write_beside(run: Path, made: History) -> None:
    """Write what lies beside a run's record: its events, and how busy the machine was."""
    events = EventLog(run / EVENTS)
    record = made.record
    events.write(-3.3, "run_started", run=record.run, t0=T0[record.run], rate_per_s=record.rate_per_s)
    for one in record.faults:
        about = {"fault": one.name, "aimed_at": one.aimed_at}
        events.write(8.0, "fault_asked", **about)
        events.write(8.4, "fault_on", **about)
        events.write(20.1, "fault_off", **about)
        events.write(20.2, "receipt", **about, status="confirmed", on_s=one.receipt.on_s, off_s=one.receipt.off_s)
    events.close()
    rows = [
        {"t_s": float(second), "cpu_some": 0.25, "io_some": None, "cpu_busy": 0.5, "generator_cpu": 0.125}
        for second in range(-2, 40)
    ]
    (run / pressure.FILE).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
