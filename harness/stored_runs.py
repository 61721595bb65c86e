"""Which stored runs speak for a phase: the newest valid ones of each experiment, from all its campaigns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.campaign_record import FILE as MANIFEST
from harness.campaign_record import CampaignRecord, read_campaign
from harness.errors import ConfigError
from harness.history import History, read_history, read_record
from harness.kept import committed

NAMED = "TESTBED_RESULTS"
"""The variable that names the folder of results."""


@dataclass(frozen=True)
class Found:
    """The valid runs of one experiment in one campaign: the campaign's folder and record, and what was recorded."""

    folder: Path
    campaign: CampaignRecord
    histories: tuple[History, ...]


def results() -> Path:
    """Where results lie."""
    return Path(os.environ.get(NAMED, "results"))


def campaigns_of(phase: str, *, own: bool = False) -> list[Path]:
    """Return the finished campaigns of a phase in the results' folder, oldest first.

    Where nothing of it was measured, the committed ones (`harness.kept`), unless only `own` ones may speak, or
    TESTBED_RESULTS names a folder whose runs are meant.
    """
    found = _finished(results(), phase)
    return found if found or own or NAMED in os.environ else _finished(committed(), phase)


def _finished(root: Path, phase: str) -> list[Path]:
    found = []
    for manifest in sorted(root.glob(f"{phase}-*/{MANIFEST}")):
        record = read_campaign(manifest.parent)
        if record.phase == phase and record.finished is not None and not record.void_because:
            found.append((record.started, manifest.parent))
    return [folder for _, folder in sorted(found)]


def newest_found(folders: Sequence[Path], phase: str, wanted: set[str] | None = None) -> dict[str, Found]:
    """Return, by experiment, the valid runs of the last of `folders` that has any; all experiments without `wanted`.

    Raises Unreadable for a spoilt file, ConfigError for a campaign of another phase.
    """
    chosen: dict[str, tuple[Path, CampaignRecord, list[Path]]] = {}
    for folder in folders:
        record = read_campaign(folder)
        if record.phase != phase:
            problem = f"is a campaign of {record.phase}, not of {phase}."
            raise ConfigError(str(folder), "", problem, "Name campaigns of one phase only.")
        here: dict[str, list[Path]] = {}
        for run in record.runs:
            seen = read_record(folder / run)
            if seen.valid and (wanted is None or seen.experiment in wanted):
                here.setdefault(seen.experiment, []).append(folder / run)
        chosen.update({name: (folder, record, paths) for name, paths in here.items()})
    return {
        name: Found(folder, record, tuple(read_history(path) for path in paths))
        for name, (folder, record, paths) in chosen.items()
    }


def newest_runs(folders: Sequence[Path], phase: str, wanted: set[str]) -> dict[str, list[History]]:
    """Return what `newest_found` does, the histories alone."""
    return {name: list(found.histories) for name, found in newest_found(folders, phase, wanted).items()}
