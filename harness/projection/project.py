"""The projection of one phase: what is known of each incident, the years drawn, and what would change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.claims import Claim
from harness.history import History
from harness.projection.incidents import Incident, Range, WhatIf
from harness.projection.measured import Background, Costed, background, costed
from harness.projection.simulate import YEAR_S, YEARS, Years, expected_s, simulate
from harness.stats import wilson
from harness.target import Target
from harness.verdict import Verdict

MINUTES = 60.0
LIKELY = 0.95  # how sure a projected verdict must be


@dataclass(frozen=True)
class Swing:
    """What one incident does to a year: minutes lost on average, and were its rate at either end of its range."""

    row: Costed
    minutes: float
    minutes_low: float
    minutes_high: float


@dataclass(frozen=True)
class Projected:
    """A yearly claim: how likely a year is to be as good as claimed, and what that amounts to.

    `cautious` is the chance if failures cost as much as the control runs were too short to see.
    """

    claim: Claim
    chance: float
    cautious: float
    verdict: Verdict


@dataclass(frozen=True)
class Projection:
    """The whole. `availability` and `minutes` are (mean, 2.5 % and 97.5 % of years); `unseen_minutes` is what failures
    too rare for the control runs could add at most (95 %). `drawn` are the years themselves.
    """

    phase: str
    years: int
    seed: int
    availability: tuple[float, float, float]
    minutes: tuple[float, float, float]
    quiet: Background
    unseen_minutes: float | None
    swings: tuple[Swing, ...]
    missing: tuple[tuple[Incident, str], ...]
    claims: tuple[Projected, ...]
    what_if: WhatIf
    drawn: Years


def project(  # noqa: PLR0917 - each of them is a thing of its own
    target: Target,
    claims: Sequence[Claim],
    histories: Mapping[str, Sequence[History]],
    incidents: Sequence[Incident],
    what_if: WhatIf,
    seed: int,
    years: int = YEARS,
) -> Projection:
    """Draw the years of `target` from the runs in `histories` (by experiment)."""
    changed = [what_if.applied(incident) for incident in incidents]
    found, missing = costed(changed, histories, target)
    found = [_cheaper(row, what_if.once.get(row.incident.id, 1.0)) for row in found]
    quiet = background(histories.get("control", ()))
    drawn, unseen = simulate(found, quiet, seed, years), _unseen(quiet)
    return Projection(
        phase=target.phase,
        years=years,
        seed=seed,
        availability=_spread(drawn.availability),
        minutes=_spread(drawn.lost_s / MINUTES),
        quiet=quiet,
        unseen_minutes=unseen,
        swings=tuple(sorted((_swing(row) for row in found), key=lambda swing: -swing.minutes)),
        missing=tuple(missing),
        claims=tuple(_judged(claim, drawn, unseen) for claim in claims if claim.yearly),
        what_if=what_if,
        drawn=drawn,
    )


def _cheaper(row: Costed, factor: float) -> Costed:
    return replace(row, costs=tuple(replace(cost, once_s=cost.once_s * factor) for cost in row.costs))


def _spread(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(np.mean(values)), float(low), float(high)


def _unseen(quiet: Background) -> float | None:
    """How many minutes a year failures could cost that the control runs were too short to see."""
    if quiet.total == 0:
        return None
    most = wilson(quiet.total - quiet.bad, quiet.total).low
    return (1 - most - quiet.ratio) * 365.25 * 24 * 60


def _swing(row: Costed) -> Swing:
    def at(rate: float) -> float:
        fixed = Range(likely=rate, low=rate, high=rate)
        incident = row.incident.model_copy(update={"per_year": fixed})
        return expected_s(replace(row, incident=incident)) / MINUTES

    rate = row.incident.per_year
    return Swing(row, expected_s(row) / MINUTES, at(rate.low), at(rate.high))


def _judged(claim: Claim, drawn: Years, unseen_minutes: float | None) -> Projected:
    """HELD needs a year that holds also with all that could not be seen; REFUTED one that does not even without."""
    claimed = claim.at_least or 0.0
    chance = drawn.holds(claimed)
    cautious = drawn.holds(claimed + unseen_minutes * MINUTES / YEAR_S) if unseen_minutes is not None else 0.0
    if not drawn.by_incident:
        return Projected(claim, chance, cautious, Verdict.INCONCLUSIVE)
    if chance <= 1 - LIKELY:
        return Projected(claim, chance, cautious, Verdict.REFUTED)
    return Projected(claim, chance, cautious, Verdict.HELD if cautious >= LIKELY else Verdict.INCONCLUSIVE)
