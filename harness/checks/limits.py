"""Limits: whether a client who sends far too much is held off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.checks.base import Question, abuse, nothing, pooled_share, share_measurement
from harness.history import History, Outcome
from harness.verdict import Measurement


def limited_share(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of the abuser's arrivals that were answered 429, of all that it was to send.

    What the others felt of it is their availability and latency, in which the abuser does not count.
    """
    counts = []
    for history in histories:
        arrivals = abuse(history)
        counts.append((int(np.count_nonzero(arrivals.outcome == Outcome.LIMITED.value)), len(arrivals)))
    total = sum(of for _, of in counts)
    if total == 0:
        return nothing("arrivals", "share", "there was no abuser")
    return share_measurement(pooled_share(counts), total, "arrivals", question.threshold, len(counts))
