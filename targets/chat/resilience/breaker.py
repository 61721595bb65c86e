"""A circuit breaker for one provider: purgatory's state machine, held so that it suits streams and clients that leave.

Seen with purgatory 3.0 under asyncio: it opens and half-opens as it should, but its `async with`
- lets everybody through while half-open: here one probe at a time,
- counts a client that hangs up, and a stream that is closed early, as a failure, and when told to exclude them as a
  success that closes the circuit: here they say nothing,
- lets a call that began before the circuit opened decide about it after it half-opened: here only the probe does,
- raises one and the same exception object for every refusal, whose traceback grows by six frames each time,
- goes by the wall clock: here by a monotonic one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from purgatory.domain.model import CLOSED, OPENED, Context, HalfOpenedState, OpenedState

BreakerState = Literal["closed", "open", "half_open"]
STATES: tuple[BreakerState, ...] = ("closed", "open", "half_open")
NEVER = 2**62  # failures in a row: as good as no breaker


@dataclass(frozen=True, eq=False)
class Permit:
    """The right to make one call. `era` says in which state, of those that the breaker went through, it began."""

    era: int


class Breaker:
    """Opens after `failures` failures in a row, lets one probe through after `open_s`, and closes when that is good.

    A failure that says for how long to stay away opens it at once, for so long.
    Every permit goes back with exactly one of `succeeded`, `failed` and `dropped`. Nothing in here awaits, so under
    asyncio every step is atomic.
    """

    def __init__(
        self,
        name: str,
        failures: int,
        open_s: float,
        on_change: Callable[[BreakerState], None] = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine = Context(name, threshold=failures, ttl=open_s)
        self._open_s = open_s
        self._on_change = on_change
        self._clock = clock
        self._rests_until = 0.0
        self._era = 0
        self._probe: Permit | None = None

    @property
    def state(self) -> BreakerState:
        """An open breaker half-opens with the first call that it lets through, not by itself."""
        state = self._machine.state
        return "closed" if state == CLOSED else "open" if state == OPENED else "half_open"

    @property
    def rest_s(self) -> float:
        """How long, in seconds, no call will be let through; 0 where that is over or the breaker is not open."""
        return max(0.0, self._rests_until - self._clock()) if self.state == "open" else 0.0

    def admits(self) -> bool:
        """Return whether `enter` would give a permit now."""
        return self.rest_s == 0 and self._probe is None

    def enter(self) -> Permit | None:
        """Return a permit for one call, or None when the provider is to be left alone."""
        if not self.admits():
            return None
        if self.state == "open":
            self._step(lambda: self._machine.set_state(HalfOpenedState()))
        self._machine.handle_new_request()
        permit = Permit(self._era)
        if self.state == "half_open":
            self._probe = permit
        return permit

    def succeeded(self, permit: Permit) -> None:
        """Take the permit back: the provider gave a whole answer."""
        if self._back(permit):
            self._step(self._machine.handle_end_request)

    def failed(self, permit: Permit, error: BaseException, stay_away_s: float = 0.0) -> None:
        """Take the permit back: the provider failed, and may have asked to be left alone for a while."""
        until = self._clock() + stay_away_s
        if self._back(permit):
            self._step(lambda: self._machine.handle_exception(error))
            if stay_away_s > 0 and self.state == "closed":
                self._step(lambda: self._machine.set_state(OpenedState(self._machine.name)))
                self._rests_until = until  # it knows better than we do, and may be back sooner
        if stay_away_s > 0 and self.state == "open":  # also when a call that began before it opened says so
            self._rests_until = max(self._rests_until, until)

    def dropped(self, permit: Permit) -> None:
        """Take the permit back: nothing was learnt about the provider. After a probe the next call is one."""
        self._back(permit)

    def _back(self, permit: Permit) -> bool:
        """Return whether what came of the call says anything about the present state."""
        if permit is self._probe:
            self._probe = None
        return permit.era == self._era

    def _step(self, move: Callable[[], None]) -> None:
        before = self.state
        move()
        self._machine.messages.clear()  # purgatory's events, which its own `async with` would hand out
        if self.state == before:
            return
        self._era += 1
        if self.state == "open":
            self._rests_until = self._clock() + self._open_s
        self._on_change(self.state)
