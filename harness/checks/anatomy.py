"""The anatomy of a fault: baseline, fault on, degraded steady state, fault off, recovery.

All of it is read from the arrivals, by their due times. A *window* is one second of arrivals, or ten arrivals where
a second holds fewer. The target *works from T on* when T is the earliest time from which no window is worse than
90 % good, to the end of the stretch looked at; one stray failure in ten is therefore no relapse.

A fault's stretch reaches from its measured start to the next fault's start, or to the end of the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checks.base import ends, fault_window, scheduled
from harness.history import Arrivals, Bools, FaultRecord, Floats, History

WINDOW_S = 1.0
WINDOW_ARRIVALS = 10
WORKING_SHARE = 0.9
ABOUT_AS_SLOW = 1.5  # the slowest of some hundred answers is now and then exceeded by chance, hardly ever by half


@dataclass(frozen=True)
class Anatomy:
    """What a fault did to users. Times in seconds.

    first_harm_s: from the fault's start to the first arrival that went bad because of it; an arrival that was under
        way at the start and broke counts as 0. None: no arrival went bad.
    mitigated_after_s: from the start until the target works while the fault is still on. 0 without any harm, None
        when it never did (or when the fault was too short for a single window).
    recovered_after_s: from the fault's end until the target works; 0 when it never stopped to. None: not within
        the `watched_s` seconds that were watched after the fault; a censored value, not a missing one.
    lost_s: bad arrivals from the start until recovery, divided by the arrival rate, those under way at the start
        included.
    degraded_share: share of bad among the arrivals due in the second half of the fault, by when a switch-over is
        done if there is one. None when nothing was due then.
    lasting: (bad, all) of the arrivals due from the mitigation on, as long as the fault was on: what every further
        second of it would cost. Without a mitigation those of the second half.
    """

    first_harm_s: float | None
    mitigated_after_s: float | None
    recovered_after_s: float | None
    lost_s: float
    degraded_share: float | None
    watched_s: float
    lasting: tuple[int, int] = (0, 0)


def anatomies(history: History) -> list[Anatomy | None]:
    """Return the anatomy of each fault of the run, in the record's order; None where the receipt has no times.

    The order is that in which they struck. No arrival is lost twice: what one fault harmed, and what was still
    hanging when the next one struck, is the first one's loss alone.
    """
    harmed_before = np.zeros(len(scheduled(history)), dtype=np.bool_)
    return [_anatomy(history, fault, harmed_before) for fault in history.record.faults]


def works_from(due_s: Floats, good: Bools, start_s: float, end_s: float) -> float | None:
    """Return the earliest time from which no window is worse than 90 % good until `end_s`; None if there is none.

    `due_s` is sorted. A window must fit before `end_s`, so what happens less than a window before it cannot show
    that the target works.
    """
    inside = (due_s >= start_s) & (due_s < end_s)
    due_s, good = due_s[inside], good[inside]
    first = np.arange(len(due_s))
    last = np.maximum(np.searchsorted(due_s, due_s + WINDOW_S), first + WINDOW_ARRIVALS)
    full = int(np.count_nonzero((last <= len(due_s)) & (due_s + WINDOW_S <= end_s)))
    if full == 0:
        return None
    first, last = first[:full], last[:full]
    so_far = np.concatenate(([0], np.cumsum(good)))
    share = (so_far[last] - so_far[first]) / (last - first)
    failing = np.flatnonzero(share < WORKING_SHARE - 1e-9)
    if len(failing) == 0:
        return start_s
    after = int(failing[-1]) + 1
    if after == full:
        return None
    # The first window that passes may still begin with the last bad arrivals: the target works from a good one on.
    return float(due_s[after + int(np.argmax(good[after:]))])


def _anatomy(history: History, fault: FaultRecord, harmed_before: Bools) -> Anatomy | None:
    """One fault's anatomy. Marks what it harmed in `harmed_before`, one flag per scheduled arrival."""
    window = fault_window(history, fault)
    if window is None:
        return None
    on_s, off_s = window
    arrivals, deadline_s = scheduled(history), history.record.deadline_s
    good, over = arrivals.good(deadline_s), ends(arrivals, deadline_s)
    end_s = _stretch_end(history, on_s)
    works_s = works_from(arrivals.due_s, good, min(off_s, end_s), end_s)
    due = (arrivals.due_s >= on_s) & (arrivals.due_s < (end_s if works_s is None else works_s))
    under_way = (arrivals.due_s < on_s) & (over > on_s)
    harms = ~good & (due | under_way) & ~harmed_before
    harmed_before |= harms
    harmed = arrivals.due_s[harms]
    while_on = good_while_on(arrivals, good, over, on_s, off_s)
    mitigated_s = _mitigated(arrivals.due_s, while_on, on_s, min(off_s, end_s)) if len(harmed) else 0.0
    lasting_from_s = (on_s + off_s) / 2 if mitigated_s is None else on_s + mitigated_s
    return Anatomy(
        first_harm_s=max(0.0, float(harmed[0]) - on_s) if len(harmed) else None,
        mitigated_after_s=mitigated_s,
        recovered_after_s=None if works_s is None else works_s - off_s,
        lost_s=len(harmed) / history.record.rate_per_s,
        degraded_share=_bad_share(arrivals.due_s, while_on, (on_s + off_s) / 2, off_s),
        watched_s=max(0.0, end_s - off_s),
        lasting=_bad_of(arrivals.due_s, while_on, lasting_from_s, off_s),
    )


def good_while_on(arrivals: Arrivals, good: Bools, over: Floats, on_s: float, off_s: float) -> Bools:
    """Return which arrivals were good, of those due while the fault was on only those it did not hold up.

    Arrivals that hang until the fault ends are answered late and well. An answer that came after the end
    counts only when one about as slow was given while the fault was on: else it was the end that brought it.
    """
    due = (arrivals.due_s >= on_s) & (arrivals.due_s < off_s)
    wait_s = over - arrivals.due_s
    in_time = good & due & (over <= off_s)
    slowest_s = ABOUT_AS_SLOW * float(np.max(wait_s[in_time])) if in_time.any() else 0.0
    return np.asarray(good & (~due | (over <= off_s) | (wait_s <= slowest_s)), dtype=np.bool_)


def _mitigated(due_s: Floats, good: Bools, on_s: float, off_s: float) -> float | None:
    works_s = works_from(due_s, good, on_s, off_s)
    return None if works_s is None else works_s - on_s


def _bad_of(due_s: Floats, good: Bools, start_s: float, end_s: float) -> tuple[int, int]:
    inside = (due_s >= start_s) & (due_s < end_s)
    return int(np.count_nonzero(~good[inside])), int(np.count_nonzero(inside))


def _bad_share(due_s: Floats, good: Bools, start_s: float, end_s: float) -> float | None:
    bad, total = _bad_of(due_s, good, start_s, end_s)
    return bad / total if total else None


def _stretch_end(history: History, on_s: float) -> float:
    """Return when the next fault begins, or the run's counted window ends."""
    starts = [fault.receipt.on_s for fault in history.record.faults if fault.receipt.on_s is not None]
    return min((start for start in starts if start > on_s), default=history.record.duration_s)
