"""A timeline that waits: an incident strikes when its time has come *and* the one before is healed and all is quiet.

What the plan says is the earliest moment. Quiet is measured: nothing is broken, and for the whole quiet time nearly
every arrival was answered well. An incident that would not be over, and quiet after it, before the day ends is never
reached, and neither are those behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.faults.base import Fault, Stage
from harness.gameday.schedule import Drawn, Pace
from harness.history import EventLog, FaultRecord
from harness.timeline import Notes, Strike, Timeline

LOOK_S = 0.25
MOST_AT_ONCE = 2
BEGUN, NOT_REACHED = "incident_begun", "incident_not_reached"


class PatientTimeline(Timeline):
    """The incidents of a game day.

    `quiet(now_s)` says whether traffic was good for the whole quiet time, `together(faults)` why faults may not be on
    at the same time ('': they may); the day ends at `ends_s` (run time, s).
    """

    def __init__(
        self,
        drawn: Sequence[Drawn],
        stage: Stage,
        events: EventLog,
        notes: Notes,
        *,
        pace: Pace,
        ends_s: float,
        quiet: Callable[[float], bool],
        together: Callable[[Sequence[Fault]], str],
    ) -> None:
        planned = [one.strikes() for one in drawn]
        super().__init__([at for strikes in planned for at in strikes], stage, events, notes)
        firsts = [sum(map(len, planned[:k])) for k in range(len(planned))]
        self._days = [
            (one, range(first, first + len(one.kind.strikes))) for one, first in zip(drawn, firsts, strict=True)
        ]
        self._pace, self._ends_s, self._quiet, self._together = pace, ends_s, quiet, together
        self._begun: list[tuple[Drawn, range]] = []
        self._stood_down_s: float | None = None
        self._conductor = threading.Thread(target=self._conduct, name="game-day", daemon=True)

    def start(self) -> None:
        """Begin to wait for the first incident."""
        self._conductor.start()

    def stand_down(self, event: str, **details: object) -> None:
        """Nothing strikes from now on, and what is on is healed at once. Returns before that is done.

        `event` is written down with its details. Raises OSError where there is no room for it.
        """
        self._stood_down_s = self._stage.now()
        self._over.set()
        with self._writing:
            self._events.write(self._stood_down_s, event, **details)

    def calm(self, now_s: float, for_s: float) -> bool:
        """Whether nothing has been broken for so many seconds."""
        return not self._on() and now_s - self._healed_s() >= for_s

    def heal_all(self) -> list[str]:
        """As every timeline, once nobody begins anything any more."""
        self._over.set()
        if self._conductor.ident is not None:
            self._conductor.join()
        return super().heal_all()

    def records(self) -> list[FaultRecord]:
        """What is written down about every fault that struck, in that order; the others were never to blame."""
        tried = [strike for strike in self.strikes if strike.injection is not None or strike.errors]
        return [self._as_asked(strike).record() for strike in sorted(tried, key=lambda strike: strike.at.t_s)]

    def _as_asked(self, strike: Strike) -> Strike:
        """A fault that was healed early, because nothing was to be on any more, was asked to last only until then."""
        at = strike.at
        if self._stood_down_s is None or at.lasts_s is None or self._stood_down_s >= at.t_s + at.lasts_s:
            return strike
        return replace(strike, at=replace(at, lasts_s=max(0.001, self._stood_down_s - at.t_s)))

    def _conduct(self) -> None:
        try:
            self._one_after_another()
        except Exception as error:  # noqa: BLE001 (a thread's error must reach the run, which looks for it in strikes)
            self.strikes[0].errors.append(f"the game day could not go on: {type(error).__name__}: {error}")

    def _one_after_another(self) -> None:
        for k, (one, places) in enumerate(self._days):
            why_later = self._waited_for(one)
            if why_later is None:
                for late, _ in self._days[k:] if not self._over.is_set() else ():
                    self._tell(NOT_REACHED, late)
                return
            self._begin(one, places, why_later)

    def _waited_for(self, one: Drawn) -> list[str] | None:
        """Wait until it may strike; return what kept it from that for a while, None when it never will."""
        self._over.wait(max(0.0, one.t_s - self._stage.now()))
        kept: list[str] = []
        while not self._over.is_set():
            now = self._stage.now()
            if now + one.kind.lasts_s + self._pace.quiet_s > self._ends_s:
                return None
            why = self._not_yet(one, now)
            if not why:
                return kept
            if why not in kept:
                kept.append(why)
            self._over.wait(LOOK_S)
        return None

    def _not_yet(self, one: Drawn, now_s: float) -> str:
        on = self._on()
        if on and not self._pace.overlap:
            return "the incident before was not over"
        if len(on) >= MOST_AT_ONCE:
            return f"{MOST_AT_ONCE} incidents were on"
        if on:  # traffic may be bad by that one
            others = [at.fault for other in on for at in other.kind.strikes]
            return self._together([*others, *(at.fault for at in one.kind.strikes)])
        if now_s - self._healed_s() < self._pace.quiet_s:
            return "the quiet time after healing was not over"
        return "" if self._quiet(now_s) else "traffic was not good for the whole quiet time"

    def _on(self) -> list[Drawn]:
        """The incidents that are not over: their strikes' threads end with the receipt."""
        return [one for one, places in self._begun if any(self._threads[k].is_alive() for k in places)]

    def _healed_s(self) -> float:
        """When the last one was over (run time, s), the day's begin where none was."""
        ends = [self.strikes[k].until_s for _, places in self._begun for k in places]
        return max((end for end in ends if end is not None), default=0.0)

    def _begin(self, one: Drawn, places: range, why_later: Sequence[str]) -> None:
        now = self._stage.now()
        self._tell(BEGUN, one, put_off_because=list(why_later))
        for k, at in zip(places, one.kind.strikes, strict=True):
            self.strikes[k].at = replace(at, t_s=max(0.0, now + at.t_s))
            self._threads[k].start()
        self._begun.append((one, places))

    def _tell(self, event: str, one: Drawn, **details: object) -> None:
        incident = {"number": one.number, "id": one.kind.incident.id, "experiment": one.kind.experiment}
        with self._writing:
            self._events.write(self._stage.now(), event, **incident, planned_s=one.t_s, **details)
