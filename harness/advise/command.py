"""`harness advise --users 300 --downtime-cost 500 --team 4`: a version, and the reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console

from harness.advise.decide import Advice, Version, advise
from harness.advise.signs import LATENCY_LINE, Needs, Seen
from harness.campaign_record import read_campaign
from harness.compare.matrix import Matrix, Phase, build
from harness.compare.seed import SeedRow
from harness.kept import not_from_here
from harness.target import known_phases
from harness.verdict import Verdict

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("advise")(advise_command)


def advise_command(  # noqa: PLR0917 - typer's options are given by name
    users: Annotated[int, typer.Option(min=1, help="Simultaneous users.")],
    downtime_cost: Annotated[float, typer.Option(min=0, help="What an hour off the air costs, in dollars.")],
    team: Annotated[int, typer.Option(min=1, help="People who build and run it.")],
    budget: Annotated[float | None, typer.Option(min=0, help="Dollars a month for the cloud.")] = None,
    sla: Annotated[float | None, typer.Option(min=0, max=100, help="A contract's availability, in per cent.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the years drawn.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As data.")] = False,
) -> None:
    """Say which version is needed, from the runs in results/, projected years, and the seed's own signs."""
    needs = Needs(users, downtime_cost, team, budget, None if sla is None else sla / 100)
    matrix = build(known_phases(), seed)
    advice = advise(needs, versions_of(matrix, needs), seen_in(matrix))
    if as_json:
        data = as_data(needs, advice, from_elsewhere(matrix))
        console.print(json.dumps(data, indent=2, ensure_ascii=False), soft_wrap=True, markup=False)
        return
    for line in as_lines(advice, from_elsewhere(matrix)):
        console.print(line, soft_wrap=True, markup=False)


def from_elsewhere(matrix: Matrix) -> list[str]:
    """Return a sentence for each committed campaign that numbers come from, for want of one that was measured here."""
    return [not_from_here(read_campaign(folder)) for column in matrix.phases for folder in column.kept]


def versions_of(matrix: Matrix, needs: Needs) -> list[Version]:
    """Return what is known of every version that the seed sells, in its order."""
    return [version_of(row, matrix.column(phase), needs) for phase, row in matrix.seed_table.items()]


def version_of(row: SeedRow, column: Phase | None, needs: Needs) -> Version:
    """Return what is known of one version."""
    said = Version(row.phase, row.monthly, row.users, row.team, because=_why_not(row, column))
    if column is None or column.projection is None or column.lacks:
        return said
    projection = column.projection
    mean, low, high = (minutes / 60 for minutes in projection.minutes)
    return Version(
        phase=row.phase,
        monthly=row.monthly,
        users=row.users,
        team=row.team,
        hours_lost=(mean, low, high),
        served=_served(row, column),
        sla_chance=None if needs.sla is None else projection.drawn.holds(needs.sla),
        unseen_minutes=projection.unseen_minutes,
    )


def seen_in(matrix: Matrix) -> dict[int, bool]:
    """Return the signs that runs could see, by line: whether latency is as high as the seed calls it high.

    The claim on that line says that it is not; undecided, it says nothing.
    """
    decided = {Verdict.HELD: False, Verdict.REFUTED: True}
    return {
        verdict.claim.line: decided[verdict.verdict]
        for column in matrix.phases
        for verdict in column.verdicts
        if verdict.claim.line == LATENCY_LINE and verdict.verdict in decided
    }


def _served(row: SeedRow, column: Phase) -> float | None:
    """How many users were served where the seed's number was refuted; None where it was not."""
    refuted = [
        verdict.measurement.value
        for verdict in column.verdicts
        if verdict.claim.line == row.says["users"].line
        and verdict.claim.check == "users_served"
        and verdict.verdict is Verdict.REFUTED
        and verdict.measurement is not None
        and verdict.measurement.value is not None
    ]
    return min(refuted, default=None)


def _why_not(row: SeedRow, column: Phase | None) -> str:
    if column is None:
        return "untested, there is no such target (yet)"
    if column.lacks:
        experiments = ", ".join(" or ".join(incident.experiments) for incident in column.lacks)
        return f"its year is incomplete, and so too good; still to be run: {experiments}"
    return f"untested, no run of it can be projected: make experiment PHASE={row.phase}"


def as_lines(advice: Advice, elsewhere: Sequence[str] = ()) -> list[str]:
    """Return the advice for people, and which of its numbers were measured elsewhere."""
    if advice.phase is None:
        lines = [f"No version can be recommended: {_lacking(advice)}"]
    else:
        fits = "" if advice.fits else " (nothing measured fits everything asked: see the contradictions)"
        lines = [f"Take {advice.phase}{fits}."]
    for title, parts in (
        ("Because:", advice.reasons),
        ("Contradictions:", advice.contradictions),
        ("Not measured, and so without a say:", advice.missing),
        ("Not measured on this machine (make compare MEASURE=1 does):", elsewhere),
    ):
        if parts:
            lines += ["", title, *(f"  * {part}" for part in parts)]
    lines += ["", f"The seed's own signs (docs/seed-readme.md), which point to {advice.by_signs}:"]
    return [*lines, *(f"  {_sign(seen)}" for seen in advice.signs if seen.applies is not None), *_unknown(advice)]


def _lacking(advice: Advice) -> str:
    if advice.contradictions:
        return f"{advice.by_signs} was not measured. make experiment PHASE={advice.by_signs}"
    return "none was measured. make experiment PHASE=v1"


def _sign(seen: Seen) -> str:
    mark = "yes" if seen.applies else "no "
    return f"{mark}  {seen.sign.phase}, line {seen.sign.line}: {seen.sign.says} (“{seen.sign.quote}”)"


def _unknown(advice: Advice) -> list[str]:
    unknown = [f"{seen.sign.says} (line {seen.sign.line})" for seen in advice.signs if seen.applies is None]
    return [f"  Only you can tell: {'; '.join(unknown)}."] if unknown else []


def as_data(needs: Needs, advice: Advice, elsewhere: Sequence[str] = ()) -> dict[str, Any]:
    """Return needs and advice as what `json.dumps` takes."""
    fields = ("phase", "fits", "reasons", "contradictions", "missing", "by_signs")
    signs = [
        {"phase": s.sign.phase, "line": s.sign.line, "quote": s.sign.quote, "applies": s.applies} for s in advice.signs
    ]
    return {
        "needs": asdict(needs),
        **{name: getattr(advice, name) for name in fields},
        "signs": signs,
        "elsewhere": [*elsewhere],
    }
