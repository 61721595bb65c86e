"""Availability while a fault is on, without being fooled by answers that only came because it ended.

Take a provider that hangs for 12 s where the deadline is 10 s. A user who arrives 8 s before the provider is back
waits, and is answered. That user was served, but says nothing about "while the provider is away". Leaving such
arrivals out would favour fast answers, calling them bad would wrong a target that is merely slow. So an arrival is
followed only until the fault ends: what is still open then is *censored*, and the share is the Aalen-Johansen
estimate (1978, Scand J Statist 5:141) of "answered well", with "failed" as the competing end. Where nothing is
open at the end of the fault, that is simply good / scheduled.

No settling margin is needed at the start: windows come from receipts, which say when the fault really bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.checks.base import Question, ends, fault_window, nothing, scheduled, share_hint
from harness.history import Bools, Floats, History
from harness.stats import Interval, share_over_runs, wilson
from harness.verdict import Measurement
from harness.wording import counted


@dataclass(frozen=True)
class Followed:
    """Arrivals that were due while one fault was on, each followed until it ended or the fault did.

    `for_s` is how long (s); `seen` where it ended while the fault was on; `good` where it then ended well.
    """

    for_s: Floats
    seen: Bools
    good: Bools

    def __len__(self) -> int:
        return len(self.for_s)


def availability_under_fault(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of arrivals due while a fault was on that would be answered well if it stayed on.

    All faults of all runs are pooled. The interval is Wilson over the arrivals whose end was seen, which is
    cautious, and reaches up to where all that nobody could follow to its end had gone well.
    """
    found = [fault_arrivals(history, question.kinds, question.place) for history in histories]
    followed = [each for run in found for each in run]
    if not followed or sum(len(each) for each in followed) == 0:
        return nothing("arrivals", "share", "no arrival of these kinds was due while a fault was on")
    seen = sum(int(np.count_nonzero(each.seen)) for each in followed)
    if seen == 0:
        return nothing(
            "arrivals", "share", "no arrival ended while the fault was on: it must last longer than the deadline"
        )
    interval = _interval(followed, seen)
    censored = sum(len(each) for each in followed) - seen
    note = (
        f"Followed only to the fault's end, being still open then: {counted(censored, 'arrivals')}." if censored else ""
    )
    hint = share_hint(interval, seen, "arrivals", question.threshold, len(followed))
    because = " ".join(part for part in (note, hint) if part)
    return Measurement(interval.value, interval.low, interval.high, seen, "arrivals", "share", because)


def fault_arrivals(history: History, kinds: frozenset[str], place: str | None = None) -> list[Followed]:
    """Return, per fault of the run, the arrivals (of that place alone, if one is given) due while it was on."""
    arrivals = scheduled(history, kinds, place)
    deadline_s = history.record.deadline_s
    good, over = arrivals.good(deadline_s), ends(arrivals, deadline_s)
    followed = []
    for fault in history.record.faults:
        window = fault_window(history, fault)
        if window is None:
            continue
        on_s, off_s = window
        due = (arrivals.due_s >= on_s) & (arrivals.due_s < off_s)
        seen = over[due] <= off_s
        until = np.minimum(over[due], off_s) - arrivals.due_s[due]
        followed.append(Followed(until, seen, seen & good[due]))
    return followed


def _interval(followed: Sequence[Followed], seen: int) -> Interval:
    value, unknown = share_if_it_stayed(followed)
    interval = Interval(
        value,
        wilson(value * seen, seen).low,
        wilson(min(1.0, value + unknown) * seen, seen).high,
    )
    with_end = [each for each in followed if each.seen.any()]
    over_faults = share_over_runs(with_end, lambda some: share_if_it_stayed(some)[0])
    return interval if over_faults is None else interval.widened(over_faults)


def share_if_it_stayed(followed: Sequence[Followed]) -> tuple[float, float]:
    """Return the Aalen-Johansen share of 'answered well', and the share that nobody followed to its end.

    The second is more than zero only where no fault lasted as long as the slowest end takes. NaN of nothing.
    """
    for_s = np.concatenate([each.for_s for each in followed])
    seen = np.concatenate([each.seen for each in followed])
    good = np.concatenate([each.good for each in followed])
    if len(for_s) == 0:
        return math.nan, math.nan
    order = np.lexsort((~seen, for_s))  # of equal times, what ended comes before what was censored
    at_risk = np.arange(len(for_s), 0, -1)
    still_open = np.cumprod(1 - seen[order] / at_risk)
    before = np.concatenate(([1.0], still_open[:-1]))
    share = float(np.sum(before * good[order] / at_risk))
    return min(1.0, round(share, 12)), float(still_open[-1])  # a sum of thousands of parts of 1 is not exactly 1
