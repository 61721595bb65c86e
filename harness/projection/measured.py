"""What one incident costs users, from the runs that measured it.

A run loses `lost_s` seconds of full outage (bad arrivals divided by their rate). Some of it would grow with a longer
fault: the share of requests that went bad once the target had done what it can, times the fault's length. The rest is
lost once, however long the fault: while switching over, and while recovering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.checks.anatomy import anatomies
from harness.checks.base import fault_window, scheduled
from harness.history import History
from harness.projection.incidents import Incident
from harness.target import Target


@dataclass(frozen=True)
class Cost:
    """One run's measurement: `once_s` seconds of full outage, and `bad` of `total` requests as long as it lasts."""

    run: str
    once_s: float
    bad: int
    total: int

    @property
    def share(self) -> float:
        """The share of each second that is lost. None of ten requests is not none of a million (Jeffreys' prior)."""
        return (self.bad + 0.5) / (self.total + 1) if self.total else 0.0


@dataclass(frozen=True)
class Costed:
    """An incident with what it costs: one Cost for each run of `experiment`. `times` is how many components have it."""

    incident: Incident
    experiment: str
    times: int
    costs: tuple[Cost, ...]


@dataclass(frozen=True)
class Background:
    """The failure ratio without any fault: bad of `total` arrivals in the control runs. None of none says nothing."""

    bad: int
    total: int

    @property
    def ratio(self) -> float:
        """Bad arrivals over all."""
        return self.bad / self.total if self.total else 0.0


def cost_of(history: History, lasts: bool) -> Cost | None:
    """Return what the run's faults cost; None when a fault left no times.

    With `lasts` the incident's length in the real world is another one than that of the fault here, and what it costs
    as long as it lasts counts for itself; without, all that was lost counts once. Of several faults the worst lasts.
    """
    once_s, worst = 0.0, (0, 0)
    for fault, seen in zip(history.record.faults, anatomies(history), strict=True):
        window = fault_window(history, fault)
        if seen is None or window is None or (lasts and seen.lasting[1] == 0):
            return None
        bad, total = seen.lasting if lasts else (0, 0)
        once_s += max(0.0, seen.lost_s - (bad / total * (window[1] - window[0]) if total else 0.0))
        worst = max(worst, (bad, total), key=lambda pair: pair[0] / pair[1] if pair[1] else 0.0)
        worst = worst if worst[1] else (bad, total)
    return Cost(history.record.run, once_s, *worst)


def costed(
    incidents: Sequence[Incident], histories: Mapping[str, Sequence[History]], target: Target
) -> tuple[list[Costed], list[tuple[Incident, str]]]:
    """Bind incidents to valid runs, by experiment. Return those that were measured, and the others with the reason."""
    found: list[Costed] = []
    missing: list[tuple[Incident, str]] = []
    for incident in incidents:
        times = 1 if incident.per == "target" else len(target.having(incident.per))
        if times == 0:
            missing.append((incident, f"the target has no component with the role '{incident.per}'"))
            continue
        for experiment in incident.experiments:
            runs = [h for h in histories.get(experiment, ()) if h.record.valid and h.record.faults]
            costs = [cost for h in runs if (cost := cost_of(h, lasts=incident.minutes is not None)) is not None]
            if costs:
                found.append(Costed(incident, experiment, times, tuple(costs)))
                break
        else:
            missing.append((incident, f"there is no valid run of {' or '.join(incident.experiments)}"))
    return found, missing


def background(histories: Sequence[History]) -> Background:
    """Return the failures of valid runs without any fault."""
    bad = total = 0
    for history in histories:
        if history.record.valid and not history.record.faults:
            arrivals = scheduled(history)
            good = arrivals.good(history.record.deadline_s)
            bad += int(np.count_nonzero(~good))
            total += len(arrivals)
    return Background(bad, total)
