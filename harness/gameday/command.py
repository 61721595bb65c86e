"""`harness gameday v1 --minutes 30`: random faults under one load, with limits."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import ConfigError
from harness.gameday.conduct import hold
from harness.gameday.plan import Day, plan_day
from harness.gameday.report import HTML, in_words
from harness.gameday.schedule import QUIET_S, WAIT_S, Pace
from harness.gameday.traffic import BURN
from harness.live import LiveView

Say = Callable[[str], None]
HOURS = 24


def register(app: typer.Typer, say: Say) -> None:
    """Add the command to the command line."""

    @app.command()
    def gameday(  # noqa: PLR0917 - typer calls it
        phase: Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml (with a slash)")],
        minutes: Annotated[float, typer.Option(min=1, max=HOURS * 60, help="How long there is load.")] = 30.0,
        seed: Annotated[int, typer.Option(min=0, help="Incidents and arrivals are drawn from it.")] = 1,
        quiet: Annotated[float, typer.Option(help="Least quiet time (s): healed, and traffic good.")] = QUIET_S,
        wait: Annotated[float, typer.Option(help="Mean of the wait (s) that is drawn after the quiet.")] = WAIT_S,
        burn: Annotated[float, typer.Option(help="How many times its error budget the day may spend.")] = BURN,
        claimed: Annotated[float | None, typer.Option(help="The availability that the budget is for.")] = None,
        evenly: Annotated[bool, typer.Option("--evenly", help="Each kind is as likely as any other.")] = False,
        overlap: Annotated[bool, typer.Option("--overlap", help="Two incidents may be on at once.")] = False,
    ) -> None:
        """Hold a game day: seeded random incidents from the yearly rates, one load, limits. See docs/gameday.md."""
        try:
            pace = Pace(quiet, wait, evenly=evenly, overlap=overlap)
            day = plan_day(phase, minutes, seed, pace, burn=burn, claimed=claimed)
        except ValueError as error:
            raise ConfigError("gameday", "", f"{error}.", "Correct that option.") from None
        _announce(day, say)
        with LiveView(day.target.phase, 1) as view:
            folder, data = hold(day, Path(os.environ.get("TESTBED_RESULTS", "results")), view)
        say(in_words(data))
        for reason in data["void_because"]:
            say(f"the instrument failed: {reason}")
        say(f"report:  {folder / HTML}")
        if not data["valid"]:
            raise typer.Exit(2)


def _announce(day: Day, say: Say) -> None:
    for one in day.drawn:
        say(f"planned: {one.t_s:6.0f} s  {one.kind.incident.what} ({one.kind.experiment})")
    what = {row.id: row.what for row in day.incidents}
    for name, why in day.left_out.items():
        say(f"left out: {what[name]}: {why}")
    allowed = f"{day.budget.allowed:.0f} of {day.budget.planned:,} arrivals"
    say(f"error budget: {allowed} may go bad ({day.budget.claimed:.4%} claimed, times {day.budget.burn:g})")
