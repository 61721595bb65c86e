"""A game day while it happens: one campaign of one long run, whose faults and whose end are decided as it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import campaign
from harness.conclusion import finish_campaign
from harness.ended_early import MARGIN_S
from harness.errors import HarnessError, InstrumentError
from harness.experiment import At
from harness.faults.base import Fault, Stage
from harness.gameday import vitals
from harness.gameday.blast import beyond_limits
from harness.gameday.patient import PatientTimeline
from harness.gameday.plan import FILE, Day, write_plan
from harness.gameday.report import conclude_day
from harness.gameday.result import SPENT
from harness.gameday.traffic import Traffic
from harness.history import EventLog
from harness.interruption import shielded
from harness.lab import Notes
from harness.live import LiveView
from harness.load.progress import Progress

VITALS_EVERY_S = 15.0
CALM_LIMIT_S = 180.0  # so long after it was broken off, a day ends whether or not all is well again


class GameDay:
    """The director of the day's run: patient with faults, and impatient with the error budget."""

    def __init__(self, day: Day, folder: Path) -> None:
        self._day, self._folder = day, folder
        self._traffic = Traffic()
        self._timeline: PatientTimeline | None = None
        self._spent_at_s: float | None = None
        self._looked_s = -VITALS_EVERY_S

    def timeline(self, strikes: Sequence[At], stage: Stage, events: EventLog, notes: Notes) -> PatientTimeline:
        """Return the day's incidents, which wait for each other; `strikes` are the same as they were planned."""
        self._timeline = PatientTimeline(
            self._day.drawn,
            stage,
            events,
            notes,
            pace=self._day.pace,
            ends_s=self._day.duration_s,
            quiet=lambda now_s: self._traffic.quiet(now_s, self._day.pace.quiet_s),
            together=self._together,
        )
        return self._timeline

    def look(self, now_s: float, seen: Progress) -> str:
        """Once the budget is spent: nothing strikes any more, all is healed, and the run ends when all is well."""
        self._traffic.note(now_s, seen)
        self._note_vitals(now_s)
        if self._spent_at_s is None:
            if self._day.budget.spent(self._traffic.bad):
                self._stand_down(now_s)
            return ""
        if self._well_again(now_s):
            return f"{self._why()}; all was well again by {now_s:.0f} s"
        if now_s - self._spent_at_s > CALM_LIMIT_S:
            return f"{self._why()}; {CALM_LIMIT_S:g} s later it was not well again"
        return ""

    def _together(self, faults: Sequence[Fault]) -> str:
        why = beyond_limits(faults, self._day.target)
        return f"beside the one that was on, {why}" if why else ""

    def _stand_down(self, now_s: float) -> None:
        self._spent_at_s = now_s
        if self._timeline is not None:
            self._timeline.stand_down(SPENT, bad=self._traffic.bad, allowed=self._day.budget.allowed)

    def _well_again(self, now_s: float) -> bool:
        """Whether all has been well so long that what counts of the run ends with the quiet time."""
        needed_s = self._day.pace.quiet_s + self._day.experiment().deadline_s + MARGIN_S
        calm = self._timeline is None or self._timeline.calm(now_s, needed_s)
        return calm and self._traffic.quiet(now_s, needed_s)

    def _why(self) -> str:
        return f"the error budget was spent at {self._spent_at_s:.0f} s"

    def _note_vitals(self, now_s: float) -> None:
        if now_s - self._looked_s >= VITALS_EVERY_S:
            self._looked_s = now_s
            vitals.note(self._folder, f"{now_s:.0f} s")


def hold(day: Day, root: Path, view: LiveView) -> tuple[Path, dict[str, Any]]:
    """Hold a game day; return its folder and what `gameday.json` says.

    Raises what `run_campaign` does; whatever was recorded by then is reported all the same.
    """
    folder = _new_folder(root, day.target.phase)
    write_plan(folder, day)
    vitals.note(folder, "before")
    planned = campaign.make_plan(_place(day), "control", day.seed, 1)
    plan = replace(
        planned,
        target=day.target_today(),
        experiments=(day.experiment(),),
        part_of=day.command,
        director=GameDay(day, folder),
    )
    try:
        campaign.run_campaign(plan, folder, view)
    except BaseException:
        with shielded(), suppress(HarnessError, OSError):  # why it ended says more
            _keep_or_drop(folder)
        raise
    with shielded():
        vitals.note(folder, "after")
        return folder, conclude_day(folder)


def finish(folder: Path) -> list[str]:
    """Finish the record of a campaign whose harness was killed, and report the game day that it was a part of, if any.

    Returns what was done, in words.
    """
    done = finish_campaign(folder)
    if done and (folder.parent / FILE).is_file():
        try:
            conclude_day(folder.parent)
            done.append(f"reported the game day as far as it went ({folder.parent / 'report.html'})")
        except InstrumentError:
            raise
        except HarnessError as error:
            done.append(f"the game day cannot be reported: {error}")
    return done


def _keep_or_drop(folder: Path) -> None:
    vitals.note(folder, "after")
    if any(path.is_dir() for path in folder.iterdir()):
        conclude_day(folder)
        return
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _new_folder(root: Path, phase: str) -> Path:
    folder = root / f"gameday-{phase}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{folder}: cannot be written: {error.strerror}.", "Make it writable.") from None
    return folder


def _place(day: Day) -> str:
    """The target's folder, with a slash in it: that is how a target is named that is not one of ours."""
    return f"{day.target.folder}/"
