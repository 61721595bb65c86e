"""Runs what the gate compares: a campaign of some experiments, by the same machinery as any other campaign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from rich.console import Console

from harness.campaign import Plan, make_plan, run_campaign
from harness.campaign_record import CampaignRecord, read_campaign
from harness.errors import ConfigError
from harness.experiment import load_experiment
from harness.gate.baseline import Baseline, asked
from harness.gate.decide import Pairs
from harness.gate.figures import run_figures
from harness.history import History, read_history
from harness.judge import usable_runs
from harness.live import LiveView


@dataclass(frozen=True)
class ChosenPlan(Plan):
    """A plan of some experiments; `words` is the command that repeats it."""

    words: str = ""

    @property
    def command(self) -> str:
        """The command that repeats it."""
        return self.words


@dataclass(frozen=True)
class Measured:
    """A campaign's folder and record, its usable runs, and one sentence for each that is not usable.

    `asked` says how many runs of each experiment there should be; `earlier` are the folders of campaigns before it.
    """

    folder: Path
    record: CampaignRecord
    histories: list[History]
    left_out: list[str]
    asked: dict[str, int]
    earlier: tuple[Path, ...] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the evidence lies, in the order of time."""
        return (*self.earlier, self.folder)

    def and_also(self, later: Measured) -> Measured:
        """Return both campaigns as one; folder and record are those of the later."""
        asked = {name: self.asked.get(name, 0) + later.asked.get(name, 0) for name in {**self.asked, **later.asked}}
        return replace(
            later,
            histories=[*self.histories, *later.histories],
            left_out=[*self.left_out, *later.left_out],
            asked=asked,
            earlier=self.folders,
        )


def measure(
    phase: str,
    experiments: Sequence[str],
    *,
    seed: int,
    repeats: int,
    words: str,
    root: Path,
    console: Console,
    first: int = 1,
) -> Measured:
    """Carry out a campaign in `root` and read back what may be compared. Raises what `run_campaign` raises.

    `first` is the number of the first repeat: the runs before it were made already.
    """
    plan = make_plan(phase, None, seed, repeats)
    given = {f.name: getattr(plan, f.name) for f in fields(Plan)}
    chosen = tuple(load_experiment(name) for name in dict.fromkeys(experiments))
    plan = ChosenPlan(**{**given, "experiments": chosen, "chosen": True, "words": words, "first": first})
    with LiveView(plan.target.phase, len(chosen) * repeats, console) as view:
        folder, _ = run_campaign(plan, root, view)
    record = read_campaign(folder)
    usable = usable_runs([read_history(folder / run) for run in record.runs])
    asked = dict.fromkeys(record.experiments, repeats)
    return Measured(folder, record, usable.histories, [*record.void_because, *usable.left_out], asked)


def pair_up(baseline: Baseline, measured: Measured) -> tuple[list[Pairs], list[str]]:
    """Return the pairs of runs with the same seed, and one sentence for each that is missing.

    Raises ConfigError when an experiment now asks something else than when the baseline was written.
    """
    pairs, doubts = [], list(measured.left_out)
    for name, repeats in measured.asked.items():
        before = baseline.experiments[name]
        now = {h.record.seed: h for h in measured.histories if h.record.experiment == name}
        for history in now.values():
            if asked(history.record) != before.asks:
                problem = f"'{name}' asked something else when the baseline was written (load, windows or faults)."
                raise ConfigError(
                    f"baselines of {baseline.phase}", name, problem, "Write it anew with `make baseline`."
                )
        both = [(run.figures, run_figures(now[run.seed])) for run in before.runs if run.seed in now]
        wanted = min(repeats, baseline.repeats)
        if len(both) < wanted:
            doubts.append(f"{name}: {len(both)} of {wanted} pairs can be compared.")
        pairs.append(Pairs(name, before.faulty, [old for old, _ in both], [new for _, new in both]))
    return pairs, doubts
