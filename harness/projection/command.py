"""`harness project v2`: from stored runs to a year."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.campaign_record import read_campaign
from harness.claims import load_claims
from harness.errors import HarnessError
from harness.experiment import known_experiments
from harness.kept import is_kept, not_from_here
from harness.projection.incidents import FILE, WhatIf, load_incidents, parse_what_if
from harness.projection.project import project
from harness.projection.report import write_projection
from harness.projection.simulate import YEARS
from harness.stored_runs import campaigns_of, newest_runs, results
from harness.target import find_target

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("project")(project_command)


def project_command(  # noqa: PLR0917 - typer calls it
    phase: Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml")],
    campaigns: Annotated[
        list[Path] | None, typer.Argument(help="Campaign folders; without any, all of this phase in results/.")
    ] = None,
    rate: Annotated[list[str] | None, typer.Option(help="provider-away=2x: twice as often.")] = None,
    length: Annotated[list[str] | None, typer.Option(help="zone-away=0.5x: half as long.")] = None,
    once: Annotated[
        list[str] | None, typer.Option(help="database-lost=0.5x: what it costs once (fail-over, recovery) halved.")
    ] = None,
    incidents: Annotated[Path, typer.Option(help="The file of rates and lengths.")] = FILE,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    years: Annotated[int, typer.Option(min=1000, max=10_000_000)] = YEARS,
) -> None:
    """Project a year of PHASE from stored runs: availability with its interval, and what eats the budget."""
    target = find_target(phase)
    claims = load_claims(target.folder / "claims.toml", known_experiments()).claims
    rows = load_incidents(incidents)
    names = [row.id for row in rows]
    what_if = WhatIf(
        parse_what_if("--rate", rate or [], names),
        parse_what_if("--length", length or [], names),
        parse_what_if("--once", once or [], names),
    )
    folders = [folder.resolve() for folder in campaigns or campaigns_of(target.phase)]
    if not folders:
        raise HarnessError(
            f"There is no finished campaign of {target.phase} in {results()}/.", f"make experiment PHASE={phase}"
        )
    wanted = {name for row in rows for name in row.experiments} | {"control"}
    projection = project(target, claims, newest_runs(folders, target.phase, wanted), rows, what_if, seed, years)
    written = write_projection(results() / "projection", projection, [folder.name for folder in folders])
    mean, low, high = projection.availability
    console.print(
        f"A year of {target.phase}, projected: {mean:.4%} available (95 % of years: {low:.4%} to {high:.4%})."
    )
    for one in projection.claims:
        console.print(f"  {one.claim.claimed} Chance {one.chance:.1%}: {one.verdict.value}.", markup=False)
    for folder in filter(is_kept, folders):
        console.print(not_from_here(read_campaign(folder)), soft_wrap=True, markup=False)
    console.print(f"report:  {written}", soft_wrap=True)
