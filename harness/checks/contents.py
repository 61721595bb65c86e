"""Contents: how much of what a component held is still there after a fault."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.base import Question, nothing, pooled_share, share_measurement
from harness.history import History, Receipt
from harness.verdict import Measurement


def contents_kept(histories: Sequence[History], question: Question) -> Measurement:
    """Return the share of a component's entries that are there again after the fault; 0 is "all lost".

    The receipts deliver `contents_before` and `contents_after`, counted inside the component. Users write while it
    is counted, so a few entries after a total loss are new ones; more after than before counts as all kept.
    """
    receipts = [fault.receipt for history in histories for fault in history.record.faults]
    counts = [pair for pair in map(_kept, receipts) if pair is not None]
    if not counts:
        return nothing("entries", "share", "no receipt says what the component held before and after")
    total = sum(before for _, before in counts)
    if total == 0:
        return nothing("entries", "share", "the component held nothing before the fault")
    return share_measurement(pooled_share(counts), total, "entries", question.threshold, len(counts))


def _kept(receipt: Receipt) -> tuple[int, int] | None:
    before, after = receipt.delivered.get("contents_before"), receipt.delivered.get("contents_after")
    if before is None or after is None:
        return None
    return min(int(after), int(before)), int(before)
