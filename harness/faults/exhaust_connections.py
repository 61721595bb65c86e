"""Exhaust connections: others take every connection that a database has left, as a program does that never closes one.

Whoever has connections keeps them; nobody gets a new one. What is reserved for the database's own keepers stays free.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import Any

from harness.errors import InstrumentError
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once
from harness.faults.inside import end_marked, leave_running
from harness.history import Receipt

TAKEN = "connections"
MORE = 4  # that wait beside the others for one that somebody gives back
# A place that somebody is just being refused from is taken, and no database counts it (seen: 195 of 197, while all who
# waited were refused). Were so many free, those who wait would have them.
UNCOUNTED = MORE - 1
FILLING_PATIENCE_S = 20.0
STILL_S = 2.0  # so long the count must stand still at or below the last place: who can still get one has it by then
EMPTYING_PATIENCE_S = 10.0
TAKEN_AGAIN_S = 1.5
PAUSE_S = 0.2
REFUSAL = "too many"
"""Part of what a database says when even the places are taken that it keeps for its keepers (PostgreSQL: 'sorry, too
many clients already'; MySQL: 'Too many connections'). It cannot be asked to count then, and has said what is left."""


@dataclass(frozen=True)
class ExhaustConnections(ComponentFault):
    """Take all connections of those that take writes among what it is aimed at, until it is healed."""

    name: str = "exhaust_connections"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when nothing fits, or when target.toml does not say how to connect to it."""
        for container in stage.containers(role=self.role, zone=self.zone, region=self.region):
            container.connect_command()
            container.connections()

    def inject(self, stage: Stage) -> ExhaustConnectionsInjection:
        """Take them, and see that there is none left."""
        writers = [container for container in self.victims(stage) if container.is_primary()]
        if not writers:
            raise InstrumentError(f"None of those with {self.aimed_at} says that it is the primary.")
        injection = ExhaustConnectionsInjection(stage, all_at_once(Full.of, writers))
        return bite_or_heal(injection, injection.strike)


@dataclass
class Full:
    """One database: how many connections it takes, and had before, at the worst, when healing began, and after it."""

    container: Container
    id: str
    most: int
    before: int
    worst: int = 0
    at_end: int | None = None
    after: int | None = None

    @property
    def all(self) -> int:
        """As many as can be counted when there is none left."""
        return self.most - UNCOUNTED

    @classmethod
    def of(cls, container: Container) -> Full:
        """Take note of a database before anything is done to it."""
        used, most = container.connections()
        if used >= most:
            raise InstrumentError(f"{container.name} has no connection left even before: {used} of {most}.")
        return cls(container, container.id, most, used)

    def fill(self) -> None:
        """Take what is left, and go on trying for what is given back; wait until all are taken."""
        self._take(self.most - self.before + MORE)
        began = grew = time.monotonic()
        while time.monotonic() - began < FILLING_PATIENCE_S:
            time.sleep(PAUSE_S)
            used = self._count()
            if used > self.worst:
                self.worst, grew = used, time.monotonic()
            # Who counts may hold the last place: only one more than all is proof at once.
            still = time.monotonic() - grew >= STILL_S
            if used > self.most or (used >= self.all and still):
                return
            if still:  # others have given back more than those who wait can take
                self._take(self.most - used)
                grew = time.monotonic()

    def _take(self, count: int) -> None:
        """Leave so many running that each take a connection, and try again each second while there is none."""
        one = f"(while :; do {shlex.join(self.container.connect_command())}; sleep 1; done) &"
        leave_running(self.container, TAKEN, f"i=0; while [ $i -lt {count} ]; do {one} i=$((i+1)); done; wait")

    def free(self) -> None:
        """Give them back, and see that they are; nothing happens when another container stands there now."""
        if self.container.id != self.id:
            return
        if self.at_end is None:
            self.at_end = self._last_count()
        end_marked(self.container, TAKEN)
        deadline = time.monotonic() + EMPTYING_PATIENCE_S
        while True:
            self.after = self._count()
            if self.after < self.all:
                return
            if time.monotonic() > deadline:
                raise InstrumentError(f"{self.container.name} still has {self.after} of {self.most} connections.")
            time.sleep(PAUSE_S)

    def _last_count(self) -> int:
        """How many are taken now. What somebody has just given back, one who waits takes within a second."""
        deadline = time.monotonic() + TAKEN_AGAIN_S
        while (used := self._count()) < self.all and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        return used

    def _count(self) -> int:
        """How many are taken: more than all, when it has none left even for who counts."""
        try:
            return self.container.connections()[0]
        except InstrumentError as error:
            if REFUSAL in str(error).lower():
                return self.most + 1
            raise

    def held(self) -> bool:
        """Whether all were taken, were so still when healing began, and are not any more."""
        ended = self.after is not None and self.after < self.all
        return self.worst >= self.all and self.at_end is not None and self.at_end >= self.all and ended

    def sentence(self) -> str:
        """What became of it, for people."""
        worst, at_end = (None if count is None else min(count, self.most) for count in (self.worst, self.at_end))
        counts = f"{self.before} of {self.most} connections before, {worst} at the worst"
        end = "another container stood there at the end" if at_end is None else f"{at_end} at the end"
        return f"{self.container.name}: {counts}, {end}, {self.after} after healing."


@dataclass
class ExhaustConnectionsInjection:
    """Databases without a connection left, and the way back."""

    stage: Stage
    full: list[Full]
    on_s: float | None = None
    off_s: float | None = None

    def strike(self) -> None:
        """Take them all."""
        all_at_once(Full.fill, self.full)
        self.on_s = self.stage.now()

    def heal(self) -> None:
        """Give them back."""
        if self.off_s is None:
            self.off_s = self.stage.now()
        all_at_once(Full.free, self.full)

    def receipt(self) -> Receipt:
        """Confirmed when the databases themselves counted all connections as taken, at the begin and at the end."""
        most, worst = sum(one.most for one in self.full), sum(one.worst for one in self.full)
        bitten = any(one.worst >= one.all for one in self.full)
        status = "missing" if not bitten else "confirmed" if all(one.held() for one in self.full) else "mismatch"
        delivered: dict[str, Any] = {"connections": min(worst, most)}
        delivered["mended_by_target"] = any(one.at_end is None or one.at_end < one.all for one in self.full)
        evidence = [one.sentence() for one in self.full]
        return Receipt(status, {"connections": most}, delivered, self.on_s, self.off_s, evidence)
