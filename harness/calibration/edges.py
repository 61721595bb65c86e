"""Outages as the history shows them, found without knowing where they are, and compared with where they really were."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.calibration.truth import Outage
from harness.history import Bools, Floats

LEAST_BAD = 3
"""An outage is at least this many bad arrivals: one or two may be anything."""

CALM = 3
"""So many good arrivals in a row end an outage."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of bad arrivals. An edge (s) lies half-way between the arrivals before and after it."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class Sighting:
    """A true outage and what was seen of it: errors (ms) are seen minus true, None where nothing was seen."""

    outage: Outage
    start_error_ms: float | None
    end_error_ms: float | None
    seen: bool


def found_outages(due_s: Floats, good: Bools, duration_s: float) -> list[Stretch]:
    """Return the outages of a history, from `due_s` (sorted, s) and which of the arrivals were good."""
    bad = np.flatnonzero(~good)
    if len(bad) == 0:
        return []
    groups = np.split(bad, np.flatnonzero(np.diff(bad) > CALM) + 1)
    stretches = []
    for group in groups:
        if len(group) < LEAST_BAD:
            continue
        first, last = int(group[0]), int(group[-1])
        start_s = (due_s[first - 1] + due_s[first]) / 2 if first else 0.0
        end_s = (due_s[last] + due_s[last + 1]) / 2 if last + 1 < len(due_s) else duration_s
        stretches.append(Stretch(float(start_s), float(end_s)))
    return stretches


def sightings(outages: list[Outage], found: list[Stretch], bound_ms: float) -> list[Sighting]:
    """Compare each true outage with the found one that overlaps it most; seen is: both edges within `bound_ms`."""
    return [_sighting(outage, found, bound_ms) for outage in outages]


def _sighting(outage: Outage, found: list[Stretch], bound_ms: float) -> Sighting:
    def shared(stretch: Stretch) -> float:
        return min(stretch.end_s, outage.end_s) - max(stretch.start_s, outage.start_s)

    best = max(found, key=shared, default=None)
    if best is None or shared(best) <= 0:
        return Sighting(outage, None, None, False)
    start_ms, end_ms = (best.start_s - outage.start_s) * 1000, (best.end_s - outage.end_s) * 1000
    seen = max(abs(start_ms), abs(end_ms)) <= bound_ms
    return Sighting(outage, round(start_ms, 3), round(end_ms, 3), seen)
