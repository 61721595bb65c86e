"""One time axis per run: seconds since the first scheduled arrival, shared by every process on the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class RunClock:
    """Maps clocks to run time. `t0_monotonic` (s, CLOCK_MONOTONIC) and `t0_wall` (s since 1970) are one instant.

    CLOCK_MONOTONIC is one clock for all processes of a machine, so the load generator and the harness agree on
    it without talking; the wall clock is needed for what the engine reports.
    """

    t0_monotonic: float
    t0_wall: float

    @classmethod
    def starting_in(cls, seconds: float) -> RunClock:
        """Return a clock whose zero lies `seconds` ahead."""
        return cls(time.monotonic() + seconds, time.time() + seconds)

    def now(self) -> float:
        """Seconds since the run's zero; negative while warming up."""
        return time.monotonic() - self.t0_monotonic

    def from_wall(self, moment: datetime) -> float:
        """Run time (s) of a wall-clock moment, as the engine reports them."""
        return moment.timestamp() - self.t0_wall

    def wall(self, run_s: float) -> datetime:
        """Wall-clock moment of a run time (s)."""
        return datetime.fromtimestamp(self.t0_wall + run_s, UTC)

    def sleep_until(self, run_s: float) -> None:
        """Sleep until the run time `run_s`; return at once when it has passed."""
        time.sleep(max(0.0, run_s - self.now()))
