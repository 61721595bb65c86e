"""Arrivals over run time, in few enough bins to draw: a million of them become a few hundred numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.checks.base import scheduled
from harness.history import Floats, History
from harness.stats import rank

MOST_BINS = 240
MOST_POINTS = 250
_BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Bin:
    """Arrivals due from `start_s` to `end_s`: how many, which share was good, and the good ones' latency (s).

    `share` is None where none was due, `p50_s` and `p95_s` where none was good.
    """

    start_s: float
    end_s: float
    total: int
    share: float | None
    p50_s: float | None
    p95_s: float | None


def binned(history: History, most: int = MOST_BINS) -> list[Bin]:
    """Return the run in bins of one second, or of as many whole seconds as make at most `most` bins."""
    arrivals = scheduled(history)
    good = arrivals.good(history.record.deadline_s)
    waits = arrivals.ended_s - arrivals.due_s
    duration_s = history.record.duration_s
    width = float(max(1, math.ceil(duration_s / most)))
    edges = np.append(np.arange(0.0, duration_s, width), duration_s)
    cuts = np.searchsorted(arrivals.due_s, edges)
    cuts[-1] = len(arrivals)
    bins = []
    for index in range(len(edges) - 1):
        part = slice(cuts[index], cuts[index + 1])
        served = np.sort(waits[part][good[part]])
        total = int(cuts[index + 1] - cuts[index])
        bins.append(
            Bin(
                start_s=float(edges[index]),
                end_s=float(edges[index + 1]),
                total=total,
                share=len(served) / total if total else None,
                p50_s=_percentile(served, 0.50),
                p95_s=_percentile(served, 0.95),
            )
        )
    return bins


def _percentile(ordered: Floats, q: float) -> float | None:
    return round(float(ordered[rank(len(ordered), q) - 1]), 4) if len(ordered) else None


def points(history: History, most: int = MOST_POINTS) -> list[tuple[float, float]]:
    """Return (due time, latency), both in s, of good arrivals: at most `most`, evenly spread over the order of due."""
    arrivals = scheduled(history)
    good = np.flatnonzero(arrivals.good(history.record.deadline_s))
    if len(good) > most:
        good = good[np.linspace(0, len(good) - 1, most).astype(np.int64)]
    due, waits = arrivals.due_s[good], (arrivals.ended_s - arrivals.due_s)[good]
    return [(round(float(at), 3), round(float(wait), 4)) for at, wait in zip(due, waits, strict=True)]


def fault_windows(history: History) -> list[tuple[float, float, str, bool]]:
    """Return (on, off, label, measured) of each fault, in s; planned times where the receipt has none."""
    windows = []
    duration_s = history.record.duration_s
    for fault in history.record.faults:
        on_s, off_s = fault.receipt.on_s, fault.receipt.off_s
        planned_off_s = duration_s if fault.planned_off_s is None else fault.planned_off_s
        start = fault.planned_on_s if on_s is None else on_s
        end = planned_off_s if off_s is None else off_s
        measured = on_s is not None and off_s is not None
        windows.append((start, min(end, duration_s), f"{fault.name}, {fault.aimed_at}", measured))
    return windows


def sparkline(history: History, width: int = 76) -> tuple[str, str, float]:
    """Return the good share as a line of blocks, a line that marks when faults were on, and the bins' width (s)."""
    bins = binned(history, width)
    windows = fault_windows(history)
    line, marks = "", ""
    for each in bins:
        line += " " if each.share is None else _BLOCKS[round(each.share * (len(_BLOCKS) - 1))]
        middle = (each.start_s + each.end_s) / 2
        struck = any(on <= middle < off or each.start_s <= on < each.end_s for on, off, _, _ in windows)
        marks += "^" if struck else " "
    return line, marks.rstrip(), bins[0].end_s - bins[0].start_s if bins else 0.0


def replicas(history: History) -> list[tuple[float, int]]:
    """Return (from when, s; how many) instances ran, all components together; up to the end of the run."""
    changes = [(change.t_s, change.component, change.count) for change in history.record.replicas]
    return steps_of(changes, history.record.duration_s)


def steps_of(changes: Iterable[tuple[float, str, int]], duration_s: float) -> list[tuple[float, int]]:
    """Return (from when, s; how many in all) of `changes` (when, of what, how many of it); up to the end of the run."""
    counts: dict[str, int] = {}
    steps: list[tuple[float, int]] = []
    for t_s, name, count in changes:
        counts[name] = count
        at_s = min(max(t_s, 0.0), duration_s)
        if steps and steps[-1][0] == at_s:
            steps.pop()  # what was before the counted window, or at the same moment
        steps.append((at_s, sum(counts.values())))
    return [*steps, (duration_s, steps[-1][1])] if steps else []
