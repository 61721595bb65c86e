"""From the history of a run to the figures that the gate compares: pure."""

from __future__ import annotations

import numpy as np

from harness.checks.anatomy import anatomies
from harness.checks.base import ALL_KINDS, ends, scheduled
from harness.gate.metrics import METRICS
from harness.history import Arrivals, Bools, Floats, History, Kind
from harness.stats import quantile

FEWEST = 5  # of so few values a mean or a percentile says nothing about a run


def run_figures(history: History) -> dict[str, float | None]:
    """Return every metric of `METRICS` for one run; None where the run has nothing to measure it by.

    Latencies are those of good answers from their due time (s). Recovery is cut off at the time watched, so that a
    target that never recovered counts with what was seen of it (the restricted recovery time); the longest counts.
    """
    arrivals, deadline_s = scheduled(history, ALL_KINDS), history.record.deadline_s
    good = arrivals.good(deadline_s)
    wait_s = ends(arrivals, deadline_s) - arrivals.due_s
    reads, chats = _of_kind(arrivals, good, Kind.READ), _of_kind(arrivals, good, Kind.CHAT)
    streams = _of_kind(arrivals, good, Kind.STREAM)
    durability = history.record.durability
    figures = {
        "availability": _mean(good.astype(np.float64)),
        "read_p50_s": _percentile(wait_s[reads], 0.50),
        "read_p95_s": _percentile(wait_s[reads], 0.95),
        "chat_p50_s": _percentile(wait_s[chats], 0.50),
        "chat_p95_s": _percentile(wait_s[chats], 0.95),
        "first_byte_p50_s": _percentile((arrivals.first_byte_s - arrivals.due_s)[streams], 0.50),
        "lost_s": int(np.count_nonzero(~good)) / history.record.rate_per_s,
        "recovery_s": _recovery(history),
        "wait_mean_s": _mean(wait_s),
        "failure_wait_s": _mean(wait_s[~good]),
        "messages_lost": None if durability is None else float(durability.lost),
    }
    # A microsecond is more than any of these means.
    return {metric.name: _rounded(figures[metric.name]) for metric in METRICS}


def _of_kind(arrivals: Arrivals, good: Bools, kind: Kind) -> Bools:
    return np.asarray(good & (arrivals.kind == kind.value), dtype=np.bool_)


def _percentile(values: Floats, q: float) -> float | None:
    known = values[np.isfinite(values)]
    return quantile(known, q).value if len(known) >= FEWEST else None


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) >= FEWEST else None


def _recovery(history: History) -> float | None:
    seen = [anatomy for anatomy in anatomies(history) if anatomy is not None]
    times = [a.watched_s if a.recovered_after_s is None else a.recovered_after_s for a in seen]
    return max(times, default=None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
