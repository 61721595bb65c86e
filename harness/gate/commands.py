"""`harness baseline` and `harness verify`.

`verify` exits 0 (no regression), 1 (worse beyond the interval) or 2 (inconclusive, or the instrument or what was typed
does not allow an answer): an error must never be taken for a regression, and never for the absence of one.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.errors import ConfigError, HarnessError, did_you_mean
from harness.gate.baseline import (
    BASELINES,
    Baseline,
    cpu_pressure,
    machine_differs,
    make_baseline,
    read_baseline,
    write_baseline,
)
from harness.gate.decide import Finding, Outcome, compare_all, conclude
from harness.gate.measure import Measured, measure, pair_up
from harness.gate.write import Report, junit, markdown
from harness.target import find_target

DEFAULT_EXPERIMENTS = "control app_crash provider_hangs"
DEFAULT_REPEATS = 6  # six runs of three experiments take about 13 minutes
FIRST_LOOK = 3  # runs of each experiment, half of that time, that decide most verifications

Phase = Annotated[str, typer.Argument(help="v1, or the path of a folder with a target.toml (with a slash in it)")]
Experiments = Annotated[str, typer.Option(help="Names, separated by blanks or commas.")]
File = Annotated[Path | None, typer.Option(help="The baseline's file; without it, baselines/<phase>.json.")]

_console = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add `baseline` and `verify` to the command line."""
    app.command()(baseline)
    app.command()(verify)


def baseline(  # noqa: PLR0917 (typer's options are given by name)
    phase: Phase,
    experiments: Experiments = DEFAULT_EXPERIMENTS,
    repeats: Annotated[int, typer.Option(min=2, max=1000, help="How often each experiment runs.")] = DEFAULT_REPEATS,
    seed: Annotated[int, typer.Option(min=0, help="Arrivals are drawn from it.")] = 1,
    note: Annotated[str, typer.Option(help="A sentence for those who read the file.")] = "",
    file: File = None,
) -> None:
    """Measure what PHASE is like now and write it to baselines/<phase>.json, to be committed."""
    names, path = split(experiments), _file(phase, file)
    words = f'make baseline PHASE={phase} EXPERIMENTS="{" ".join(names)}" REPEATS={repeats} SEED={seed}'
    found = measure(phase, names, seed=seed, repeats=repeats, words=words, root=_results(), console=_console)
    if found.left_out:
        reasons = " ".join(found.left_out)
        raise HarnessError(f"This campaign cannot be a baseline: {reasons}", "Measure again on a quieter machine.")
    write_baseline(path, make_baseline(found.record, found.histories, note))
    _say(f"baseline: {path} ({len(found.histories)} runs). Commit it.")


def verify(
    phase: Phase,
    experiments: Experiments = "",
    repeats: Annotated[
        int, typer.Option(min=0, max=1000, help="0: three, and all that the baseline has where three do not decide.")
    ] = 0,
    file: File = None,
) -> None:
    """Run what the baseline of PHASE holds again, with its seeds. Exits 0: no regression, 1: worse, 2: inconclusive."""
    try:
        outcome = _verify(phase, split(experiments), repeats, _file(phase, file))
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        outcome = Outcome.INCONCLUSIVE
    raise typer.Exit(int(outcome))


def _verify(phase: str, asked: list[str], repeats: int, path: Path) -> Outcome:
    before = read_baseline(path)
    names = chosen(before, asked, path)
    if repeats > before.repeats:
        problem = f"the baseline has {before.repeats} repeats, {repeats} were asked for."
        raise ConfigError(
            str(path), "repeats", problem, "Ask for fewer, or write it anew with `make baseline REPEATS=`."
        )
    count = repeats or min(FIRST_LOOK, before.repeats)
    words = f'make verify PHASE={phase} EXPERIMENTS="{" ".join(names)}" REPEATS={count}'
    found = _measured(phase, names, before, words, repeats=count)
    report = judge(before, found)
    undecided = _undecided(report)
    if not repeats and undecided and count < before.repeats:
        more = before.repeats - count
        _say(f"{count} pairs do not decide {', '.join(undecided)}: {more} more of each, as many as the baseline has.")
        words = f'make verify PHASE={phase} EXPERIMENTS="{" ".join(names)}"'
        found = found.and_also(_measured(phase, undecided, before, words, repeats=more, first=count + 1))
        report = judge(before, found)
    (found.folder / "verify.md").write_text(markdown(report), encoding="utf-8")
    (found.folder / "verify.junit.xml").write_text(junit(report), encoding="utf-8")
    _say("")
    _say(markdown(report))
    _say(f"verify:   {found.folder / 'verify.md'}")
    return report.outcome


def _measured(phase: str, names: list[str], before: Baseline, words: str, *, repeats: int, first: int = 1) -> Measured:
    return measure(
        phase, names, seed=before.seed, repeats=repeats, first=first, words=words, root=_results(), console=_console
    )


def _undecided(report: Report) -> list[str]:
    """Return the experiments that more pairs might decide: none when something is worse, or cannot be compared."""
    if report.outcome is not Outcome.INCONCLUSIVE or report.doubts:
        return []
    return list(dict.fromkeys(c.experiment for c in report.comparisons if c.finding is Finding.INCONCLUSIVE))


def judge(before: Baseline, found: Measured) -> Report:
    """Compare a baseline with what was measured now. Raises ConfigError when they cannot be compared at all."""
    pairs, doubts = pair_up(before, found)
    differs = machine_differs(before.machine, found.record.machine)
    comparisons = compare_all(pairs)
    outcome = conclude(comparisons, doubts, same_machine=not differs)
    if differs:
        doubts = [f"The baseline is from another machine ({'; '.join(differs)}): nothing can be concluded.", *doubts]
    facts = {
        "baseline": f"{before.recorded}, commit {before.git[:12] or 'unknown'}. {before.note}".strip(),
        "now": f"{found.record.started}, commit {found.record.git.sha[:12] or 'unknown'}",
        "machine": ", ".join(found.record.machine.values()),
        "waiting for a processor (PSI)": _pressures(before, found),
        "repeat it with": f"`{found.record.command}`",
        **({"evidence": ", ".join(str(folder) for folder in found.folders)} if len(found.folders) > 1 else {}),
    }
    return Report(before.phase, outcome, comparisons, doubts, facts)


def _pressures(before: Baseline, found: Measured) -> str:
    """Return how busy the machine was then and now: it decides nothing, and explains much."""
    names = found.record.experiments
    then = [run.cpu_pressure for name in names for run in before.experiments[name].runs]
    return f"{_mean_share(then)} of the time then, {_mean_share([cpu_pressure(h) for h in found.histories])} now"


def _mean_share(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.0%}" if known else "unknown"


def split(experiments: str) -> list[str]:
    """Return the names in a list that somebody typed, each once."""
    return list(dict.fromkeys(experiments.replace(",", " ").split()))


def chosen(before: Baseline, asked: list[str], path: Path) -> list[str]:
    """Return the experiments to run: those asked for, or all that the baseline holds. Raises ConfigError."""
    for name in asked:
        if name not in before.experiments:
            remedy = did_you_mean(name, before.experiments)
            raise ConfigError(str(path), "experiments", f"the baseline holds no '{name}'.", remedy)
    return asked or list(before.experiments)


def _file(phase: str, given: Path | None) -> Path:
    return given or BASELINES / f"{find_target(phase).phase}.json"


def _results() -> Path:
    return Path(os.environ.get("TESTBED_RESULTS", "results"))


def _say(line: str) -> None:
    _console.print(line, soft_wrap=True, markup=False)
