"""Recovery: how long a target takes to work again once a fault is over, as a distribution over faults and repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.checks.anatomy import anatomies
from harness.checks.base import Question, nothing
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
    interval = survival_quantile(times, ended, question.parameters["percentile"] / 100)
    never = len(ended) - sum(ended)
    note = f"Not recovered while watched: {counted(never, 'faults')}." if never else ""
    if question.threshold is not None and not math.isfinite(interval.high):
        note = f"{note} An upper bound takes more repeats: for the median at least six.".strip()
    return Measurement(interval.value, interval.low, interval.high, len(seen), "faults", "s", note)
