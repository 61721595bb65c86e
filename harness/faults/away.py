"""What faults share that take containers away: each victim before and after, and the receipt of its absence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.errors import InstrumentError
from harness.faults.base import Container, ContainerState, Stage
from harness.faults.component import wait_for
from harness.history import Receipt

MENDING_PATIENCE_S = 30.0  # how long a restart policy, or a started container, may take until it runs again
UNTOUCHED_AFTER_S = 1.0  # a container that shows no change for so long after a fault was not touched by it
CLOCKS_DIFFER_S = 0.5  # the engine's clock is the wall clock, ours is monotonic: in a run they may drift apart so much
COUNTING_PATIENCE_S = 10.0  # how long a restarted component may take until its entries can be counted


def first_count(container: Container) -> int | None:
    """How many entries a component holds, as soon as it can be asked; None when it never can."""
    deadline = time.monotonic() + COUNTING_PATIENCE_S
    while True:
        try:
            return container.contents()
        except InstrumentError:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.05)


@dataclass
class Victim:
    """One container, before and after: what the engine said, and what it held.

    `struck` is from when to when (wall clock) something was done to it; `dismissed_at` when it was seen that nobody
    wants it to run any more: whoever scales its service has gone below it meanwhile.
    """

    container: Container
    before: ContainerState
    contents_before: int | None
    after: ContainerState | None = None
    contents_after: int | None = None
    struck: tuple[datetime, datetime] | None = None
    dismissed_at: datetime | None = None

    @classmethod
    def of(cls, container: Container) -> Victim:
        """Take note of a container before anything is done to it."""
        return cls(container, container.state(), first_count(container))

    def strike(self, deed: Callable[[Container], None]) -> None:
        """Do it, and take note of when."""
        began = datetime.now(UTC)
        deed(self.container)
        self.struck = (began, datetime.now(UTC))

    @property
    def came_back_as_another_process(self) -> bool:
        """Whether it runs again under a new process and was started after the fault."""
        return self.after is not None and self.after.status == "running" and self.after.pid != self.before.pid

    @property
    def dismissed(self) -> bool:
        """Whether it did not come back because nobody wants it any more."""
        return self.after is None and self.dismissed_at is not None

    def untouched(self) -> bool:
        """Whether nothing happened to it: after a while it still runs as the process that it was."""
        gone = self.before.pid
        return wait_for(self.container, lambda s: s.status != "running" or s.pid != gone, UNTOUCHED_AFTER_S) is None

    def look_again(self) -> bool:
        """Wait until it runs again as a new process, and count at once what it holds. False when it did not.

        True as well, and then it is `dismissed`, when nobody wants it to run any more: there is nothing to wait for.
        """
        found = wait_for(self.container, lambda s: self._anew(s) or not self.container.is_wanted(), MENDING_PATIENCE_S)
        if found is None:
            self.after = None
            return False
        if self._anew(found):
            self.after = found
            self.contents_after = first_count(self.container)
        elif self.dismissed_at is None:
            self.dismissed_at = datetime.now(UTC)
        return True

    def away(self, stage: Stage) -> tuple[float | None, float | None]:
        """Run times (s) of its death and of its new start, from the engine's own record."""
        if self.dismissed:
            died = self._struck_down()
            return (stage.from_wall(died) if died else None), None
        if self.after is None:
            state = self.container.state()
            return (stage.from_wall(state.finished_at) if state.finished_at else None), None
        died, started = self.after.finished_at, self.after.started_at
        return (stage.from_wall(died) if died else None), (stage.from_wall(started) if started else None)

    def _anew(self, state: ContainerState) -> bool:
        return state.status == "running" and state.pid not in (0, self.before.pid)

    def _struck_down(self) -> datetime | None:
        """When it ended by what was done to it. Who is dismissed ends as well, so only an end at that moment counts."""
        if self.struck is None:
            return None
        began, done = self.struck
        leeway = timedelta(seconds=CLOCKS_DIFFER_S)
        return next((end for end in self.container.ends(began - leeway) if end <= done + leeway), None)


def away_receipt(stage: Stage, victims: Sequence[Victim], struck_s: float, what: str) -> Receipt:
    """Receipt of a fault that took containers away: the engine must report a death after the strike and a new start.

    `delivered` counts the containers that went away and came back, and sums up what they held where they say. One that
    was dismissed need not come back, but must be known to have died of the fault.
    """
    spans = [victim.away(stage) for victim in victims]
    died = [on for on, _ in spans if on is not None and on >= struck_s - CLOCKS_DIFFER_S]
    back = [off for _, off in spans if off is not None]
    dismissed = [stage.from_wall(v.dismissed_at) for v in victims if v.dismissed and v.dismissed_at is not None]
    returned = sum(victim.came_back_as_another_process for victim in victims)
    requested: dict[str, Any] = {"containers": len(victims)}
    delivered: dict[str, Any] = {"containers": len(died), "came_back": returned}
    if dismissed:
        delivered["no_longer_wanted"] = len(dismissed)
    stayed = [victim for victim in victims if not victim.dismissed]
    before = [v.contents_before for v in stayed if v.contents_before is not None]
    after = [v.contents_after for v in stayed if v.contents_after is not None]
    if before and len(before) == len(after):  # one that could not be counted afterwards has not been seen to lose
        delivered["contents_before"], delivered["contents_after"] = sum(before), sum(after)
    evidence = [_sentence(victim, on, what) for victim, (on, _) in zip(victims, spans, strict=True)]
    whole = len(died) == returned + len(dismissed) == len(victims)
    status = "missing" if not died else "confirmed" if whole else "mismatch"
    return Receipt(
        status, requested, delivered, min(died, default=None), max(back or dismissed, default=None), evidence
    )


def _sentence(victim: Victim, died_s: float | None, what: str) -> str:
    before, after = victim.before, victim.after
    name = victim.container.name
    if victim.dismissed:
        fate = "is not known to have ended by it" if died_s is None else f"ended at {died_s:.1f} s"
        return f"{name}: {what}; process {before.pid} {fate}, and meanwhile its service was scaled down below it."
    if after is None:
        return f"{name}: {what}; process {before.pid} before, not seen running again."
    restarts = after.restart_count - before.restart_count
    counted = ""
    if victim.contents_before is not None:
        counted = f" It held {victim.contents_before} entries before and {victim.contents_after} right after."
    return f"{name}: {what}; process {before.pid} became {after.pid}, {restarts} restart(s) by policy.{counted}"
