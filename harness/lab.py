"""What a run needs from those who start it: a target that is up, somewhere to show itself, somewhere to take notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.clock import RunClock
from harness.engine.stack import Stack
from harness.experiment import At
from harness.faults.base import Stage
from harness.history import EventLog, RunRecord
from harness.load.plan import Plan
from harness.load.progress import Progress
from harness.paging import Pager
from harness.scaling import Decision, Running
from harness.target import Target
from harness.timeline import Timeline


@dataclass(frozen=True)
class Moment:
    """Where a run stands: run time now and at the end (s), arrivals a second, what came back lately, active faults."""

    experiment: str
    now_s: float
    end_s: float
    rate: float
    seen: Progress
    faults: list[str]


class View(Protocol):
    """Where a run shows itself while it goes on."""

    def say(self, line: str) -> None:
        """Show one line."""
        ...

    def tick(self, moment: Moment) -> None:
        """Show where the run stands."""
        ...


class Notes(Protocol):
    """The journal's narrow side: what must be undone if the harness is killed, written before it is done."""

    def process_started(self, what: str, pid: int) -> None:
        """A child process that must not outlive the campaign."""
        ...

    def fault_on(self, name: str, aimed_at: str) -> None:
        """A fault is about to bite."""
        ...

    def fault_off(self, name: str, aimed_at: str) -> None:
        """A fault is healed."""
        ...


@dataclass(frozen=True)
class Watched:
    """A run that goes on, for whoever looks on: all of it may be looked at from any thread, and nothing changed.

    `record` is what the run would be if it ended now. `strikes` are the faults: name, aim, and whether it bites now.
    """

    folder: Path
    record: RunRecord
    plan: Plan
    clock: RunClock
    strikes: Callable[[], Sequence[tuple[str, str, bool]]]
    replicas: Callable[[], Sequence[Running]]
    decisions: Callable[[], Sequence[Decision]]
    pagers: Sequence[Pager]


class Observer(Protocol):
    """Who looks on while runs go on. Raises nothing, and keeps nobody waiting."""

    def run_begins(self, watched: Watched) -> None:
        """The load of a run is about to begin."""
        ...

    def run_ends(self, folder: Path) -> None:
        """The record of the run in `folder` is on disk."""
        ...


class Nobody:
    """Looks on nowhere."""

    def run_begins(self, watched: Watched) -> None:
        """Look away."""

    def run_ends(self, folder: Path) -> None:
        """Look away."""


class Director(Protocol):
    """Who decides, while a run goes on, when its faults strike and whether it goes on to its end."""

    def timeline(self, strikes: Sequence[At], stage: Stage, events: EventLog, notes: Notes) -> Timeline:
        """Return what carries out the experiment's faults."""
        ...

    def look(self, now_s: float, seen: Progress) -> str:
        """Look at run time `now_s`, some times a second; say why the run is to end now, '' where it goes on."""
        ...


class NoDirector:
    """Everything goes as the experiment says."""

    def timeline(self, strikes: Sequence[At], stage: Stage, events: EventLog, notes: Notes) -> Timeline:
        """Every fault strikes at its moment."""
        return Timeline(strikes, stage, events, notes)

    def look(self, now_s: float, seen: Progress) -> str:
        """Go on."""
        return ""


@dataclass(frozen=True)
class Lab:
    """What all runs of a campaign share."""

    target: Target
    stack: Stack
    view: View
    notes: Notes
    observer: Observer = field(default_factory=Nobody)
    director: Director = field(default_factory=NoDirector)
