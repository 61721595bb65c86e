"""Users served: how many of the simultaneous users that a run stands for were served well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.checks.base import Question, Threshold, nothing, pooled_share, share_hint
from harness.checks.latency import waits
from harness.history import History
from harness.verdict import Measurement


def users_served(histories: Sequence[History], question: Question) -> Measurement:
    """Return how many users' worth of arrivals were answered well within `within_s` (s, default: the deadline).

    By Little's law a run's arrivals stand for `users` simultaneous users who think for `think_s` between requests;
    the share of their arrivals that was answered well and in time is the share of them that was served. Where fewer
    users stood for those that are claimed, it is the same share of the claimed ones.
    """
    users = {history.record.claimed_users or history.record.users for history in histories}
    asked = next(iter(users), None)
    if len(users) != 1 or asked is None:
        return nothing("arrivals", "users", "the runs do not stand for one number of users")
    within_s = question.parameters["within_s"]
    runs = [waits(history, question.kinds) for history in histories]
    counts = [(int(np.count_nonzero((run <= within_s) & np.isfinite(run))), len(run)) for run in runs]
    total = sum(of for _, of in counts)
    if total == 0:
        return nothing("arrivals", "users", "no arrival of these kinds was scheduled")
    share = pooled_share(counts)
    hint = share_hint(share, total, "arrivals", _as_share(question.threshold, asked), len(counts))
    values = (share.value * asked, share.low * asked, share.high * asked)
    return Measurement(*values, total, "arrivals", "users", hint)


def _as_share(threshold: Threshold | None, users: int) -> Threshold | None:
    """Return a threshold in users as one in shares of `users`."""
    if threshold is None:
        return None
    if threshold.at_least is not None:
        return replace(threshold, at_least=threshold.at_least / users)
    return replace(threshold, at_most=threshold.bound / users)
