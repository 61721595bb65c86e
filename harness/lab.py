"""What a run needs from those who start it: a target that is up, somewhere to show itself, somewhere to take notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.engine.stack import Stack
from harness.load.progress import Progress
from harness.target import Target


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
class Lab:
    """What all runs of a campaign share."""

    target: Target
    stack: Stack
    view: View
    notes: Notes
