"""A whole calibration, from truths to a page.

1. A folder like that of a campaign, under `results/calibration/`.
2. Each script is a run of its own (`chain.run_once`); a run that only a busy machine made late is done once more.
3. From what is on disk: the very verdicts, summary and reports of a campaign. Measured figures are read off them.
4. The truth of every arrival, from plan and script alone, is put beside it: `calibration.json` and a page.
5. `results/calibration/summary.json`, `report.html` and `report.md` are those of the newest calibration.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.calibration.chain import PHASE, WayThere, run_once
from harness.calibration.compare import Truth, compare
from harness.calibration.coverage import SUMMARY, here
from harness.calibration.page import write_pages
from harness.calibration.result import CalibrationSummary, edges_of, shortcomings, smallest_seen_ms, wrong_verdicts
from harness.calibration.script import Script
from harness.calibration.verdicts import claims_about, judged
from harness.campaign import new_folder, run_seed
from harness.campaign_record import CampaignRecord, write_campaign
from harness.conclusion import conclude, store_claims
from harness.errors import InstrumentError
from harness.history import History, read_history
from harness.load.arrivals import only_late
from harness.provenance import git_state

MOST_REPEATS_OF_LATE_RUNS = 2
CHANGED = "the instrument's own files changed while it was calibrated"
OVERHEAD_S = 5.0  # of a run: starting Locust, warming up, draining


@dataclass(frozen=True)
class Asked:
    """What to calibrate against: truths, arrivals a second, the seed, and the user's file (None: the default suite)."""

    suite: Sequence[Script]
    rate: float
    seed: int
    file: str | None = None

    @property
    def command(self) -> str:
        """The command that repeats it."""
        script = f" SCRIPT={self.file}" if self.file else ""
        return f"make calibrate RATE={self.rate:g} SEED={self.seed}{script}"


@dataclass(frozen=True)
class _Done:
    """A run that was carried out: where its history lies, its truth, and how late arrivals were at the server."""

    folder: Path
    truth: Truth
    way: WayThere | None
    void_because: list[str]

    def in_short(self) -> str:
        """Say what it gave, while others are still to come."""
        if self.void_because:
            return f"void: {'; '.join(self.void_because)}"
        true = 100 * float(self.truth.good().mean())
        seen = 100 * float(read_history(self.folder).counted().good(self.truth.script.deadline_s).mean())
        return f"true {true:.3f} %, measured {seen:.3f} %, bias {seen - true:+.3f} points"


@dataclass
class _Runs:
    """What was carried out, in order; `repeated` are late runs that were done once more, with the reason."""

    done: list[_Done] = field(default_factory=list)
    repeated: dict[str, str] = field(default_factory=dict)


def calibrate(asked: Asked, root: Path, say: Callable[[str], None]) -> CalibrationSummary:
    """Carry out a calibration in a new folder under `root` and return what it found; all of it is on disk then.

    Raises HarnessError when the results cannot be written, InstrumentError when that happens on the way.
    """
    started = datetime.now(UTC)
    folder = new_folder(root, "script" if asked.file else "suite", started)
    about_s = sum(script.duration_s + OVERHEAD_S for script in asked.suite)
    before = here()
    say(f"{len(asked.suite)} runs at {asked.rate:g} arrivals/s, about {about_s:.0f} s.")
    try:
        runs = _carry_out(asked, folder, say)
        changed = [] if here() == before else [CHANGED]
        return _conclude(asked, folder, runs, started.isoformat(timespec="seconds"), changed)
    except OSError as error:
        problem = f"{folder}: cannot be written: {error.strerror or error}."
        raise InstrumentError(problem, "Make room, and calibrate again.") from error


def _carry_out(asked: Asked, folder: Path, say: Callable[[str], None]) -> _Runs:
    runs = _Runs()
    for number, script in enumerate(asked.suite, start=1):
        say(f"[{number}/{len(asked.suite)}] {script.name}: {script.duration_s:g} s")
        name, seed = f"{number:02d}-{script.name}", run_seed(asked.seed, script.name, 1)
        for attempt in range(1 + MOST_REPEATS_OF_LATE_RUNS):
            done = _run(script, asked.rate, seed, folder / "runs" / (f"{name}-again{attempt}" if attempt else name))
            say(f"    {done.in_short()}")
            if not only_late(done.void_because) or attempt == MOST_REPEATS_OF_LATE_RUNS:
                break
            say("    the machine was busy: once more.")
            runs.repeated[f"runs/{done.folder.name}"] = done.void_because[0]
        runs.done.append(done)
    return runs


def _conclude(asked: Asked, folder: Path, runs: _Runs, started: str, doubts: list[str]) -> CalibrationSummary:
    histories = [read_history(done.folder) for done in runs.done]
    chain = _campaign(asked, folder, runs, started)
    found = _compared(asked, folder, runs, histories, chain)
    because = [*doubts, *found.because]
    summary = found.model_copy(update={"because": because, "valid": not because})
    summary.write(folder / SUMMARY)
    write_pages(folder, summary, histories)
    for name in ("calibration.md", "calibration.html"):
        shutil.copyfile(folder / name, folder.parent / name.replace("calibration", "report"))
    summary.write(folder.parent / "summary.json")
    return summary


def _run(script: Script, rate: float, seed: int, folder: Path) -> _Done:
    folder.mkdir()
    plan, way, record = run_once(script, rate, seed, folder)
    return _Done(folder, Truth(script, plan.due_s, plan.counted), way, record.void_because)


def _campaign(asked: Asked, folder: Path, runs: _Runs, started: str) -> dict[str, Any]:
    """Write manifest, claims, summary and reports as of any campaign, and return the summary."""
    versions, machine = here()
    record = CampaignRecord(
        schema=1,
        campaign=folder.name,
        phase=PHASE,
        started=started,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        git=git_state(),
        seed=asked.seed,
        repeats=1,
        command=asked.command,
        experiments=tuple(script.name for script in asked.suite),
        versions=versions,
        machine=machine,
        runs=tuple(f"runs/{done.folder.name}" for done in runs.done),
        repeated=runs.repeated,
    )
    write_campaign(folder, record)
    store_claims(folder, claims_about([done.truth for done in runs.done]))
    return conclude(folder)


def _compared(
    asked: Asked, folder: Path, runs: _Runs, histories: Sequence[History], chain: dict[str, Any]
) -> CalibrationSummary:
    compared = [
        compare(done.truth, history, run, done.way)
        for done, history, run in zip(runs.done, histories, chain["runs"], strict=True)
    ]
    forms = [one.form for one in compared]
    seen = [sighting for one in compared for sighting in one.sightings]
    edges = edges_of(seen, asked.rate)
    verdicts = judged(chain)
    because = shortcomings(forms, edges, seen, asked.rate) + wrong_verdicts(verdicts)
    return CalibrationSummary(
        schema_version=1,
        when=chain["started"],
        command=asked.command,
        script=asked.file,
        seed=asked.seed,
        rate=asked.rate,
        valid=not because,
        because=because,
        forms=forms,
        edges_ms=edges,
        smallest_outage_ms=smallest_seen_ms(seen),
        outages=[row for one in compared for row in one.rows],
        verdicts=verdicts,
        repeated=runs.repeated,
        folder=folder.name,
        versions=chain["versions"],
        machine=chain["machine"],
    )
