"""`harness compare v1 v3`: stored runs side by side, and, when asked to, the runs that are missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.compare.data import as_data
from harness.compare.matrix import Matrix, build, chosen_phases
from harness.compare.missing import run_missing
from harness.compare.paired import Finding
from harness.compare.reference import commit
from harness.compare.report import write_comparison
from harness.compare.tradeoffs import judge_table
from harness.compare.words import SIGNS, years
from harness.experiment import known_experiments
from harness.provenance import git_state
from harness.stored_runs import results

FEW_YEARS = 1000  # enough to see which runs are there

console = Console(highlight=False)
COLOURS = {"HELD": "green", "REFUTED": "red", "INCONCLUSIVE": "yellow", "UNTESTED": "red dim", "NO CLAIM": "dim"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("compare")(compare)
    app.command("reference")(reference)


def compare(
    phases: Annotated[list[str] | None, typer.Argument(help="v1 v3; without any, all targets.")] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run what is missing, with the same seeds, before comparing.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the runs that are made, and of the years drawn.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="How often each missing experiment runs.")] = 1,
) -> None:
    """Compare PHASES by their stored runs: results/comparison/report.html."""
    chosen = chosen_phases(phases or [])
    if run:
        matrix = build(chosen, seed, FEW_YEARS, own=True)
        run_missing(matrix, tuple(known_experiments()), seed, repeats, results(), console, say)
    matrix = build(chosen, seed)
    out = results() / "comparison"
    data = as_data(matrix, judge_table(matrix), out, datetime.now(UTC), git_state())
    written = write_comparison(out, data)
    _print(data)
    _doubts(matrix, data)
    say(f"report:  {written}")


def reference() -> None:
    """Keep the last comparison as docs/reference.json, and write its table into both READMEs."""
    files, stay = commit(Path(), results())
    for written in files:
        say(f"written: {written}")
    if stay:
        say(f"as it was, for want of runs in {results()}: {' '.join(stay)}")


def say(line: str) -> None:
    """Print one line as it is."""
    console.print(line, soft_wrap=True, markup=False)


def _print(data: dict[str, Any]) -> None:
    phases = [phase["phase"] for phase in data["phases"]]
    table = Table(box=None, pad_edge=False)
    for heading in ("experiment", *phases):
        table.add_column(heading)
    for row in data["experiments"]:
        table.add_row(row["experiment"], *(_short(row["cells"][phase]) for phase in phases))
    table.add_row("a year, projected", *(escape(_year(data["projections"][phase])) for phase in phases))
    console.print(table)
    for claim in data["faster"]:
        say(f'{claim["phase"]}, "{claim["quote"]}": {claim["verdict"]}. {claim["because"]}')


def _short(cell: dict[str, Any]) -> str:
    label = cell["label"]
    text = f"[{COLOURS.get(label, 'dim')}]{label}[/]"
    if not cell["tested"]:
        return text
    share = cell["availability"]["value"] if cell["availability"] else None
    text += f" {share:.2%}" if share is not None else ""
    against = cell["against"]
    if against is not None and against["finding"] is not None:
        text += f" {SIGNS[Finding(against['finding'])]}"
    return text


def _year(projection: dict[str, Any] | None) -> str:
    if projection is None:
        return "UNTESTED"
    return f"{years(projection['availability'])}{', INCOMPLETE: too good' if projection['incomplete'] else ''}"


def _doubts(matrix: Matrix, data: dict[str, Any]) -> None:
    """Say what was not measured here, what was not compared though both sides have runs, and what asked otherwise."""
    stale = 0
    for phase in data["phases"]:
        for sentence in phase["kept"]:
            say(sentence)
    for row in data["experiments"]:
        for phase, cell in row["cells"].items():
            against = cell.get("against")
            before = row["cells"].get(against["phase"], {}) if against else {}
            if against and against["finding"] is None and before.get("tested"):
                say(f"not compared: {row['experiment']} on {phase}: {against['because']}.")
            if against and against["note"]:
                say(f"without pairs: {row['experiment']} on {phase}: {against['note']}.")
            stale += bool(cell.get("asks_otherwise_today"))
    if stale:
        phases = " ".join(column.phase for column in matrix.phases)
        say(
            f"{stale} cells asked something else than their experiment does today: "
            f'make compare PHASES="{phases}" MEASURE=1'
        )
