"""Latency: how long users wait, counted from when their request was due."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.checks.base import SEED, Question, Threshold, more_hint, nothing, runs_hint, scheduled
from harness.history import Floats, History
from harness.stats import Interval, block_bootstrap, figure_over_runs, first_count, quantile, quantile_ranks
from harness.verdict import Measurement, Verdict


def latency(histories: Sequence[History], question: Question) -> Measurement:
    """Return the `percentile` (default 95) of the latency of all runs, in seconds.

    Latency runs from the due time, so that waiting in a queue of ours or theirs counts. An arrival without a good
    answer counts as slower than any bound (+inf): a target must not look fast by failing.
    """
    q = question.parameters["percentile"] / 100
    runs = [waits(history, question.kinds, question.place) for history in histories]
    runs = [run for run in runs if len(run)]
    if not runs:
        return nothing("arrivals", "s", "no arrival of these kinds was scheduled")
    values = np.concatenate(runs)
    interval = quantile(values, q) if len(runs) == 1 else _over_runs(runs, values, q)
    hint = _hint(values, q, question.threshold, interval, len(runs))
    return Measurement(interval.value, interval.low, interval.high, len(values), "arrivals", "s", hint)


def _over_runs(runs: Sequence[Floats], values: Floats, q: float) -> Interval:
    """Return the q-quantile of all `values`, with an interval over whole runs: how slow the next one may be."""

    def pooled(some: Sequence[Floats]) -> float:
        return quantile(np.concatenate(some), q).value

    found = figure_over_runs(runs, pooled)
    if found is None:  # infinite in some of them: then only resampling says how often
        return quantile(values, q).widened(block_bootstrap(runs, pooled, SEED))
    return replace(found, low=max(0.0, found.low))


def waits(history: History, kinds: frozenset[str], place: str | None = None) -> Floats:
    """Return the latency (s) of every scheduled arrival of these kinds, +inf where there was no good answer."""
    arrivals = scheduled(history, kinds, place)
    good = arrivals.good(history.record.deadline_s)
    return np.where(good, arrivals.ended_s - arrivals.due_s, math.inf)


def _hint(values: Floats, q: float, threshold: Threshold | None, interval: Interval, runs: int) -> str:
    """Return how many more arrivals, or runs, would decide, were the share inside the bound to stay what it is."""
    if threshold is None or threshold.decide(interval.low, interval.high) is not Verdict.INCONCLUSIVE:
        return ""
    if runs > 1 and math.isfinite(interval.low) and math.isfinite(interval.high):
        return runs_hint(interval, runs, threshold)
    share = float(np.count_nonzero(values <= threshold.bound)) / len(values)

    def decides(total: int) -> bool:
        lower, upper = quantile_ranks(total, q)
        inside = share * total
        return inside >= upper or inside < lower

    return more_hint(first_count(decides, len(values) + 1), len(values), "arrivals")
