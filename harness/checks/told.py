"""What users are told while something is wrong: soon, and the truth. A clear error beats silence and half an answer.

Neither figure is availability: a time-out that turns a hanging request into a prompt 503 wins no good answer, and a
truncated answer that is passed on as whole loses none. They measure the mechanisms that are there for that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.checks.base import Question, fault_window, nothing, pooled_share, scheduled, share_measurement
from harness.history import Arrivals, History, Outcome
from harness.verdict import Measurement

HALF_TRUTHS = (Outcome.TRUNCATED.value, Outcome.MALFORMED.value, Outcome.WRONG.value)
"""Outcomes in which the target said 200 and gave something that is no whole, right answer."""


def told_in_time(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of arrivals due while a fault was on that ended with an answer or an error within `within_s`.

    Seconds count from the due time. An arrival that runs into its deadline, or whose connection broke, was told
    nothing. Arrivals due less than `within_s` before the fault's end are left out: its end may have answered them.
    """
    within_s = question.parameters["within_s"]
    counts = []
    for history in histories:
        arrivals = _due_under_fault(history, question, within_s)
        told = (arrivals.status > 0) & (arrivals.ended_s - arrivals.due_s <= within_s)
        silent = np.isin(arrivals.outcome.astype(str), [Outcome.DEADLINE.value, Outcome.RESET.value])
        counts.append((int(np.count_nonzero(told & ~silent)), len(arrivals)))
    if sum(total for _, total in counts) == 0:
        return nothing("arrivals", "share", "no arrival was due long enough before a fault's end")
    return share_measurement(pooled_share(counts), sum(total for _, total in counts), "arrivals", question.threshold)


def honest_answers(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of arrivals due while a fault was on that got no half of the truth: a whole answer or an error.

    Silence is not dishonest; `told_in_time` and availability count it.
    """
    counts = []
    for history in histories:
        arrivals = _due_under_fault(history, question, 0.0)
        half = (arrivals.status == 200) & np.isin(arrivals.outcome.astype(str), HALF_TRUTHS)
        counts.append((len(arrivals) - int(np.count_nonzero(half)), len(arrivals)))
    if sum(total for _, total in counts) == 0:
        return nothing("arrivals", "share", "no arrival of these kinds was due while a fault was on")
    return share_measurement(pooled_share(counts), sum(total for _, total in counts), "arrivals", question.threshold)


def _due_under_fault(history: History, question: Question, until_s: float) -> Arrivals:
    """The arrivals of the asked kinds that were due while a fault was on, up to `until_s` before its end."""
    arrivals = scheduled(history, question.kinds)
    inside = np.zeros(len(arrivals), dtype=np.bool_)
    for fault in history.record.faults:
        window = fault_window(history, fault)
        if window is not None:
            inside |= (arrivals.due_s >= window[0]) & (arrivals.due_s < window[1] - until_s)
    return arrivals.select(inside)
