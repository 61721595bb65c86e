"""How long a target takes to work again: once a fault is over, or while it is still on, over faults and repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.anatomy import anatomies
from harness.checks.base import Question, fault_window, nothing
from harness.history import History
from harness.stats import survival_quantile
from harness.verdict import Measurement
from harness.wording import counted


def recovery(histories: Sequence[History], question: Question) -> Measurement:
    """Return the `percentile` (default 50) of the time to recovery over all faults of all runs, in seconds.

    A target that had not recovered when the run ended is censored: it counts as longer than what was watched, by the
    Kaplan-Meier estimate, and is never left out. One recovery is no distribution: bounds need six of them.
    """
    seen = [anatomy for history in histories for anatomy in anatomies(history) if anatomy is not None]
    if not seen:
        return nothing("faults", "s", "no receipt says when a fault was over")
    times = [each.watched_s if each.recovered_after_s is None else each.recovered_after_s for each in seen]
    ended = [each.recovered_after_s is not None for each in seen]
    return _measured(times, ended, question, "Not recovered while watched")


def mitigation(histories: Sequence[History], question: Question) -> Measurement:
    """Return the `percentile` (default 50) of the time from a fault's start until the target works, while it is on.

    That is the time of a fail-over as users see it; 0 where nobody was harmed. A target that did not work before the
    fault's end is censored at how long it was on. One fail-over is no distribution: bounds need six of them.
    """
    pairs = [
        (window[1] - window[0], anatomy)
        for history in histories
        for fault, anatomy in zip(history.record.faults, anatomies(history), strict=True)
        if anatomy is not None and (window := fault_window(history, fault)) is not None
    ]
    if not pairs:
        return nothing("faults", "s", "no receipt says when a fault was on")
    times = [on_s if each.mitigated_after_s is None else each.mitigated_after_s for on_s, each in pairs]
    ended = [each.mitigated_after_s is not None for _, each in pairs]
    return _measured(times, ended, question, "Not mitigated while they were on")


def _measured(times: Sequence[float], ended: Sequence[bool], question: Question, not_yet: str) -> Measurement:
    """Return the asked quantile of times of which some were cut off before the end (`ended` is False)."""
    interval = survival_quantile(times, ended, question.parameters["percentile"] / 100)
    never = len(ended) - sum(ended)
    note = f"{not_yet}: {counted(never, 'faults')}." if never else ""
    if question.threshold is not None and not math.isfinite(interval.high):
        note = f"{note} An upper bound takes more repeats: for the median at least six.".strip()
    return Measurement(interval.value, interval.low, interval.high, len(times), "faults", "s", note)
