"""Availability: the share of scheduled arrivals that got a right and complete answer in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.checks.base import Question, nothing, pooled_share, scheduled, share_measurement
from harness.history import History
from harness.verdict import Measurement


def availability(histories: Sequence[History], question: Question) -> Measurement:
    """Return good / scheduled over the whole counted window of all runs, as a share.

    Good is right, complete, and inside the deadline counted from the due time. Arrivals that were due and never sent
    are scheduled and not good; those of an abuser are left out of both numbers (see `scheduled` for 429).
    """
    counts = [good_of(history, question.kinds, question.place) for history in histories]
    return _pooled(counts, question, "no arrival of these kinds was scheduled")


def best_place(histories: Sequence[History], question: Question) -> Measurement:
    """Return the availability, as a share, of the place whose users fared best, looked up anew in each run.

    For what must hold on one side of a partition, whichever that is. Nothing where users were not told apart by place.
    """
    counts = []
    for history in histories:
        places = set() if history.arrivals.place is None else set(history.arrivals.place.tolist())
        each = [counted for place in sorted(places) if (counted := good_of(history, question.kinds, place))[1]]
        counts += [max(each, key=lambda counted: counted[0] / counted[1])] if each else []
    return _pooled(counts, question, "no arrival of these kinds came from a place")


def _pooled(counts: Sequence[tuple[int, int]], question: Question, because: str) -> Measurement:
    """Return the share of several (good, scheduled), one of each run; nothing, with the reason, where there is none."""
    total = sum(of for _, of in counts)
    if total == 0:
        return nothing("arrivals", "share", because)
    return share_measurement(pooled_share(counts), total, "arrivals", question.threshold, len(counts))


def good_of(history: History, kinds: frozenset[str], place: str | None = None) -> tuple[int, int]:
    """Return (good, scheduled) of the counted arrivals of these kinds, and of this place alone if one is given."""
    arrivals = scheduled(history, kinds, place)
    return int(np.count_nonzero(arrivals.good(history.record.deadline_s))), len(arrivals)
