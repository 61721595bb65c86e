"""The command line behind the Makefile.

Exit codes: 0 done (whatever the verdicts), 1 something typed or written cannot be used, 2 the instrument failed,
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.exceptions import TyperException

from harness import campaign, control, monitoring, running
from harness.advise.command import register as register_advise
from harness.calibration import command as calibration
from harness.compare.command import register as register_compare
from harness.conclusion import rejudge
from harness.engine import marks
from harness.engine.doctor import diagnose
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.install import ensure_engine, stop_engine
from harness.engine.lock import EngineLock
from harness.engine.recover import recover as recover_engine
from harness.engine.residue import dirty
from harness.errors import HarnessError, InstrumentError, one_line, printable
from harness.gameday.command import register as register_gameday
from harness.gameday.conduct import finish
from harness.gate import commands as gate
from harness.interruption import Interrupted, interruptible
from harness.live import LiveView
from harness.log_command import register as register_logs
from harness.migration.command import register as register_migration
from harness.observe.command import register as register_observe
from harness.pages.command import register as register_pages
from harness.projection.command import register as register_projection
from harness.sensitivity.command import register as register_sensitivity
from harness.target import find_target

RESULTS = Path(os.environ.get("TESTBED_RESULTS", "results"))
COLOURS = {"HELD": "green", "REFUTED": "red", "INCONCLUSIVE": "yellow", "NOT TESTABLE HERE": "dim"}

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Breaks architectures on purpose."
)
console = Console(highlight=False)
control.register(app)
gate.register(app)
calibration.register(app)

register_sensitivity(app)
register_projection(app)
register_compare(app)
register_advise(app)

Phase = Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml (with a slash in it)")]


def say(line: str) -> None:
    """Print one line as it is."""
    console.print(line, soft_wrap=True, markup=False)


running.register(app, say)
register_gameday(app, say)
monitoring.register(app, say)
register_logs(app, say)
register_observe(app, say)
register_pages(app, say)
register_migration(app, say)


@app.command()
def doctor() -> None:
    """Say what is there and what is missing on this machine, with the remedy. Changes nothing."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "what", "found"):
        table.add_column(heading)
    findings = diagnose()
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else {"error": "[red]missing[/]"}.get(finding.severity, "[yellow]note[/]")
        remedy = "" if finding.ok or not finding.remedy else f"\n[bold]{escape(finding.remedy)}[/]"
        table.add_row(mark, finding.name, escape(finding.found) + remedy)
    console.print(table)
    _doctor_on_leftovers()
    if any(not finding.ok and finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _doctor_on_leftovers() -> None:
    try:
        client = connect()
    except HarnessError:
        return
    with EngineLock(marks.engine_id(client), who="doctor"):
        for line in dirty(client):
            say(f"left over: {line} (`make recover` removes it)")
    client.close()


@app.command()
def setup(
    phase: Phase,
    for_tests: Annotated[
        bool, typer.Option("--for-tests", help="Where no engine can run, say so and go on: tests are then skipped.")
    ] = False,
) -> None:
    """Install and start a Docker engine where there is none, and make the images that PHASE needs."""
    target = find_target(phase)
    try:
        client = ensure_engine(say)
    except HarnessError as error:
        if not for_tests:
            raise
        say(f"Engine tests will be skipped: {error}")
        return
    ensure_images(client, [*target.images, "toxiproxy", "netadmin"], say)
    client.close()
    say(f"Ready: engine and images for {phase}.")


@app.command()
def experiment(
    phase: Phase,
    experiment: Annotated[
        str | None, typer.Option(help="Only this one, or 'these two'; without it, all of them.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Arrivals are drawn from it.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="How often each experiment runs.")] = 1,
) -> None:
    """Put PHASE under test: load, faults, receipts, verdicts. Results go to results/<campaign>/."""
    plan = campaign.make_plan(phase, experiment, seed, repeats)
    with LiveView(plan.target.phase, len(plan.experiments) * repeats, console) as view:
        folder, summary = campaign.run_campaign(plan, RESULTS, view)
    _print_conclusion(folder, summary)
    if not summary["valid"]:
        raise typer.Exit(2)


@app.command()
def judge(folder: Annotated[Path, typer.Argument(help="A campaign's folder, for instance results/latest")]) -> None:
    """Judge a stored campaign again, from its history alone, and write its summary and reports anew."""
    folder = folder.resolve()
    summary = rejudge(folder)
    _print_conclusion(folder, summary)


@app.command()
def recover() -> None:
    """Undo what a killed experiment left behind. Touches only what carries the harness's label."""
    client = connect()
    done = recover_engine(client, say, finish=finish)
    client.close()
    say("The engine is clean." if not done else f"The engine is clean again ({len(done)} things undone).")


@app.command("engine-stop")
def engine_stop() -> None:
    """Stop the Docker engine if the harness started it."""
    say("Stopped the engine." if stop_engine() else "There is no engine that the harness started.")


def _print_conclusion(folder: Path, summary: dict[str, Any]) -> None:
    table = Table(
        title=f"What was claimed for {summary['phase']}, and what was measured", title_justify="left", show_lines=True
    )
    for heading in ("verdict", "claim", "measured"):
        table.add_column(heading)
    here = [claim for claim in summary["claims"] if claim["standing"] != "not testable"]
    for claim in here:
        verdict = claim["verdict"]
        quote = f"“{escape(claim['quote'])}” {escape(claim['claimed'])}"
        table.add_row(f"[{COLOURS[verdict]}]{verdict}[/]", quote, escape(_measured(claim)))
    console.print(table)
    say(f"{len(summary['claims']) - len(here)} more sentences cannot be tested here; the report says why.")
    for name, why in summary["left_out"].items():
        say(f"left out: {name}: {why}")
    for reason in summary["void_because"]:
        say(f"the instrument failed: {reason}")
    say(f"verdict: {summary['verdict']}")
    say(f"report:  {folder / 'report.html'}")


def _measured(claim: dict[str, Any]) -> str:
    text = claim["measured"]["text"] if claim["measured"] else ""
    return text or str(claim["because"])


def guarded(command: Callable[[], Any]) -> int:
    """Run a command and turn what a person can act on into one message and an exit code."""
    try:
        ended = command()
    except InstrumentError as error:
        sys.stderr.write(f"the instrument failed: {printable(str(error))}\n")
        return 2
    except TyperException as error:  # what was typed does not fit the command line
        said = one_line(error.format_message())
        if said:  # without any word at all the help was shown
            sys.stderr.write(f"{said} `harness --help` says what can be typed.\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"the instrument failed: {one_line(str(error))}\n")
        return 2
    except HarnessError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return 1
    except (Interrupted, KeyboardInterrupt):
        sys.stderr.write("Interrupted: everything that was started has been taken down again.\n")
        return 130
    except SystemExit as end:
        ended = end.code if isinstance(end.code, int) else 1
    return ended if isinstance(ended, int) else 0


def main() -> None:
    """Entry point of `harness`."""
    with interruptible(last=True):
        code = guarded(lambda: app(standalone_mode=False))
    sys.exit(code)


if __name__ == "__main__":
    main()
