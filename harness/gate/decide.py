"""Has it become worse? Pure: figures of the runs before and after, paired by seed, to a finding per metric.

A finding is WORSE when the whole 95 % interval of the paired differences lies beyond the margin. It is FINE when their
mean lies inside the margin and the whole interval inside three margins: nothing has got worse by as much as matters,
and nothing gross hides in the noise. Otherwise it is INCONCLUSIVE, with the number of repeats that would decide. The
margin is the declared one, or the spread that the baseline's own repeats show, if that is larger: what an unchanged
target does by itself is no regression.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np

from harness.gate.metrics import METRICS, Metric, Where
from harness.stats import Interval, first_count, mean_over_runs, paired_difference, with_more_runs

MOST_REPEATS = 10_000
CEILING = 3.0  # margins: what FINE must exclude. One margin would take ten repeats and more of what noise there is
Figures = Mapping[str, float | None]


class Finding(StrEnum):
    """What may be said about one metric of one experiment."""

    FINE = "fine"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"


class Outcome(IntEnum):
    """The gate's answer, which is also its exit code."""

    NO_REGRESSION = 0
    WORSE = 1
    INCONCLUSIVE = 2


@dataclass(frozen=True)
class Pairs:
    """The runs of one experiment with the same seed before and after, in the same order. `faulty`: it has a fault."""

    experiment: str
    faulty: bool
    before: Sequence[Figures]
    after: Sequence[Figures]


@dataclass(frozen=True)
class Comparison:
    """One metric of one experiment. `difference` is after minus before, turned so that more is worse.

    Of a metric that is compared as a ratio it is what the ratio makes of the baseline's mean, in the metric's unit.
    """

    experiment: str
    metric: Metric
    before: float
    after: float
    pairs: int
    difference: Interval
    margin: float
    finding: Finding
    because: str


def compare_all(experiments: Iterable[Pairs], metrics: Sequence[Metric] = METRICS) -> list[Comparison]:
    """Compare every metric that is judged in each experiment; those that neither side has are left out."""
    found = [compare(pairs, metric) for pairs in experiments for metric in metrics if judged(metric, pairs.faulty)]
    return [comparison for comparison in found if comparison is not None]


def judged(metric: Metric, faulty: bool) -> bool:
    """Whether a metric decides in experiments with, or without, a fault."""
    return metric.where is Where.ALL or metric.where is (Where.FAULT if faulty else Where.CALM)


def compare(pairs: Pairs, metric: Metric) -> Comparison | None:
    """Compare one metric over the pairs where both runs have it; None when no pair has."""
    both = [(b.get(metric.name), a.get(metric.name)) for b, a in zip(pairs.before, pairs.after, strict=True)]
    known = [(old, new) for old, new in both if old is not None and new is not None]
    if not known:
        return None
    before, after = [old for old, _ in known], [new for _, new in known]
    means = (mean_over_runs(before).value, mean_over_runs(after).value)
    scale = _Ratio(means[0]) if metric.as_ratio and min(*before, *after) > 0 else _Linear(metric.lower_is_worse)
    difference = paired_difference([scale.of(value) for value in before], [scale.of(value) for value in after])
    margin = margin_of(metric, before)
    finding = decide(difference, scale.margin(margin))
    because = _hint(difference, scale.margin(margin), len(known)) if finding is Finding.INCONCLUSIVE else ""
    return Comparison(pairs.experiment, metric, *means, len(known), scale.shown(difference), margin, finding, because)


@dataclass(frozen=True)
class _Linear:
    """Figures compared by their difference, turned so that more is worse."""

    lower_is_worse: bool

    def of(self, value: float) -> float:
        return -value if self.lower_is_worse else value

    def margin(self, margin: float) -> float:
        return margin

    def shown(self, difference: Interval) -> Interval:
        return difference


@dataclass(frozen=True)
class _Ratio:
    """Figures compared by their ratio; `base` (the baseline's mean) turns it back into the metric's unit."""

    base: float

    def of(self, value: float) -> float:
        return math.log(value)

    def margin(self, margin: float) -> float:
        return math.log1p(margin / self.base)

    def shown(self, difference: Interval) -> Interval:
        with np.errstate(over="ignore"):  # one pair has no upper bound
            return Interval(
                *(float(self.base * np.expm1(x)) for x in (difference.value, difference.low, difference.high))
            )


def margin_of(metric: Metric, before: Sequence[float]) -> float:
    """Return how much worse is not yet a regression, in the metric's unit."""
    noise = float(np.std(before, ddof=1)) if len(before) > 1 else 0.0
    return max(metric.declared_margin(float(np.mean(before))), noise)


def decide(difference: Interval, margin: float) -> Finding:
    """Return what an interval of differences (more is worse) says, given the margin."""
    if difference.low > margin:
        return Finding.WORSE
    fine = difference.value <= margin and difference.high <= CEILING * margin
    return Finding.FINE if fine else Finding.INCONCLUSIVE


def conclude(comparisons: Sequence[Comparison], doubts: Sequence[str], same_machine: bool = True) -> Outcome:
    """Return the gate's answer. Nothing compared is nothing shown: INCONCLUSIVE.

    `doubts` say which runs or pairs are missing: then nothing is shown to be fine, but what is worse remains so. On
    another machine than the baseline's nothing can be said at all.
    """
    findings = {comparison.finding for comparison in comparisons}
    if not same_machine or not findings:
        return Outcome.INCONCLUSIVE
    if Finding.WORSE in findings:
        return Outcome.WORSE
    return Outcome.INCONCLUSIVE if doubts or Finding.INCONCLUSIVE in findings else Outcome.NO_REGRESSION


def _hint(difference: Interval, margin: float, count: int) -> str:
    """Return how many repeats would decide, were mean and spread of the differences to stay what they are."""
    if count < 2:
        return "one pair shows no spread: at least 2 repeats are needed, 3 are better"

    def decides(repeats: int) -> bool:
        return decide(with_more_runs(difference, count, repeats), margin) is not Finding.INCONCLUSIVE

    needed = first_count(decides, count + 1, MOST_REPEATS)
    return "no practical number of repeats would decide" if needed is None else f"about {needed} repeats would decide"
