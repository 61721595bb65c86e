"""Finishes the record of a campaign whose harness was killed: what was recorded up to then is kept, and is void.

A run that was going on left `run.begun.json` (what it would be if the harness died), its plan, and what the load
generator had written: enough for `arrivals.parquet` and `run.json`. Nothing here needs an engine.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.campaign_record import read_campaign, write_campaign
from harness.engine.processes import is_same, start_mark
from harness.errors import InstrumentError
from harness.history import BEGUN, EVENTS, RECORD, FaultRecord, Receipt, read_record, write_record
from harness.load.arrivals import generator_figures, write_arrivals
from harness.load.plan import load_plan
from harness.load.settings import PLAN
from harness.stored import write_whole

AT_WORK = "at-work.json"
KILLED = "the harness ended (it was killed, or had no room to write) before the campaign did"


def mark_at_work(folder: Path) -> None:
    """Write down which process makes the campaign, so that a dead one can be told from one that still runs."""
    mine = {"pid": os.getpid(), "mark": start_mark(os.getpid()) or ""}
    write_whole(folder / AT_WORK, json.dumps(mine) + "\n")


def unmark(folder: Path) -> None:
    """The campaign has ended."""
    (folder / AT_WORK).unlink(missing_ok=True)


def still_at_work(folder: Path) -> bool:
    """Whether the process that makes the campaign still runs (on this machine)."""
    try:
        found = json.loads((folder / AT_WORK).read_text(encoding="utf-8"))
        return is_same(int(found["pid"]), str(found["mark"]))
    except (OSError, ValueError, LookupError, TypeError):
        return False


def finish_record(folder: Path) -> list[str]:
    """Give every run that was cut off its record and say in the manifest that the harness was killed.

    Returns what was done, in words; nothing is done to a campaign that has ended. Raises Unreadable when the manifest
    is spoilt, InstrumentError when there is no room to write.
    """
    record = read_campaign(folder)
    if record.finished is not None:
        return []
    try:
        kept, done = _finish_runs(folder, {*record.runs, *record.repeated})
        now = datetime.now(UTC).isoformat(timespec="seconds")
        void = (*record.void_because, KILLED)
        write_campaign(folder, replace(record, runs=(*record.runs, *kept), finished=now, void_because=void))
        unmark(folder)
    except OSError as error:
        raise InstrumentError(f"{folder}: cannot be written: {error.strerror}.", "Make room, then try again.") from None
    return [*done, f"the record of {record.campaign} is finished, as far as it goes"]


def _finish_runs(folder: Path, known: set[str]) -> tuple[list[str], list[str]]:
    """The runs that the manifest does not know yet and that have a record now; and what was done, in words."""
    kept, done = [], []
    for run in sorted((folder / "runs").iterdir()) if (folder / "runs").is_dir() else []:
        place = f"runs/{run.name}"
        if place in known or not run.is_dir():
            continue
        if not (run / RECORD).is_file():
            if not ((run / BEGUN).is_file() and (run / PLAN).is_file()):
                done.append(f"{run.name} was cut off before its first arrival: nothing was recorded")
                continue
            _finish_run(run)
            done.append(f"{run.name} was cut off: what it recorded is kept, and is void")
        kept.append(place)
    return kept, done


def _finish_run(run: Path) -> None:
    begun = read_record(run, BEGUN)
    arrivals, oddities = write_arrivals(run, load_plan(run / PLAN))
    figures, reasons = generator_figures(run, arrivals)
    faults = _faults(begun.faults, _events(run / EVENTS))
    void = [*begun.void_because, *oddities, *reasons]
    write_record(run, replace(begun, faults=faults, generator=figures, void_because=void))
    (run / BEGUN).unlink()


def _events(path: Path) -> list[dict[str, Any]]:
    """What the timeline wrote; a line that was cut off is left out."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def _faults(planned: list[FaultRecord], events: list[dict[str, Any]]) -> list[FaultRecord]:
    """Each planned fault with the healing and the receipt that were written down; they struck in the planned order."""
    aims = [(fault.name, fault.aimed_at) for fault in planned]
    return [_fault(fault, aims[:k].count(aims[k]), events) for k, fault in enumerate(planned)]


def _fault(fault: FaultRecord, earlier: int, events: list[dict[str, Any]]) -> FaultRecord:
    """`earlier` faults were the same."""
    mine = [e for e in events if e.get("fault") == fault.name and e.get("aimed_at") == fault.aimed_at]
    healed = [e for e in mine if e.get("event") == "fault_off"][earlier:]
    proofs = [e for e in mine if e.get("event") == "receipt"][earlier:]
    names = set(Receipt.__dataclass_fields__)
    receipt = Receipt(**{name: proofs[0][name] for name in names}) if proofs and names <= proofs[0].keys() else None
    return replace(fault, healed=bool(healed), receipt=receipt or fault.receipt)
