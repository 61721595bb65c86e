"""The null control: what the laboratory shows when nothing is broken and nothing has changed.

The control experiment runs many times. How much its figures differ from run to run is the *noise floor*: no smaller
difference means anything. How often the regression gate calls an unchanged target worse is its *false-alarm rate*: the
runs are drawn into two groups again and again, as if one were the baseline and the other the verification. These groups
share no seeds, so the gate sees more noise here than in real pairs: the rate is on the cautious side.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from harness.errors import InstrumentError
from harness.gate.commands import FIRST_LOOK, Phase
from harness.gate.decide import Comparison, Figures, Finding, Outcome, Pairs, compare_all, conclude
from harness.gate.figures import run_figures
from harness.gate.measure import measure
from harness.gate.metrics import METRICS
from harness.gate.write import figure
from harness.stats import mean_over_runs

DRAWS = 1000
SEED = 1  # of the drawing of groups: the same runs always give the same rate
EXPERIMENT = "control"


def register(app: typer.Typer) -> None:
    """Add `control` to the command line."""
    app.command()(control)


def control(
    phase: Phase,
    repeats: Annotated[int, typer.Option(min=4, max=1000, help="How often the control runs.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Arrivals are drawn from it.")] = 1,
) -> None:
    """Run the control experiment of PHASE many times: the noise floor and the gate's false-alarm rate."""
    root, console = Path(os.environ.get("TESTBED_RESULTS", "results")), Console(highlight=False)
    words = f"make control PHASE={phase} REPEATS={repeats} SEED={seed}"
    found = measure(phase, [EXPERIMENT], seed=seed, repeats=repeats, words=words, root=root, console=console)
    if len(found.histories) < 4:
        raise InstrumentError(f"Only {len(found.histories)} of {repeats} runs can be used. {' '.join(found.left_out)}")
    runs = [run_figures(history) for history in found.histories]
    result = {
        "schema": 1,
        "phase": found.record.phase,
        "campaign": found.record.campaign,
        "command": words,
        "machine": found.record.machine,
        "asked": repeats,
        "runs": len(runs),
        "left_out": found.left_out,
        "noise": noise_floor(runs),
        "gate": false_alarms(runs, FIRST_LOOK),
        "figures": runs,
    }
    folder = root / "control"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    (folder / f"{found.record.phase}.json").write_text(text, encoding="utf-8")
    page = markdown(result)
    (folder / f"{found.record.phase}.md").write_text(page, encoding="utf-8")
    console.print(page, soft_wrap=True, markup=False)


def noise_floor(runs: Sequence[Figures]) -> dict[str, dict[str, float | int]]:
    """Return how every figure that the runs have differs between them.

    Per metric, in its unit: mean with its 95 % interval, standard deviation and range between runs, and how many runs.
    """
    floor: dict[str, dict[str, float | int]] = {}
    for metric in METRICS:
        values = [value for run in runs if (value := run[metric.name]) is not None]
        if len(values) < 2:
            continue
        mean = mean_over_runs(values)
        floor[metric.name] = {
            "mean": mean.value,
            "low": mean.low,
            "high": mean.high,
            "sd": float(np.std(values, ddof=1)),
            "least": min(values),
            "most": max(values),
            "runs": len(values),
        }
    return floor


def false_alarms(runs: Sequence[Figures], repeats: int, draws: int = DRAWS) -> dict[str, Any]:
    """Return how often the gate says what when nothing changed: `draws` random divisions into groups of `repeats` runs.

    With fewer than two groups' worth of runs the groups are as large as they can be. Raises ValueError for fewer than
    four runs, of which no two groups with a spread can be made.
    """
    size = min(repeats, len(runs) // 2)
    if size < 2:
        raise ValueError(f"{len(runs)} runs cannot be divided into two groups of two")
    random, outcomes, worse = np.random.default_rng(SEED), dict.fromkeys(Outcome, 0), 0
    for _ in range(draws):
        pick = random.permutation(len(runs))[: 2 * size]
        compared = _compared([runs[k] for k in pick[:size]], [runs[k] for k in pick[size:]])
        outcomes[conclude(compared, [])] += 1
        worse += sum(comparison.finding is Finding.WORSE for comparison in compared)
    return {
        "group": size,
        "draws": draws,
        "false_alarm_rate": outcomes[Outcome.WORSE] / draws,
        "inconclusive_rate": outcomes[Outcome.INCONCLUSIVE] / draws,
        "metrics_called_worse": worse,
    }


def _compared(before: Sequence[Figures], after: Sequence[Figures]) -> list[Comparison]:
    return compare_all([Pairs(EXPERIMENT, faulty=False, before=before, after=after)])


def markdown(result: dict[str, Any]) -> str:
    """Return the page for people."""
    gate = result["gate"]
    lines = [
        f"# What {result['phase']} shows when nothing is broken: {result['runs']} runs",
        "",
        "| metric | mean (95 % interval) | standard deviation between runs | least to most |",
        "|---|---|---|---|",
    ]
    for metric in METRICS:
        if (row := result["noise"].get(metric.name)) is not None:
            mean, low, high, sd, least, most = (
                figure(row[key], metric.unit) for key in ("mean", "low", "high", "sd", "least", "most")
            )
            lines.append(f"| {metric.name}: {metric.says} | {mean} ({low} to {high}) | {sd} | {least} to {most} |")
    lines += [
        "",
        f"The gate compared {gate['draws']} times {gate['group']} against {gate['group']} of these runs, between",
        f"which nothing changed. It called them worse in {gate['false_alarm_rate']:.1%} of the cases, and could not",
        f"decide in {gate['inconclusive_rate']:.1%}.",
        *([""] if result["left_out"] else []),
        *[f"* left out: {reason}" for reason in result["left_out"]],
        "",
        f"Machine: {', '.join(result['machine'].values())}. Repeat it with `{result['command']}`.",
    ]
    return "\n".join(lines) + "\n"
