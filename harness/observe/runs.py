"""One finished run as series: from its history, its part of the summary, and what was written down beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from harness import cost, pressure
from harness.history import History, RunRecord, read_history
from harness.observe import names
from harness.observe.arrivals import arrival_series, last_end
from harness.observe.costs import cost_series
from harness.observe.ended import series_of_end
from harness.observe.events import Began, fault_windows, read_began
from harness.observe.series import Axis, Series
from harness.summary import run_part
from harness.summary_schema import RunPart

Labels = Mapping[str, str]
MACHINE: tuple[tuple[names.Metric, Labels, str], ...] = (
    *((names.PRESSURE, {"resource": kind}, f"{kind}_some") for kind in ("cpu", "memory", "io")),
    (names.MACHINE_BUSY, {}, "cpu_busy"),
    (names.MACHINE_STEAL, {}, "steal"),
)
"""Which metric, with which labels beside the run's, each key of `pressure.jsonl` is."""

GENERATOR: Labels = {"process": "generator"}


def labels_of(record: RunRecord, campaign: str) -> dict[str, str]:
    """Return the labels of everything that belongs to a run."""
    return {"phase": record.phase, "experiment": record.experiment, "run": f"{campaign}/{record.run}"}


def series_of_run(folder: Path, campaign: str, part: RunPart | None = None) -> Iterator[Series]:
    """Yield all series of the run in `folder`; `part` is what the summary says about it, if there is one.

    A run that ended before its load began has none. Raises Unreadable naming what is missing or spoilt.
    """
    began = read_began(folder)
    if began is None:
        return
    history = read_history(folder)
    record = history.record
    labels = labels_of(record, campaign)
    windows = fault_windows(record, began.events)
    axis = _axis(history, began, windows)
    yield from arrival_series(history, axis, labels)
    yield from _faults(record, windows, axis, labels)
    yield from _target(record, axis, labels)
    yield from _machine(folder, record.duration_s, axis, labels)
    yield from series_of_end(record, part or run_part(history), axis, labels, campaign)


def _axis(history: History, began: Began, windows: list[tuple[float, float] | None]) -> Axis:
    """From the warm-up until everything is over: arrivals, faults, alerts."""
    record = history.record
    heard_s = record.listening.until_s if record.listening else None
    until_s = max(last_end(history), heard_s or 0.0, *(window[1] for window in windows if window), 0.0)
    return Axis(began.t0_s, -record.warmup_s - 1, until_s + 1)


def _faults(
    record: RunRecord, windows: list[tuple[float, float] | None], axis: Axis, labels: Labels
) -> Iterator[Series]:
    yield Series(names.EXPERIMENT_ACTIVE, labels, *axis.windows([(0.0, record.duration_s)]))
    biting: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for fault, window in zip(record.faults, windows, strict=True):
        biting[fault.name, fault.aimed_at] += [window] if window else []
    for (fault_name, target), spans in biting.items():
        named = {**labels, "fault": fault_name, "target": target}
        yield Series(names.FAULT_ACTIVE, named, *axis.windows(spans))


def _target(record: RunRecord, axis: Axis, labels: Labels) -> Iterator[Series]:
    """What the target did about its size, and what it told its pager."""
    ran: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for running in record.replicas:
        ran[running.component].append((running.t_s, running.count))
    for component, changes in ran.items():
        yield Series(names.REPLICAS, {**labels, "component": component}, *axis.steps(changes))
    decided: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for decision in record.decisions:
        decided[decision.of].append((decision.t_s, decision.after))
    for component, changes in decided.items():
        yield Series(names.DECISION, {**labels, "component": component}, *axis.steps(changes))
    firing: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for alert in record.alerts or []:
        end_s = axis.until_s if alert.resolved_s is None else alert.resolved_s
        firing[alert.name, alert.severity].append((alert.received_s, end_s))
    for (alertname, severity), spans in firing.items():
        named = {**labels, "alertname": alertname, "severity": severity}
        yield Series(names.ALERT_FIRING, named, *axis.windows(spans))


def _machine(folder: Path, duration_s: float, axis: Axis, labels: Labels) -> Iterator[Series]:
    """How busy the machine was, and with what: a sample for each row of `pressure.jsonl` and of `cost.jsonl`."""
    rows = pressure.read_rows(folder / pressure.FILE)
    for metric, more, key in MACHINE:
        said = [(row["t_s"], row[key]) for row in rows if row.get(key) is not None]
        if said:
            yield Series(metric, {**labels, **more}, *axis.said(said))
    roles, spent = cost.read_cost(folder / cost.FILE)
    yield from cost_series(roles, spent, duration_s, axis, labels)
    used = [] if spent else generator_seconds(rows)  # in older runs
    if used:
        yield Series(names.HARNESS_CPU, {**labels, **GENERATOR}, *axis.said(used))


def generator_seconds(rows: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return (run time, s of a processor that the load generator has used since the first row's second began)."""
    if not any(row.get("generator_cpu") is not None for row in rows):
        return []
    moments = [rows[0]["t_s"] - pressure.EVERY_S, *(row["t_s"] for row in rows)]
    spans = [max(0.0, after - before) for before, after in pairwise(moments)]
    used = accumulate((row.get("generator_cpu") or 0.0) * span for row, span in zip(rows, spans, strict=True))
    return list(zip(moments, [0.0, *used], strict=True))
