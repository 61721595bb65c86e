"""What a check is asked, which arrivals it may look at, and when an interval decides.

A check is a pure function `(histories, question) -> Measurement`. It gets only histories that may be judged:
valid runs, every fault with a confirmed receipt (`harness.judge` sees to that).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.arrivals import ABUSER
from harness.history import Arrivals, FaultRecord, Floats, History, Kind, Outcome
from harness.stats import Interval, first_count, requests_needed, share_over_runs, wilson, with_more_runs
from harness.verdict import Measurement, Verdict
from harness.wording import percent

SEED = 1  # of every resampling in checks: the same histories always give the same interval
MOST_RUNS = 100_000  # beyond this many runs "how many more" is no longer advice
ALL_KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True)
class Threshold:
    """The side on which a measured value must lie: `at_least` or `at_most`, exactly one, in the check's unit."""

    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a threshold is either at_least or at_most")

    @property
    def bound(self) -> float:
        """The number itself."""
        return self.at_least if self.at_least is not None else self.at_most if self.at_most is not None else 0.0

    def decide(self, low: float, high: float) -> Verdict:
        """HELD when the whole interval is on the right side, REFUTED when it is wholly on the wrong one."""
        if self.at_least is not None:
            return self._named(low >= self.at_least, high < self.at_least)
        return self._named(high <= self.bound, low > self.bound)

    @staticmethod
    def _named(right: bool, wrong: bool) -> Verdict:
        return Verdict.HELD if right else Verdict.REFUTED if wrong else Verdict.INCONCLUSIVE


@dataclass(frozen=True)
class Question:
    """What a claim asks of a check: kinds of arrivals, the threshold (if any), all of the check's parameters.

    With a `place` only the users of that place count.
    """

    kinds: frozenset[str] = ALL_KINDS
    threshold: Threshold | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    place: str | None = None


@dataclass(frozen=True)
class Parameter:
    """A number that a claim may give its check: the default, and the open range in which it must lie."""

    default: float
    above: float
    below: float


@dataclass(frozen=True)
class Check:
    """A check by name: its function, the unit of what it measures, and the parameters it knows.

    `needs_fault` is true when it only makes sense in a run that had a fault, `by_place` when it can look at the users
    of one place alone.
    """

    measure: Callable[[Sequence[History], Question], Measurement]
    unit: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    needs_fault: bool = False
    by_place: bool = False


def nothing(of: str, unit: str, because: str) -> Measurement:
    """Return the measurement of nothing, with the reason."""
    return Measurement(None, None, None, 0, of, unit, because)


def scheduled(history: History, kinds: frozenset[str] = ALL_KINDS, place: str | None = None) -> Arrivals:
    """Return the arrivals that count for availability: in the counted window, of the users, of these kinds and place.

    An abuser's arrivals are counted apart. Users keep to their limits, so that a 429 for one of them is a failure as
    any other. In older runs everybody was one client, who may have been over its limit: there a 429 is left out.
    An arrival that was never sent stays in.
    """
    arrivals = history.counted()
    wanted = np.ones(len(arrivals), dtype=np.bool_)
    if history.record.clients is None:
        wanted &= arrivals.outcome != Outcome.LIMITED.value
    if arrivals.client_class is not None:
        wanted &= arrivals.client_class != ABUSER
    if place is not None:
        wanted &= np.zeros(len(arrivals), dtype=np.bool_) if arrivals.place is None else arrivals.place == place
    if ALL_KINDS - kinds:
        wanted &= np.logical_or.reduce([arrivals.kind == kind for kind in sorted(kinds)])
    return arrivals.select(np.asarray(wanted, dtype=np.bool_))


def abuse(history: History) -> Arrivals:
    """Return the abuser's arrivals in the counted window; none where there was no abuser."""
    arrivals = history.counted()
    nobody = np.zeros(len(arrivals), dtype=np.bool_)
    mine = nobody if arrivals.client_class is None else arrivals.client_class == ABUSER
    return arrivals.select(np.asarray(mine, dtype=np.bool_))


def ends(arrivals: Arrivals, deadline_s: float) -> Floats:
    """Return when each arrival was over for its user (s): when it ended, at the latest at its deadline."""
    latest = arrivals.due_s + deadline_s
    return np.minimum(np.where(np.isnan(arrivals.ended_s), latest, arrivals.ended_s), latest)


def fault_window(history: History, fault: FaultRecord) -> tuple[float, float] | None:
    """Return when the fault was on (run time, s) by its receipt; None when the receipt does not say.

    A fault whose mending is left to the target, and whose end nobody saw, lasts until the run ends.
    """
    on_s, off_s = fault.receipt.on_s, fault.receipt.off_s
    if off_s is None and fault.planned_off_s is None:
        off_s = history.record.duration_s
    return None if on_s is None or off_s is None else (on_s, off_s)


def pooled_share(counts: Sequence[tuple[int, int]]) -> Interval:
    """Return the share of good of `counts` (good, total per run): Wilson over the requests of one run.

    Of several runs the interval is over whole runs, because failures come in bursts; where the runs show no variance
    at all (no failure in any of them), the requests are all there is.
    """
    kept = [pair for pair in counts if pair[1] > 0]
    pooled = wilson(sum(good for good, _ in kept), sum(total for _, total in kept))
    return share_over_runs(kept, _share) or pooled


def _share(counts: Sequence[tuple[int, int]]) -> float:
    return sum(good for good, _ in counts) / sum(total for _, total in counts)


def share_measurement(
    interval: Interval, count: int, of: str, threshold: Threshold | None, runs: int = 1
) -> Measurement:
    """Return a share of `runs` runs as a measurement, with how much more data would decide when it does not."""
    hint = share_hint(interval, count, of, threshold, runs)
    return Measurement(interval.value, interval.low, interval.high, count, of, "share", hint)


def share_hint(interval: Interval, count: int, of: str, threshold: Threshold | None, runs: int = 1) -> str:
    """Return how many more observations, or runs of several, would decide; '' when it is decided or not asked."""
    if threshold is None or threshold.decide(interval.low, interval.high) is not Verdict.INCONCLUSIVE:
        return ""
    if runs > 1:
        return runs_hint(interval, runs, threshold)

    def decides(total: int) -> bool:
        seen = wilson(interval.value * total, total)
        return threshold.decide(seen.low, seen.high) is not Verdict.INCONCLUSIVE

    text = more_hint(first_count(decides, count + 1), count, of)
    least = threshold.at_least
    if least is not None and 0 < least < 1 and count < requests_needed(least):
        text += f" Even without one failure, showing {percent(least)} takes {requests_needed(least):,}."
    return text


def runs_hint(interval: Interval, runs: int, threshold: Threshold) -> str:
    """Return how many more runs would decide, were value and spread between the runs to stay what they are."""

    def decides(total: int) -> bool:
        seen = with_more_runs(interval, runs, total)
        return threshold.decide(seen.low, seen.high) is not Verdict.INCONCLUSIVE

    return more_hint(first_count(decides, runs + 1, MOST_RUNS), runs, "runs")


def more_hint(needed: int | None, count: int, of: str) -> str:
    """Return the sentence about how many more of `of` would decide."""
    if needed is None:
        return f"The value is so close to the threshold that no practical number of {of} would decide."
    return f"About {needed - count:,} more {of} like these would decide."
