"""`harness sensitivity v1`: the target whole, then once without each of its mechanisms, and what that changed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness import campaign
from harness.campaign_record import read_campaign
from harness.claims import load_claims
from harness.engine.install import ensure_engine
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.errors import InstrumentError
from harness.experiment import known_experiments, load_experiment
from harness.history import History, read_history
from harness.live import LiveView
from harness.mechanism import Mechanism
from harness.sensitivity.compare import compare
from harness.sensitivity.read import chosen_mechanisms
from harness.sensitivity.report import Report, write_report
from harness.target import Target, find_target

console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sensitivity")(sensitivity)


def sensitivity(
    phase: Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml")],
    mechanism: Annotated[str | None, typer.Option(help="Only this one; without it, all that are declared.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Arrivals are drawn from it.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, max=100, help="How often each experiment runs.")] = 1,
) -> None:
    """Switch off one mechanism of PHASE after another: what turns red? It goes to results/sensitivity/<phase>.md."""
    target = find_target(phase)
    claims = load_claims(target.folder / "claims.toml", known_experiments())
    mechanisms = chosen_mechanisms(target, claims, known_experiments(), mechanism)
    started = datetime.now(UTC)
    legs = _Legs(target, mechanisms, seed, repeats, mechanism)
    findings = []
    with _engine_for(legs.command):
        kept = legs.run("", sorted({part.experiment for part in mechanisms.values()}))
        for name, part in mechanisms.items():
            lost = legs.run(name, [part.experiment])
            findings.append(compare(name, part, claims, kept, lost))
            _say(f"{name}: {findings[-1].status}. {findings[-1].because}")
    report = Report(target.phase, started, legs.command, seed, repeats, legs.folders, legs.void, tuple(findings))
    _say(f"report:  {write_report(_results() / 'sensitivity', report)}")
    if legs.void:
        raise typer.Exit(2)


@contextmanager
def _engine_for(who: str) -> Iterator[None]:
    """The engine, for all campaigns together: another harness between two of them would make them hard to compare."""
    client = ensure_engine(_say)
    with closing(client), EngineLock(engine_id(client), who=who):
        yield


class _Legs:
    """The campaigns of one sensitivity test: with everything, and without each mechanism."""

    def __init__(
        self, target: Target, mechanisms: Mapping[str, Mechanism], seed: int, repeats: int, only: str | None
    ) -> None:
        self._target, self._mechanisms, self._seed, self._repeats = target, mechanisms, seed, repeats
        words = f" MECHANISM={only}" if only else ""
        self.command = f"make sensitivity PHASE={target.phase}{words} SEED={seed} REPEATS={repeats}"
        self.folders: dict[str, Path] = {}
        self.void: dict[str, str] = {}

    def run(self, without: str, experiments: list[str]) -> list[History]:
        """Run the experiments with the mechanism `without` switched off ('': none) and return their histories."""
        _say(f"\nWithout {without}:" if without else "\nWith everything:")
        target = self._target.without(without) if without else self._target
        plan = campaign.make_plan(_place(self._target), None, self._seed, self._repeats)
        chosen = tuple(load_experiment(name) for name in experiments)
        plan = replace(plan, target=target, experiments=chosen, chosen=True, part_of=self.command)
        with LiveView(target.phase, len(chosen) * self._repeats, console) as view:
            root = _results() / "sensitivity" / "campaigns"
            folder, summary = campaign.run_campaign(plan, root, view, held=True)
        self.folders[without] = folder
        if not summary["valid"]:
            runs = [f"{run['run']}: {'; '.join(run['void_because'])}" for run in summary["runs"] if not run["valid"]]
            self.void[without or "with everything"] = " ".join([*summary["void_because"], *runs])
        record = read_campaign(folder)
        if not record.runs:
            raise InstrumentError(f"{folder}: no run was recorded: {'; '.join(record.void_because)}.")
        return [read_history(folder / run) for run in record.runs]


def _place(target: Target) -> str:
    """The target's folder, with a slash in it: that is how a target is named that is not one of ours."""
    return f"{target.folder}/"


def _results() -> Path:
    return Path(os.environ.get("TESTBED_RESULTS", "results"))


def _say(line: str) -> None:
    console.print(line, soft_wrap=True, markup=False)
