"""Years drawn at random: pure, seeded, and quick (100,000 years in seconds on one core).

Rates are uncertain, and drawn once for each year; incidents come as Poisson; lengths are log-normal. Of the measured
runs each year takes a sample as large as their number, with replacement, and its incidents cost what runs of that
sample did: few runs make a wide interval. So do few requests: the share that is lost as long as an incident lasts is
drawn from what they leave open (a beta distribution with Jeffreys' prior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.projection.measured import Background, Costed

YEAR_S = 365.25 * 24 * 3600
YEARS = 100_000
MOST_AT_ONCE = 2_000_000  # incidents drawn in one piece, about: 100 MB

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Years:
    """Seconds of full outage in each simulated year, by incident's id, and `background_s` in every year."""

    by_incident: dict[str, Floats]
    background_s: float

    @property
    def lost_s(self) -> Floats:
        """Seconds of full outage in each year, at most the whole year."""
        parts = list(self.by_incident.values())
        total = np.sum(parts, axis=0) if parts else np.zeros(1)
        return np.asarray(np.minimum(total + self.background_s, YEAR_S), dtype=np.float64)

    @property
    def availability(self) -> Floats:
        """The share of each year in which the target worked."""
        return np.asarray(1 - self.lost_s / YEAR_S, dtype=np.float64)

    def holds(self, claimed: float) -> float:
        """Return the share of years whose availability is at least `claimed`."""
        return float(np.mean(self.availability >= claimed))


def simulate(rows: Sequence[Costed], quiet: Background, seed: int, years: int = YEARS) -> Years:
    """Draw `years` years."""
    streams = np.random.SeedSequence(seed).spawn(len(rows))
    drawn = {
        row.incident.id: _one(row, np.random.default_rng(stream), years)
        for row, stream in zip(rows, streams, strict=True)
    }
    return Years(drawn, quiet.ratio * YEAR_S)


def expected_s(row: Costed) -> float:
    """Return the mean seconds a year that the incident costs, in closed form: mean rate x (once + share x mean length).

    It is what `simulate` tends to, and what its test compares it with.
    """
    rate, minutes = row.incident.per_year, row.incident.minutes
    mean_rate = rate.likely * np.exp(rate.sigma**2 / 2) * row.times
    once = float(np.mean([cost.once_s for cost in row.costs]))
    share = float(np.mean([cost.share for cost in row.costs]))
    lasting = share * 60 * minutes.mean if minutes is not None else 0.0
    return float(mean_rate * (once + lasting) * row.incident.severity)


def _one(row: Costed, rng: np.random.Generator, years: int) -> Floats:
    incident = row.incident
    rates = row.times * incident.per_year.likely * np.exp(incident.per_year.sigma * rng.standard_normal(years))
    counts = rng.poisson(rates)
    at_once = max(1, int(MOST_AT_ONCE / max(1.0, float(np.mean(counts)))))
    pieces = [_losses(row, counts[first : first + at_once], rng) for first in range(0, years, at_once)]
    return np.concatenate(pieces)


def _losses(row: Costed, counts: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    incident = row.incident
    once = np.array([cost.once_s for cost in row.costs])
    year = np.repeat(np.arange(len(counts)), counts)
    runs = len(row.costs)
    sample = rng.integers(runs, size=(len(counts), runs))  # which runs each year believes in
    place = rng.integers(runs, size=len(year))
    cost = once[sample[year, place]]
    if incident.minutes is not None:
        lengths = 60 * incident.minutes.median * np.exp(incident.minutes.sigma * rng.standard_normal(len(year)))
        bad = np.array([cost.bad for cost in row.costs])[sample]
        good = np.array([cost.total - cost.bad for cost in row.costs])[sample]
        shares = rng.beta(bad + 0.5, good + 0.5)
        cost = cost + shares[year, place] * lengths
    lost = np.bincount(year, weights=cost * incident.severity, minlength=len(counts))
    return np.asarray(lost, dtype=np.float64)
