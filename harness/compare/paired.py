"""The difference between two versions that were asked the same: pure, and paired by seed wherever that can be.

Runs with the same question and seed plan the same arrivals at the same moments. Of several such pairs the interval is
Student's t over the differences of whole runs. Of a single pair it is taken over its paired arrivals, and then speaks
of these runs alone. Without a common seed the runs are compared as they are, and the finding says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from harness.checks.base import ALL_KINDS, SEED, pooled_share, scheduled
from harness.checks.latency import waits
from harness.history import Bools, Floats, History
from harness.stats import Interval, paired_difference, quantile

Z_95 = 1.959964
Whole = npt.NDArray[np.int64]
DRAWS = 1000
CALM_MARGIN = 0.005  # of a share, as in harness.gate.metrics: 4 of 760 arrivals
FAULT_MARGIN_S = 1.0  # seconds lost, likewise: by so much runs of an unchanged target differ


class Finding(StrEnum):
    """How a version did against the one before it."""

    BETTER = "better"
    NO_BETTER = "no better"
    NOT_SHOWN = "not shown to be better"
    WORSE = "worse"


@dataclass(frozen=True)
class Difference:
    """After minus before, in `unit`. `pairs` is how many runs share a seed; 0: compared without pairs."""

    interval: Interval
    unit: str
    pairs: int


def pairs_of(before: Sequence[History], after: Sequence[History]) -> list[tuple[History, History]]:
    """Return the runs with the same seed, in the order of `after`."""
    old = {history.record.seed: history for history in before}
    return [(old[h.record.seed], h) for h in after if h.record.seed in old]


def availability_difference(before: Sequence[History], after: Sequence[History]) -> Difference | None:
    """Return how much larger the share of good arrivals is afterwards; None where nothing was scheduled."""
    pairs = pairs_of(before, after)
    if len(pairs) > 1:
        old, new = ([_share(_good(pair[side])) for pair in pairs] for side in (0, 1))
        return Difference(paired_difference(old, new), "share", len(pairs))
    if len(pairs) == 1 and _same_arrivals(*pairs[0]):
        old_good, new_good = (_good(history) for history in pairs[0])
        return Difference(paired_shares(old_good, new_good), "share", 1) if len(old_good) else None
    counts = [[(int(good.sum()), len(good)) for h in side if len(good := _good(h))] for side in (before, after)]
    if not all(counts):
        return None
    return Difference(unpaired_shares(pooled_share(counts[0]), pooled_share(counts[1])), "share", 0)


def paired_shares(before: Bools, after: Bools) -> Interval:
    """Return after minus before of the share of true, over the same arrivals.

    Wald's interval of paired proportions with half an arrival added to each of the four cells (Agresti and Min 2005,
    Stat Med 24:729), which holds also where hardly any pair differs.
    """
    gained, lost = int(np.count_nonzero(after & ~before)), int(np.count_nonzero(before & ~after))
    total = len(before)
    up, down, size = gained + 0.5, lost + 0.5, total + 2.0
    middle = (up - down) / size
    reach = Z_95 * math.sqrt(up + down - (up - down) ** 2 / size) / size
    value = (gained - lost) / total
    return Interval(value, max(-1.0, min(middle - reach, value)), min(1.0, max(middle + reach, value)))


def unpaired_shares(before: Interval, after: Interval) -> Interval:
    """Return after minus before of two independent shares (Newcombe 1998, Stat Med 17:873, method 10)."""
    value = after.value - before.value
    down = math.hypot(after.value - after.low, before.high - before.value)
    up = math.hypot(after.high - after.value, before.value - before.low)
    return Interval(value, value - down, value + up)


def latency_difference(
    before: Sequence[History], after: Sequence[History], q: float, place: str | None = None
) -> Difference | None:
    """Return how much longer (s) the q-quantile of the latency is afterwards.

    None without a common seed, and where one of them has no good answer at that quantile at all.
    """
    pairs = pairs_of(before, after)
    values = [[_quantile(waits(history, ALL_KINDS, place), q) for history in pair] for pair in pairs]
    if not values or any(value is None or not math.isfinite(value) for pair in values for value in pair):
        return None
    known = [(float(old or 0), float(new or 0)) for old, new in values]
    if len(known) > 1:
        return Difference(paired_difference([old for old, _ in known], [new for _, new in known]), "s", len(known))
    if not _same_arrivals(*pairs[0], place):
        return None
    low, high = _bootstrap(*pairs[0], q, place)
    value = known[0][1] - known[0][0]
    return Difference(Interval(value, min(low, value), max(high, value)), "s", 1)


def margin(histories: Sequence[History]) -> float:
    """Return by how much a share of good arrivals may differ without meaning anything."""
    record = histories[0].record
    return max(CALM_MARGIN, FAULT_MARGIN_S / record.duration_s) if record.faults else CALM_MARGIN


def finding(difference: Difference, least: float) -> Finding:
    """Say what a difference of availability means; within `least` nothing is better or worse."""
    low, high = difference.interval.low, difference.interval.high
    if low > least:
        return Finding.BETTER
    if high < -least:
        return Finding.WORSE
    return Finding.NO_BETTER if high <= least else Finding.NOT_SHOWN


def _good(history: History) -> Bools:
    return scheduled(history).good(history.record.deadline_s)


def _share(good: Bools) -> float:
    return float(good.mean()) if len(good) else 0.0


def _same_arrivals(before: History, after: History, place: str | None = None) -> bool:
    old, new = scheduled(before, ALL_KINDS, place), scheduled(after, ALL_KINDS, place)
    return len(old) > 0 and bool(np.array_equal(old.due_s, new.due_s))


def _quantile(values: Floats, q: float) -> float | None:
    return quantile(values, q).value if len(values) else None


def _bootstrap(before: History, after: History, q: float, place: str | None) -> tuple[float, float]:
    """Resample whole seconds of both runs together: what happens in one second hangs together."""
    second = np.floor(scheduled(after, ALL_KINDS, place).due_s).astype(np.int64)
    _, block = np.unique(second, return_inverse=True)
    blocks = int(block.max()) + 1
    weights: Whole = np.random.default_rng(SEED).multinomial(blocks, np.full(blocks, 1 / blocks), size=DRAWS)
    drawn = [_weighted(waits(history, ALL_KINDS, place), block, weights, q) for history in (before, after)]
    with np.errstate(invalid="ignore"):
        change = drawn[1] - drawn[0]
    kept = change[~np.isnan(change)]
    low, high = np.quantile(kept, (0.025, 0.975), method="inverted_cdf")
    return float(low), float(high)


def _weighted(values: Floats, block: Whole, weights: Whole, q: float) -> Floats:
    """Return the q-quantile of `values` for each row of `weights` (one weight per block)."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[:, block[order]], axis=1)
    reached = total >= np.ceil(total[:, -1:] * q - 1e-9)
    return np.asarray(values[order][np.argmax(reached, axis=1)], dtype=np.float64)
