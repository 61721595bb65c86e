"""One run of a calibration, through the chain that experiments use: plan, Locust, arrivals, record, history.

Nothing here is a shortcut: the modules are those of `harness.run`, only that a scripted server stands where the
target does, and that its episodes are written down as the run's faults, with receipts of the server's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness.calibration.process import ReferenceServer, Served
from harness.calibration.script import Episode, Form, Script
from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.history import Arrivals, EventLog, FaultRecord, Receipt, RunRecord, write_record
from harness.load.arrivals import LATENESS_BOUND_MS, generator_figures, write_arrivals
from harness.load.generator import LoadGenerator
from harness.load.plan import Plan, make_plan

PHASE = "calibration"
WARMUP_S = 1.0
HEAD_START_S = 0.3
START_S = 60.0  # importing Locust on a busy machine
GRACE_S = 10.0
SWITCH_BOUND_MS = 20.0
"""Largest lateness (ms) of the server's own switches. Beyond it the truth was not what the script says: at 100/s each
such edge misplaces two arrivals, and that would be blamed on the instrument."""

MIX = Mix()
HYPOTHESIS = "The reference server's script is what the report shows."


@dataclass(frozen=True)
class WayThere:
    """How long (ms) arrivals took from when they were due to the server: lateness and the way. It blurs edges."""

    p50: float
    p99: float


def run_once(script: Script, rate: float, seed: int, folder: Path) -> tuple[Plan, WayThere | None, RunRecord]:
    """Carry out one run in `folder`, which is empty; its record and arrivals are on disk afterwards.

    Return the plan, how long arrivals took to the server (None when it did not say) and the record. An instrument
    that fails makes the run void; it raises nothing but what interrupts it.
    """
    plan = make_plan(rate, script.duration_s, WARMUP_S, MIX, seed)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    doubts: list[str] = []
    served: Served | None = None
    try:
        served = _carry_out(script, plan, folder)
    except InstrumentError as error:
        doubts.append(str(error))
    arrivals, oddities = write_arrivals(folder, plan)
    figures, reasons = generator_figures(folder, arrivals)
    faults = [_fault(script, index, served) for index in range(len(script.episodes))]
    way = _way_there(served, arrivals)
    doubts += oddities + reasons + _server_doubts(faults, way)
    record = RunRecord(
        schema=1,
        run=folder.name,
        phase=PHASE,
        experiment=script.name,
        hypothesis=HYPOTHESIS,
        repeat=1,
        seed=seed,
        started=started,
        rate_per_s=rate,
        users=None,
        think_s=None,
        deadline_s=script.deadline_s,
        warmup_s=WARMUP_S,
        duration_s=script.duration_s,
        shares={"chat": MIX.chat, "stream": MIX.stream, "read": MIX.read},
        faults=faults,
        durability=None,
        generator=figures,
        void_because=doubts,
    )
    write_record(folder, record)
    return plan, way, record


def _carry_out(script: Script, plan: Plan, folder: Path) -> Served:
    events = EventLog(folder / "events.jsonl")
    try:
        with ReferenceServer(folder, script) as server:
            server.ready(START_S)
            deadline_s = script.deadline_s
            with LoadGenerator(folder, plan, host=server.url, run=folder.name, deadline_s=deadline_s) as load:
                load.ready(START_S)
                server.check()
                clock = RunClock.starting_in(WARMUP_S + HEAD_START_S)
                load.go(clock)  # the server reads the same file: both have the same zero
                events.write(clock.now(), "run_started", run=folder.name, t0=clock.wall(0).isoformat())
                load.wait(script.duration_s + deadline_s + GRACE_S, on_tick=server.check)
                events.write(clock.now(), "load_ended")
            return server.finish()
    finally:
        events.close()


def _fault(script: Script, index: int, served: Served | None) -> FaultRecord:
    """Return the episode as a fault of the run, with what the server itself says about it as its receipt."""
    episode = script.episodes[index]
    requested = {"share": episode.share, **({"seconds": episode.seconds} if episode.seconds else {})}
    receipt = Receipt("missing", requested, {}, None, None, ["The reference server did not say what it did."])
    if served is not None and episode.form is Form.REFUSED:
        receipt = _switched(episode, requested, served.switches.get(index, []))
    elif served is not None:
        hit = sum(1 for _, _, which in served.requests if which == index)
        said = [f"The server did it to {hit} requests, by the run's clock."]
        receipt = Receipt("confirmed", requested, {"requests": hit}, episode.start_s, episode.end_s, said)
    where = "all" if episode.share >= 1 else f"{100 * episode.share:g} %"
    return FaultRecord(str(episode.form), where, episode.start_s, episode.end_s, receipt.status != "missing", receipt)


def _switched(episode: Episode, requested: dict[str, Any], moments: list[float]) -> Receipt:
    """Return the receipt of a closed socket; `moments` (run time, s) are when it was really closed and opened."""
    if len(moments) != 2:
        return Receipt("missing", requested, {}, None, None, ["The socket was not closed and opened again."])
    closed_s, opened_s = (round(moment, 6) for moment in moments)
    late_ms = 1000 * max(abs(closed_s - episode.start_s), abs(opened_s - episode.end_s))
    status = "confirmed" if late_ms <= SWITCH_BOUND_MS else "mismatch"
    said = [f"The socket was closed at {closed_s} s and opened at {opened_s} s."]
    return Receipt(status, requested, {"late_ms": round(late_ms, 3)}, closed_s, opened_s, said)


def _way_there(served: Served | None, arrivals: Arrivals) -> WayThere | None:
    """Compare when requests reached the server with when they were due, for counted arrivals."""
    if served is None or not served.requests:
        return None
    due = dict(zip(arrivals.seq.tolist(), arrivals.due_s.tolist(), strict=True))
    taken = [(t - due[seq]) * 1000 for t, seq, _ in served.requests if due.get(seq, -1.0) >= 0]
    if not taken:
        return None
    p50, p99 = np.percentile(taken, [50, 99]).tolist()
    return WayThere(round(p50, 3), round(p99, 3))


def _server_doubts(faults: list[FaultRecord], way: WayThere | None) -> list[str]:
    reasons = [
        f"the receipt of {f.name} at {f.planned_on_s:g} s is missing" for f in faults if f.receipt.status == "missing"
    ]
    reasons += [
        f"{f.name} at {f.planned_on_s:g} s began or ended {f.receipt.delivered['late_ms']:.0f} ms late (once)"
        for f in faults
        if f.receipt.status == "mismatch"
    ]
    if way is not None and way.p99 > LATENESS_BOUND_MS:
        reasons.append(f"requests reached the reference server {way.p99:.0f} ms late (p99)")
    return reasons
