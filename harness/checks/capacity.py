"""Capacity: the highest load of a staircase that a target carries, and what breaks first above it.

A step holds when enough of the arrivals due in it are answered well, and the asked percentile of their latency is
inside its bound. The target carries a step only when it carried every one before: what a step leaves behind in queues
is the load's doing too. The capacity lies between the highest step that held and the first that did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.checks.base import Question, nothing, scheduled
from harness.history import History, Stretch
from harness.stats import quantile
from harness.verdict import Measurement
from harness.wording import percent, quantity

UNIT = "arrivals/s"


@dataclass(frozen=True)
class Step:
    """One step of the staircase: its rate (arrivals a second), arrivals, good share, and latency (s) at a percentile.

    `latency_s` is infinite where too few were answered well for that percentile; None, as `share`, of no arrival.
    """

    stretch: Stretch
    scheduled: int
    share: float | None
    latency_s: float | None

    def broken(self, parameters: Mapping[str, float]) -> str:
        """Say which objective it misses; '' when it holds."""
        if self.share is None or self.latency_s is None:
            return "no arrival was due"
        if self.share < parameters["good_share"]:
            return f"the good share was {percent(self.share)}, not {percent(parameters['good_share'])}"
        if self.latency_s > parameters["within_s"]:
            limit, found = quantity(parameters["within_s"], "s"), quantity(self.latency_s, "s")
            return f"the latency (p{parameters['percentile']:g}) was {found}, not {limit}"
        return ""


@dataclass(frozen=True)
class Climb:
    """How far one run came: the highest rate that held (0: none), the first that did not (None: all held), and why."""

    held: float
    broke: float | None
    why: str


def capacity(histories: Sequence[History], question: Question) -> Measurement:
    """Return the highest load that held, in arrivals a second; of several runs the median.

    The interval reaches from the highest step that held in the worst run to the first that broke in the best.
    """
    climbs = [climb(history, question) for history in histories if history.record.stretches]
    if not climbs:
        return nothing("runs", UNIT, "no run has a load that climbs")
    held = sorted(each.held for each in climbs)
    value = held[(len(held) - 1) // 2]
    high = max(float("inf") if each.broke is None else each.broke for each in climbs)
    return Measurement(value, held[0], high, len(climbs), "runs", UNIT, _said(climbs))


def climb(history: History, question: Question) -> Climb:
    """Follow the staircase up to the first step that breaks."""
    held = 0.0
    for step in steps(history, question.kinds, question.parameters["percentile"]):
        why = step.broken(question.parameters)
        if why:
            return Climb(held, step.stretch.per_s, why)
        held = step.stretch.per_s
    return Climb(held, None, "")


def steps(history: History, kinds: frozenset[str], percentile: float) -> list[Step]:
    """Return the stretches of one rate each that the run's load consists of, with how its users fared."""
    arrivals = scheduled(history, kinds)
    good = arrivals.good(history.record.deadline_s)
    waits = np.where(good, arrivals.ended_s - arrivals.due_s, np.inf)
    found = []
    for stretch in history.record.stretches:
        inside = (arrivals.due_s >= stretch.from_s) & (arrivals.due_s < stretch.until_s)
        count = int(np.count_nonzero(inside))
        share = float(np.mean(good[inside])) if count else None
        latency_s = quantile(waits[inside], percentile / 100).value if count else None
        found.append(Step(stretch, count, share, latency_s))
    return found


def _said(climbs: Sequence[Climb]) -> str:
    """What broke first, by run; and that the staircase ended where nothing did."""
    told = [
        f"At {each.broke:g}/s {each.why}." if each.broke is not None else f"Every step up to {each.held:g}/s held."
        for each in climbs
    ]
    return " ".join(dict.fromkeys(told))
