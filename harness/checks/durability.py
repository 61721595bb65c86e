"""Durability: whether what was acknowledged is found again after the run."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.base import Question, nothing, share_hint
from harness.history import History
from harness.stats import Interval, wilson
from harness.verdict import Measurement


def durability(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of acknowledged messages that the target still had after the run.

    Messages that could not be looked for are neither kept nor lost: they widen the interval on both sides.
    """
    audits = [history.record.durability for history in histories if history.record.durability is not None]
    acknowledged = sum(audit.acknowledged for audit in audits)
    unchecked = sum(audit.unchecked for audit in audits)
    if acknowledged == unchecked:
        return nothing("messages", "share", "no acknowledged message was looked for after the run")
    found = acknowledged - unchecked - sum(audit.lost for audit in audits)
    interval = Interval(
        found / (acknowledged - unchecked),
        wilson(found, acknowledged).low,
        wilson(found + unchecked, acknowledged).high,
    )
    hint = share_hint(interval, acknowledged, "messages", question.threshold)
    return Measurement(interval.value, interval.low, interval.high, acknowledged, "messages", "share", hint)
