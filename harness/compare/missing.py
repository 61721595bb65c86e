"""Running what a comparison lacks: the same experiments and seeds, on every phase that has no such run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from rich.console import Console

from harness.campaign import Plan, make_plan, run_campaign, run_seed
from harness.compare.cell import Cell
from harness.compare.matrix import Matrix, Phase
from harness.experiment import load_experiment
from harness.live import LiveView


@dataclass(frozen=True)
class MissingPlan(Plan):
    """A plan of what is missing; what cannot be put to the target is left out with its reason. `words` repeats it."""

    words: str = ""

    @property
    def command(self) -> str:
        """The command that repeats it."""
        return self.words


def missing_of(column: Phase, known: tuple[str, ...], seed: int, repeats: int) -> list[str]:
    """Return the experiments that a phase must run: no usable run, another seed, too few, or asked something else.

    What an earlier campaign could not put to the target, or says nothing new of it, is not missing.
    """
    return [name for name in known if _is_missing(column, name, seed, repeats)]


def _is_missing(column: Phase, name: str, seed: int, repeats: int) -> bool:
    cell = column.cells.get(name)
    if not isinstance(cell, Cell):
        return name not in column.left_out
    wanted = {run_seed(seed, name, repeat) for repeat in range(1, repeats + 1)}
    return bool(cell.stale) or not wanted <= {history.record.seed for history in cell.histories}


def run_missing(  # noqa: PLR0917 - what to run, how, where, and whom to tell
    matrix: Matrix,
    known: tuple[str, ...],
    seed: int,
    repeats: int,
    root: Path,
    console: Console,
    say: Callable[[str], None],
) -> list[Path]:
    """Run one campaign for each phase that lacks something; return their folders. Raises what `run_campaign` raises."""
    folders = []
    phases = " ".join(column.phase for column in matrix.phases)
    words = f'make compare PHASES="{phases}" MEASURE=1 SEED={seed} REPEATS={repeats}'
    for column in matrix.phases:
        if column.target is None:
            say(f"{column.phase}: there is no such target (yet).")
            continue
        names = missing_of(column, known, seed, repeats)
        if not names:
            say(f"{column.phase}: nothing is missing.")
            continue
        say(f"{column.phase}: {len(names)} experiments to run: {', '.join(names)}.")
        plan = make_plan(f"{column.target.folder}/", None, seed, repeats)
        given = {f.name: getattr(plan, f.name) for f in fields(Plan)}
        chosen = tuple(load_experiment(name) for name in names)
        plan = MissingPlan(**{**given, "experiments": chosen, "words": words})
        with LiveView(column.phase, len(chosen) * repeats, console) as view:
            folder, _ = run_campaign(plan, root, view)
        folders.append(folder)
    return folders
