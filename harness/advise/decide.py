"""From what is needed, and what is known of each version, to one version with its reasons: pure and deterministic.

Of the versions that were measured, the one is chosen that, in this order,

    1. is inside the budget, or exceeds it by least           (what cannot be paid is not bought)
    2. bears the users, or falls short of them by least
    3. keeps the SLA: a projected year holds it with 95 %
    4. can be run by the team, or asks for least more people
    5. costs least in a year, downtime included: 12 x price + hours lost x what an hour costs
    6. is the simplest, where two cost the same within TIE    (the seed, line 195: always begin with V1)

A version that was not measured is never chosen; where the seed's words would choose it, that is said. Where it is also
simpler than the best of those that were, and that one does not fit, none is chosen: silence speaks for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.advise.signs import Needs, Seen, read_signs
from harness.wording import percent, trimmed

TIE = 0.05  # totals closer than this share of the smaller one are the same: no projection is that exact
SURE = 0.95
BEGIN_LINE, COST_LINE, USERS_LINE, TEAM_LINE = 195, 184, 187, 189


@dataclass(frozen=True)
class Version:
    """What is known of a version. `users` and `team` are (from, to) of the seed's table, `to` None: no end.

    `hours_lost` a year (mean, and 95 % of years) are projected, None where that was not done: then it is not measured.
    `served` is what was measured to be served where the seed's number of users was refuted; `because` says why nothing
    was measured. `sla_chance` is the share of its projected years that keep the SLA, `unseen_minutes` what failures too
    rare for its control runs could add to a year.
    """

    phase: str
    monthly: float
    users: tuple[int, int | None]
    team: tuple[int, int | None]
    hours_lost: tuple[float, float, float] | None = None
    served: float | None = None
    because: str = ""
    sla_chance: float | None = None
    unseen_minutes: float | None = None

    @property
    def measured(self) -> bool:
        """Whether numbers may speak for it."""
        return self.hours_lost is not None

    def total(self, needs: Needs) -> float | None:
        """Return what it costs in a year ($), downtime included; None where that is not known."""
        if self.hours_lost is None:
            return None
        return 12 * self.monthly + self.hours_lost[0] * needs.downtime_cost

    def over_budget(self, needs: Needs) -> float:
        """Return by how many dollars a month it exceeds the budget."""
        return max(0.0, self.monthly - needs.budget) if needs.budget is not None else 0.0

    @property
    def bears(self) -> float | None:
        """Return how many users it bears: what the seed says, less where it was measured to be less; None: no end."""
        said = self.users[1]
        return self.served if self.served is not None and (said is None or self.served < said) else said

    def short_of_users(self, needs: Needs) -> float:
        """Return how many users it falls short of."""
        return max(0.0, needs.users - self.bears) if self.bears is not None else 0.0

    def breaks_sla(self, needs: Needs) -> bool:
        """Whether it is not sure enough that a year is as good as the contract says."""
        return needs.sla is not None and (self.sla_chance is None or self.sla_chance < SURE)

    def people_missing(self, needs: Needs) -> int:
        """Return how many more people than there are the seed asks for."""
        return max(0, self.team[0] - needs.team)


@dataclass(frozen=True)
class Advice:
    """The answer. `phase` is None where nothing, or not what had to be, was measured.

    `fits` is whether it satisfies everything asked.

    `reasons` are why it; `contradictions` what cannot be had together, or where numbers and the seed's words part;
    `missing` what was not measured, and so has no say.
    """

    phase: str | None
    fits: bool
    reasons: tuple[str, ...]
    contradictions: tuple[str, ...]
    missing: tuple[str, ...]
    signs: tuple[Seen, ...]
    by_signs: str


def advise(needs: Needs, versions: Sequence[Version], seen: Mapping[int, bool] | None = None) -> Advice:
    """Choose among `versions`, which are in the order of the seed: the simplest first.

    `seen` are signs that runs can tell, by their line: whether it applies.
    """
    signs = tuple(read_signs(needs, seen or {}))
    said = by_signs(needs, signs, versions)
    missing = tuple(f"{v.phase}: {v.because}" for v in versions if not v.measured)
    known = [version for version in versions if version.measured]
    if not known:
        return Advice(None, False, (), (), missing, signs, said)
    best, tied = _best(needs, known)
    problems = _problems(needs, best)
    if problems and said in [version.phase for version in versions[: versions.index(best)] if not version.measured]:
        why = f"{best.phase}, the best of what was measured, does not fit, and {said} is simpler."
        return Advice(None, False, (), (why, *problems), missing, signs, said)
    return Advice(
        phase=best.phase,
        fits=not problems,
        reasons=tuple(_reasons(needs, best, tied, known)),
        contradictions=(*problems, *_alternatives(needs, best, known), *_parted(best, said, versions)),
        missing=missing,
        signs=signs,
        by_signs=said,
    )


def by_signs(needs: Needs, signs: Sequence[Seen], versions: Sequence[Version]) -> str:
    """Return what the seed's words alone would choose: the furthest version that a sign, or its users, points to.

    V1 needs no sign: the seed begins with it (line 195).
    """
    order = [version.phase for version in versions]
    bearing = next((v.phase for v in versions if v.users[1] is None or needs.users <= v.users[1]), order[-1])
    pointed = [seen.sign.phase for seen in signs if seen.applies and seen.sign.pushes and seen.sign.phase in order]
    return max([order[0], bearing, *pointed], key=order.index)


def _key(needs: Needs, version: Version) -> tuple[float, float, bool, int]:
    return (
        version.over_budget(needs),
        version.short_of_users(needs),
        version.breaks_sla(needs),
        version.people_missing(needs),
    )


def _best(needs: Needs, known: Sequence[Version]) -> tuple[Version, list[Version]]:
    """Return the choice, and the others that cost the same: the simplest of those counts."""
    least = min(_key(needs, version) for version in known)
    equal = [version for version in known if _key(needs, version) == least]
    cheapest = min(version.total(needs) or 0.0 for version in equal)
    close = [version for version in equal if (version.total(needs) or 0.0) <= cheapest * (1 + TIE)]
    return close[0], close[1:]


def _problems(needs: Needs, best: Version) -> list[str]:
    """What even the best of them does not satisfy."""
    found = []
    if best.over_budget(needs):
        found.append(
            f"The budget of ${trimmed(needs.budget or 0, 2)} a month is too low: {best.phase}, the nearest to it, "
            f"costs ${trimmed(best.monthly, 0)} (line {COST_LINE})."
        )
    if best.short_of_users(needs):
        found.append(f"{best.phase} does not bear {needs.users:,} users: {_bearing(best)}.")
    if best.breaks_sla(needs) and needs.sla is not None:
        chance = "an unknown share" if best.sla_chance is None else percent(best.sla_chance)
        found.append(f"{best.phase} does not keep {percent(needs.sla)}: {chance} of its projected years do.")
    if best.people_missing(needs):
        found.append(
            f"The team is too small: the seed asks for {best.team[0]} and more for {best.phase} (line {TEAM_LINE}), "
            f"and there {'is' if needs.team == 1 else 'are'} {needs.team}."
        )
    return found


def _bearing(version: Version) -> str:
    if version.served is not None and version.bears == version.served:
        return f"measured here, {trimmed(version.served, 0)} were served"
    return f"the seed says up to {version.users[1]:,} (line {USERS_LINE})"


def _reasons(needs: Needs, best: Version, tied: Sequence[Version], known: Sequence[Version]) -> list[str]:
    total = best.total(needs) or 0.0
    hours = best.hours_lost or (0.0, 0.0, 0.0)
    found = [
        f"It costs ${trimmed(total, 0)} a year with its downtime: 12 x ${trimmed(best.monthly, 0)} (line {COST_LINE}), "
        f"and {trimmed(hours[0], 2)} hours lost (95 % of years: {trimmed(hours[1], 2)} to {trimmed(hours[2], 2)}) "
        f"at ${trimmed(needs.downtime_cost, 2)}."
    ]
    found += [
        f"{other.phase} costs the same within {percent(TIE)}: the simpler one is chosen (line {BEGIN_LINE})."
        for other in tied
    ]
    found += [_rejected(needs, best, other) for other in known if other is not best and other not in tied]
    if not best.short_of_users(needs):
        bears = "without an end" if best.bears is None else _bearing(best)
        found.append(f"It bears {needs.users:,} users: {bears}.")
    if needs.sla is not None and not best.breaks_sla(needs):
        found.append(f"It keeps {percent(needs.sla)}: {percent(best.sla_chance or 0)} of its projected years do.")
    if not best.people_missing(needs):
        found.append(
            f"A team of {needs.team} can run it: the seed asks for {best.team[0]} and more (line {TEAM_LINE})."
        )
    if best.unseen_minutes:
        minutes = trimmed(best.unseen_minutes, 0)
        found.append(f"Not counted: failures too rare for its control runs could add up to {minutes} minutes a year.")
    return found


def _rejected(needs: Needs, best: Version, other: Version) -> str:
    """Say which rule decided against another version: the first in which it is worse."""
    mine, theirs = _key(needs, best), _key(needs, other)
    total = f"${trimmed(other.total(needs) or 0, 0)} a year with its downtime"
    if theirs[0] > mine[0]:
        return f"Not {other.phase}: ${trimmed(other.monthly, 0)} a month is beyond the budget (line {COST_LINE})."
    if theirs[1] > mine[1]:
        return f"Not {other.phase}: {needs.users:,} users are too many, {_bearing(other)}."
    if theirs[2] > mine[2] and needs.sla is not None:
        return f"Not {other.phase}: it is not sure to keep {percent(needs.sla)}."
    if theirs[3] > mine[3]:
        return f"Not {other.phase}: it asks for {other.team[0]} people (line {TEAM_LINE}), and there are {needs.team}."
    return f"Not {other.phase}: {total}."


def _alternatives(needs: Needs, best: Version, known: Sequence[Version]) -> list[str]:
    """Versions that would cost clearly less, downtime included, were it not for the team or the budget."""
    total = best.total(needs) or 0.0
    found = []
    for other in known:
        cost = other.total(needs) or 0.0
        cheaper = cost * (1 + TIE) < total and not other.short_of_users(needs)
        barred = _barred(needs, other)
        if other is not best and cheaper and barred:
            found.append(
                f"{other.phase} would cost less with its downtime (${trimmed(cost, 0)} a year, not "
                f"${trimmed(total, 0)}), but {barred}."
            )
    return found


def _barred(needs: Needs, other: Version) -> str:
    if other.over_budget(needs):
        return f"its ${trimmed(other.monthly, 0)} a month are beyond the budget"
    if other.breaks_sla(needs):
        return "it is not sure to keep the SLA"
    if other.people_missing(needs):
        return f"it asks for {other.team[0]} people (line {TEAM_LINE})"
    return ""


def _parted(best: Version, said: str, versions: Sequence[Version]) -> list[str]:
    """Where the numbers choose another version than the seed's signs."""
    if said == best.phase:
        return []
    named = next(version for version in versions if version.phase == said)
    if not named.measured:
        return [
            f"The seed's signs point to {said}, which was not measured ({named.because}): nothing speaks for it yet."
        ]
    return [f"The seed's signs point to {said}; the numbers say {best.phase}."]
