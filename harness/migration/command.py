"""`harness migrate v1 v2`: can users be moved to another version without noticing?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harness.migration.conduct import migrate, question

Phase = Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml (with a slash in it)")]


def register(app: typer.Typer, say: Callable[[str], None]) -> None:
    """Add the command to the command line."""

    @app.command("migrate")
    def command(
        source: Phase,
        sink: Phase,
        rate: Annotated[float, typer.Option(min=0.2, max=1000, help="Arrivals a second.")] = 5.0,
        duration: Annotated[float, typer.Option(min=10, max=86400, help="How long users come, in seconds.")] = 90.0,
        seed: Annotated[int, typer.Option(min=0, help="Arrivals are drawn from it.")] = 1,
    ) -> None:
        """Move users from one version to another under load. Results go to results/migration-.../."""
        asked = question(source, sink, rate, duration, seed)
        folder, summary = migrate(asked, Path(os.environ.get("TESTBED_RESULTS", "results")), say)
        for claim in summary.claims:
            say(f"{claim.verdict:<12}  {claim.claim}: {claim.measured}")
        for reason in summary.void_because:
            say(f"the instrument failed: {reason}")
        say(f"verdict: {summary.verdict}")
        say(f"report:  {folder / 'report.html'}")
        if summary.void_because:
            raise typer.Exit(2)
