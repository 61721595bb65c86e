"""A verdict on each row of the seed's table: availability, users, complexity, cost. People are out of reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from harness.compare.complexity import in_order
from harness.compare.cost import BreakEven, break_even, cost_per_nine, nines, price
from harness.compare.matrix import Matrix, Phase
from harness.compare.seed import ASPECTS, SeedRow
from harness.compare.year import verdict as year_verdict
from harness.judge import ClaimVerdict
from harness.projection.incidents import Incident
from harness.projection.project import Projection
from harness.target import known_phases
from harness.verdict import Verdict, worst
from harness.wording import percent, trimmed

UNTESTED = "UNTESTED"


@dataclass(frozen=True)
class Judged:
    """A cell of the seed's table: what it says and where, the verdict (or UNTESTED), and what was measured."""

    said: str
    line: int
    verdict: str
    because: str


@dataclass(frozen=True)
class Cost:
    """A version's price beside what was projected for it. Infinite where nothing is left to pay for.

    `per_nine` are dollars a month for each nine (mean, and at the ends of 95 % of years); `per_hour_avoided` are
    dollars for each hour of downtime avoided against the first version measured, None for that one itself.
    """

    phase: str
    monthly: float
    nines: tuple[float, float, float]
    per_nine: tuple[float, float, float]
    hours_lost: tuple[float, float, float]
    per_hour_avoided: float | None


@dataclass(frozen=True)
class Tradeoffs:
    """The table, row by row and phase by phase, and the arithmetic of cost. `missing` have no complete year."""

    rows: dict[str, dict[str, Judged]]
    costs: tuple[Cost, ...]
    break_evens: tuple[BreakEven, ...]
    missing: tuple[str, ...]


def judge_table(matrix: Matrix) -> Tradeoffs:
    """Judge every cell of the seed's table."""
    table = matrix.seed_table
    columns = {phase: matrix.column(phase) for phase in table}
    costs = costs_of(table, columns)
    before: Phase | None = None
    rows: dict[str, dict[str, Judged]] = {aspect: {} for aspect in ASPECTS}
    for phase, row in table.items():
        column = columns[phase]
        for aspect, judged in _judged(row, column, before, {cost.phase: cost for cost in costs}).items():
            rows[aspect][phase] = judged
        before = column if column is not None and column.complexity is not None else before
    return Tradeoffs(
        rows=rows,
        costs=tuple(costs),
        break_evens=tuple(break_evens_of(table, columns)),
        missing=tuple(phase for phase in table if _complete(columns[phase]) is None),
    )


def _judged(row: SeedRow, column: Phase | None, before: Phase | None, costs: Mapping[str, Cost]) -> dict[str, Judged]:
    found = {
        "availability": _availability(row, column),
        "users": _users(row, column),
        "complexity": _complexity(column, before),
        "cost": _cost(costs.get(row.phase)),
        "setup": (
            Verdict.NOT_TESTABLE_HERE.value,
            "How long people take cannot be measured by running what they built.",
        ),
        "team": (Verdict.NOT_TESTABLE_HERE.value, "How many people a system takes shows over months of running it."),
    }
    return {a: Judged(row.says[a].text, row.says[a].line, *found[a]) for a in ASPECTS}


def _availability(row: SeedRow, column: Phase | None) -> tuple[str, str]:
    projection = _projection(column)
    if projection is None:
        return UNTESTED, _why_not(row.phase, column)
    claims = [each for each in projection.claims if each.claim.line == row.says["availability"].line]
    mean, low, high = projection.availability
    known = f"Projected: {percent(mean)} (95 % of years: {percent(low)} to {percent(high)})."
    if not claims:
        return Verdict.INCONCLUSIVE.value, f"{known} No yearly claim of its claims.toml stands on this line."
    lacks = column.lacks if column is not None else ()
    found = worst(year_verdict(each.verdict, bool(lacks)) for each in claims)
    chance = min(each.chance for each in claims)
    return found.value, f"{known} {percent(chance)} of years are as good as claimed.{without(lacks)}"


def without(lacks: Sequence[Incident]) -> str:
    """Return what a year does not count although it strikes others; '' when there is no such thing."""
    if not lacks:
        return ""
    return f" Incomplete, and so too good: not measured of it, {'; '.join(each.what for each in lacks)}."


def _users(row: SeedRow, column: Phase | None) -> tuple[str, str]:
    if column is None or column.target is None or not column.measured:
        return UNTESTED, _why_not(row.phase, column)
    claims = [v for v in column.verdicts if v.claim.line == row.says["users"].line and v.claim.check is not None]
    tested = [verdict for verdict in claims if verdict.runs]
    if not tested:
        return UNTESTED, " ".join(verdict.because for verdict in claims) or "No claim stands on this line."
    capacity = [v for v in column.verdicts if v.claim.check == "capacity" and v.runs]
    return worst(v.verdict for v in tested).value, " ".join(_sentences(tested) + _carried(capacity))


def _sentences(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [f"Served: {verdict.measured}. {verdict.because}" for verdict in verdicts]


def _carried(verdicts: Sequence[ClaimVerdict]) -> list[str]:
    return [f"Highest load that held: {verdict.measured}." for verdict in verdicts[:1]]


def _complexity(column: Phase | None, before: Phase | None) -> tuple[str, str]:
    if column is None or column.complexity is None:
        return UNTESTED, "There is nothing to count."
    counts = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in column.complexity.items())
    verdict, why = in_order(before.complexity if before is not None else None, column.complexity)
    return verdict.value, f"Counted: {counts}. {why}"


def _cost(cost: Cost | None) -> tuple[str, str]:
    bill = "A cloud's bill depends on its prices and on use."
    if cost is None:
        return Verdict.NOT_TESTABLE_HERE.value, bill
    return (
        Verdict.NOT_TESTABLE_HERE.value,
        f"{bill} By the seed's figure: {dollars(cost.per_nine[0])} a month per nine.",
    )


def costs_of(table: Mapping[str, SeedRow], columns: Mapping[str, Phase | None]) -> list[Cost]:
    """Return the arithmetic of every phase that has a complete projection."""
    known = [(phase, projection) for phase in table if (projection := _complete(columns[phase])) is not None]
    first = known[0] if known else None
    found = []
    for phase, projection in known:
        monthly = table[phase].monthly
        hours = [minutes / 60 for minutes in projection.minutes]
        avoided = None
        if first is not None and phase != first[0]:
            extra = 12 * (monthly - table[first[0]].monthly)
            avoided = price(extra, first[1].minutes[0] / 60 - hours[0])
        mean, low, high = projection.availability
        found.append(
            Cost(
                phase=phase,
                monthly=monthly,
                nines=(nines(mean), nines(low), nines(high)),
                per_nine=(cost_per_nine(monthly, mean), cost_per_nine(monthly, high), cost_per_nine(monthly, low)),
                hours_lost=(hours[0], hours[1], hours[2]),
                per_hour_avoided=avoided,
            )
        )
    return found


def break_evens_of(table: Mapping[str, SeedRow], columns: Mapping[str, Phase | None]) -> list[BreakEven]:
    """Return the break-even of each two neighbours of the table that both have a complete projection."""
    found = []
    for cheaper, dearer in pairwise(table):
        old, new = _complete(columns[cheaper]), _complete(columns[dearer])
        if old is not None and new is not None:
            years = (old.drawn.lost_s, new.drawn.lost_s)
            prices = (table[cheaper].monthly, table[dearer].monthly)
            known = break_even(cheaper, prices[0], years[0], dearer, prices[1], years[1])
            found.append(replace(known, one_sided=_one_sided(old, new)))
    return found


def _one_sided(old: Projection, new: Projection) -> tuple[str, ...]:
    """The incidents that count in one of two years only: what one does not have, or what was measured of one alone."""
    before, after = ({s.row.incident.id: s.row.incident.what for s in each.swings} for each in (old, new))
    first = [f"{what} ({old.phase})" for name, what in before.items() if name not in after]
    return (*first, *(f"{what} ({new.phase})" for name, what in after.items() if name not in before))


def dollars(value: float) -> str:
    """Return a sum as people write it: '$1,234', '$0.42'; 'never' where there is no end to it."""
    if value == float("inf"):
        return "no sum"
    return f"${trimmed(value, 2 if value < 10 else 0)}"


def _projection(column: Phase | None) -> Projection | None:
    return column.projection if column is not None else None


def _complete(column: Phase | None) -> Projection | None:
    """The projection, where it lacks nothing that strikes the others: only such years can be compared."""
    return column.projection if column is not None and not column.lacks else None


def _why_not(phase: str, column: Phase | None) -> str:
    if phase not in known_phases():
        return f"There is no target {phase} (yet)."
    if column is None:
        return f"{phase} is not among the phases compared."
    return f"{phase} was not measured: make experiment PHASE={phase}."
