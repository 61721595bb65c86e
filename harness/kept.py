"""Campaigns that are committed with the code: measured figures for those who have measured nothing yet.

    docs/reference/<campaign>/      manifest.json, claims.json, summary.json
                       runs/<run>/  run.json, events.jsonl, arrivals.parquet

The arrivals lack their ids and details (`harness.arrivals.IDS`): no figure needs them, and they are most of the bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from harness.arrivals import ARRIVALS, IDS
from harness.campaign_record import CampaignRecord, read_campaign, write_campaign
from harness.history import EVENTS, RECORD, read_record
from harness.stored import Unreadable
from harness.wording import localized

KEPT = Path("docs") / "reference"
"""Where they lie, from the repository's root."""


def committed() -> Path:
    """Return where they lie, whatever folder one is in."""
    return Path(__file__).resolve().parents[1] / KEPT


def is_kept(folder: Path) -> bool:
    """Whether a campaign's folder is one that is committed."""
    return folder.resolve().parent == committed().resolve()


def keep(campaign: Path, runs: Collection[str], into: Path) -> Path:
    """Copy what the figures of these runs (their names) are made of, and return the copy's folder.

    Raises Unreadable for a file that is missing or spoilt.
    """
    record = read_campaign(campaign)
    chosen = tuple(run for run in record.runs if Path(run).name in runs)
    made = into / campaign.name
    if made.exists():
        shutil.rmtree(made)
    made.mkdir(parents=True)
    for name in ("claims.json", "summary.json"):
        _copy_if_there(campaign / name, made / name)
    for run in chosen:
        (made / run).mkdir(parents=True)
        read_record(campaign / run)
        for name in (RECORD, EVENTS):
            _copy_if_there(campaign / run / name, made / run / name)
        _copy_arrivals(campaign / run / ARRIVALS, made / run / ARRIVALS)
    write_campaign(made, replace(record, runs=chosen))
    return made


def _copy_if_there(source: Path, copy: Path) -> None:
    """What only pages show may be missing, as where a campaign was broken off."""
    if source.exists():
        shutil.copyfile(source, copy)


def _copy_arrivals(source: Path, copy: Path) -> None:
    with duckdb.connect() as database:
        try:
            rows = database.read_parquet(str(source)).order("due_s, seq")
            wanted = ", ".join(f'"{name}"' for name in rows.columns if name not in IDS)
            rows.project(wanted).write_parquet(str(copy), compression="zstd")
        except duckdb.Error as error:
            raise Unreadable(source, f"it cannot be copied ({error})") from None


def not_from_here(record: CampaignRecord) -> str:
    """Return the sentence that goes with figures of a committed campaign."""
    return (
        f"{record.phase}: nothing was measured here. Its figures are those of the committed reference: "
        f"{record.campaign}, {record.started[:10]}, commit {record.git.sha[:7]}, "
        f"on {machine_in_words(record.machine, 'en')}."
    )


def machine_in_words(machine: Mapping[str, str], language: str) -> str:
    """Return what is known of a machine: older records, and other systems, say less."""
    cores = {"en": "cores", "pt": "núcleos"}[language]
    known = (
        machine.get("cores") and f"{machine['cores']} {cores}",
        machine.get("memory_gib") and f"{localized(machine['memory_gib'], language)} GiB",
        machine.get("processor"),
        machine.get("system"),
    )
    return ", ".join(filter(None, known))
