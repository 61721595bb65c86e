"""`harness calibrate`: does the instrument measure what is true?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from harness.calibration import page
from harness.calibration.conduct import Asked, calibrate
from harness.calibration.coverage import FOLDER
from harness.calibration.result import CalibrationSummary
from harness.calibration.script import Script
from harness.calibration.suite import default_suite
from harness.config import load_toml
from harness.errors import ConfigError
from harness.interruption import interruptible

MOST_OPEN = 8000
"""Requests that may be open at once: each is a descriptor in two processes, and Locust asks for 10,000."""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("calibrate")(command)


def command(
    rate: Annotated[float, typer.Option(min=1, max=1000, help="Arrivals a second.")] = 100.0,
    script: Annotated[
        Path | None, typer.Option(help="A truth of your own (docs/calibration.md); without it, the default suite.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Arrivals and the random truths are drawn from it.")] = 1,
) -> None:
    """Measure a server whose truth is scripted, and print the error. Results go to results/calibration/."""
    console = Console(highlight=False)
    suite = [read_script(script, rate)] if script else default_suite(seed)
    root = Path(os.environ.get("TESTBED_RESULTS", "results")) / FOLDER
    with interruptible():
        summary = calibrate(
            Asked(suite, rate, seed, str(script) if script else None),
            root,
            lambda line: console.print(line, soft_wrap=True, markup=False),
        )
    _print(summary, root, console)
    if not summary.valid:
        raise typer.Exit(2)


def read_script(path: Path, rate: float) -> Script:
    """Read a truth script. Raises ConfigError that names file, place and remedy."""
    script = load_toml(path, Script)
    longest_s = max(script.deadline_s, script.service_s)
    if rate * longest_s > MOST_OPEN:
        problem = f"{rate:g} arrivals/s that wait up to {longest_s:g} s are {rate * longest_s:.0f} open requests."
        raise ConfigError(str(path), "deadline_s", problem, f"At most {MOST_OPEN} can be: lower it, or the rate.")
    return script


def _print(summary: CalibrationSummary, root: Path, console: Console) -> None:
    table = Table(title="What was true, and what was measured", title_justify="left")
    for heading in ("truth", "true", "measured", "bias, points"):
        table.add_column(heading, justify="left" if heading == "truth" else "right")
    for form in summary.forms:
        table.add_row(form.form, page.share(form.true), page.share(form.measured), page.points(form.bias))
    console.print(table)
    edges = summary.edges_ms
    lines = [
        f"edges of outages: p50 {page.ms(edges.p50)}, p99 {page.ms(edges.p99)} (bound {page.ms(edges.bound)})",
        f"smallest outage seen: {page.ms(summary.smallest_outage_ms)}",
        *(f"missed: {reason}" for reason in summary.because),
        f"calibration: {'valid' if summary.valid else 'NOT VALID'}",
        f"report:  {root / 'report.html'}",
    ]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
