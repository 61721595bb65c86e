"""Phases by experiments, gathered from stored runs: nothing is measured here, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from harness.campaign_record import read_campaign
from harness.claims import Claims, load_claims
from harness.compare.cell import Cell, Untested, cell_of, compared
from harness.compare.complexity import Complexity, complexity_of
from harness.compare.places import EXPERIMENT as PLACES_EXPERIMENT
from harness.compare.places import FasterClaim, PlaceRow, faster_claim, place_rows
from harness.compare.question import is_stale
from harness.compare.seed import SeedRow, seed_table
from harness.compare.year import lacking, why_not
from harness.errors import ConfigError, did_you_mean
from harness.experiment import known_experiments, load_experiment
from harness.history import History
from harness.judge import ClaimVerdict, judge, usable_runs
from harness.kept import is_kept
from harness.projection.incidents import Incident, WhatIf, load_incidents
from harness.projection.project import Projection, project
from harness.projection.simulate import YEARS
from harness.stored_runs import Found, campaigns_of, newest_found
from harness.target import Target, find_target, known_phases

NOTHING_CHANGED = WhatIf({}, {}, {})


@dataclass(frozen=True)
class Phase:
    """One column. `target` is None where the seed names a version that does not exist here (yet).

    `projection` is None where no incident of the year was measured at all. `left_out` names the experiments that cannot
    be put to the target, or say nothing new of it. `lacks` are incidents that were measured of another version,
    could strike this one, and were not measured of it: then its year is better than it should be.
    """

    phase: str
    target: Target | None
    cells: dict[str, Cell | Untested]
    verdicts: tuple[ClaimVerdict, ...]
    projection: Projection | None
    complexity: Complexity | None
    left_out: frozenset[str] = frozenset()
    lacks: tuple[Incident, ...] = ()

    @property
    def title(self) -> str:
        """What it is called."""
        return self.target.title if self.target is not None else ""

    @property
    def kept(self) -> list[Path]:
        """The committed campaigns that its figures come from; none where it was measured here."""
        return sorted({cell.folder for cell in self.measured if is_kept(cell.folder)})

    @property
    def measured(self) -> list[Cell]:
        """The cells that hold a measurement."""
        return [cell for cell in self.cells.values() if isinstance(cell, Cell)]

    def histories(self, experiment: str) -> tuple[History, ...]:
        """Return the runs behind a cell; none is an answer."""
        cell = self.cells.get(experiment)
        return cell.histories if isinstance(cell, Cell) else ()


@dataclass(frozen=True)
class Matrix:
    """The whole comparison: columns in the order of the phases, rows in that of the experiments."""

    phases: tuple[Phase, ...]
    experiments: tuple[str, ...]
    places: tuple[PlaceRow, ...]
    faster: tuple[FasterClaim, ...]
    seed_table: dict[str, SeedRow]

    def column(self, phase: str) -> Phase | None:
        """Return a phase's column."""
        return next((column for column in self.phases if column.phase == phase), None)


def chosen_phases(given: Sequence[str]) -> list[str]:
    """Return the phases to compare: those given, or all targets. Raises ConfigError for one that nobody knows."""
    known, sold = known_phases(), seed_table()
    for phase in given:
        if "/" not in phase and phase not in known and phase not in sold:
            raise ConfigError("PHASES", "", f"there is no phase '{phase}'.", did_you_mean(phase, {*known, *sold}))
    return list(dict.fromkeys(given)) or known


def build(phases: Sequence[str], seed: int = 1, years: int = YEARS, *, own: bool = False) -> Matrix:
    """Gather the stored runs of the phases and put them side by side; with `own`, no committed ones.

    Raises ConfigError for a file of a target that cannot be used, Unreadable for a spoilt result.
    """
    incidents = load_incidents()
    columns = [_column(phase, incidents, seed, years, own) for phase in phases]
    columns = [_with_lacks(column, columns) for column in columns]
    names = _rows(columns)
    columns = [_filled(column, names) for column in columns]
    columns = [columns[0], *(_compared(column, before) for before, column in pairwise(columns))]
    by_phase = {column.phase: column.histories(PLACES_EXPERIMENT) for column in columns}
    return Matrix(
        phases=tuple(columns),
        experiments=tuple(names),
        places=tuple(place_rows(by_phase)) if any(by_phase.values()) else (),
        faster=tuple(_faster(columns, by_phase)),
        seed_table=seed_table(),
    )


def _column(phase: str, incidents: Sequence[Incident], seed: int, years: int, own: bool) -> Phase:
    if "/" not in phase and phase not in known_phases():
        return Phase(phase, None, {}, (), None, None)
    target = find_target(phase)
    claims = load_claims(target.folder / "claims.toml", known_experiments())
    folders = [folder.resolve() for folder in campaigns_of(target.phase, own=own)]
    found = newest_found(folders, target.phase)
    cells, verdicts = cells_of(target, claims, found)
    left_out = _left_out(target, folders)
    cells = {**left_out, **cells}
    histories = {name: [*cell.histories] for name, cell in cells.items() if isinstance(cell, Cell)}
    projection = project(target, claims.claims, histories, incidents, NOTHING_CHANGED, seed, years)
    known = projection if projection.swings else None
    return Phase(target.phase, target, cells, tuple(verdicts), known, complexity_of(target), frozenset(left_out))


def _with_lacks(column: Phase, columns: Sequence[Phase]) -> Phase:
    others = [other.projection for other in columns if other is not column and other.projection is not None]
    if column.projection is None:
        return column
    return replace(column, lacks=lacking(column.projection, others, column.left_out))


def cells_of(
    target: Target, claims: Claims, found: Mapping[str, Found]
) -> tuple[dict[str, Cell | Untested], list[ClaimVerdict]]:
    """Return the cells that stored runs make, and the verdicts of all claims, judged anew from these runs."""
    usable = {name: usable_runs(each.histories) for name, each in found.items()}
    verdicts = judge(claims, [history for each in usable.values() for history in each.histories])
    cells: dict[str, Cell | Untested] = {}
    for name, each in found.items():
        histories = usable[name].histories
        if not histories:
            cells[name] = Untested(name, " ".join(usable[name].left_out))
            continue
        stale = is_stale(histories[0].record, load_experiment(name), target) if name in known_experiments() else []
        cells[name] = cell_of(each.folder, each.campaign.seed, histories, verdicts, stale)
    return cells, verdicts


def _left_out(target: Target, folders: Sequence[Path]) -> dict[str, Cell | Untested]:
    """What cannot be put to the target, or says nothing new of it: by its target.toml, and as campaigns found out."""
    known = [load_experiment(name) for name in known_experiments()]
    reasons = {each.name: why for each in known if (why := why_not(each, target))}
    for folder in folders:
        reasons.update(read_campaign(folder).left_out)
    reasons.update(target.by_name_only)
    return {name: Untested(name, why) for name, why in reasons.items()}


def _rows(columns: Sequence[Phase]) -> list[str]:
    names = known_experiments()
    return [*names, *sorted({cell.experiment for column in columns for cell in column.measured} - set(names))]


def _filled(column: Phase, names: Sequence[str]) -> Phase:
    """Give every row a cell, with the reason where nothing was measured."""
    if column.target is None:
        why = f"There is no target {column.phase} (yet)"
        return replace(column, cells={name: Untested(name, why) for name in names})
    command = f"make experiment PHASE={column.phase} EXPERIMENT="
    missing = {name: Untested(name, f"There is no valid run of it: {command}{name}") for name in names}
    return replace(column, cells={**missing, **column.cells})


def _compared(column: Phase, before: Phase) -> Phase:
    cells = {
        name: compared(cell, before.cells.get(name), before.phase) if isinstance(cell, Cell) else cell
        for name, cell in column.cells.items()
    }
    return replace(column, cells=cells)


def _faster(columns: Sequence[Phase], by_phase: Mapping[str, Sequence[History]]) -> list[FasterClaim]:
    return [
        faster_claim(column.phase, verdict.claim, by_phase.get(verdict.claim.faster_than, ()), by_phase[column.phase])
        for column in columns
        for verdict in column.verdicts
        if verdict.claim.faster_than is not None
    ]
