"""A run that was ended before its plan's end, on purpose: what of it counts, and what is no reason for doubt then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from harness.history import Generator
from harness.load.arrivals import only_late
from harness.load.plan import Plan

MARGIN_S = 0.5  # beyond the deadline, for an answer to be written down


class EndedEarly(Exception):
    """The run is to end now; the text says why."""


def counts_until(now_s: float, deadline_s: float) -> float:
    """Return the run time (s) until which a run that ends now counts: whatever was due by then is over."""
    return max(0.0, now_s - deadline_s - MARGIN_S)


def shortened(plan: Plan, until_s: float) -> Plan:
    """Return what of a plan was due before run time `until_s`."""
    kept = int(np.searchsorted(plan.due_s, until_s))
    columns = {each.name: getattr(plan, each.name) for each in fields(plan)}
    return replace(plan, **{name: column[:kept] for name, column in columns.items() if column is not None})


def remaining_doubts(figures: Generator, reasons: Sequence[str]) -> list[str]:
    """Return those reasons against the generator that do not come from its having been ended."""
    unsent = [f"{figures.unsent} of {figures.planned} arrivals were never sent"] if figures.unsent else []
    return [*unsent, *(reason for reason in reasons if only_late([reason]))]
