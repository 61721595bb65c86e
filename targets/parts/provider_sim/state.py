"""What the two APIs share: the fault that is set, the number of the next request, and the counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from targets.parts.provider_sim.answer import Draw, draw
from targets.parts.provider_sim.faults import Fault
from targets.parts.provider_sim.settings import Settings


@dataclass
class Counters:
    """Counts of requests for an answer since the start or the last reset.

    `affected` met a fault (decided on arrival), `by_kind` says which. `completed` got a whole HTTP response, be it
    an error; `aborted` lost their connection before its end. The others are in flight.
    """

    requests: int = 0
    affected: int = 0
    completed: int = 0
    aborted: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)

    def ended(self, *, completed: bool) -> None:
        """Count the end of a request."""
        if completed:
            self.completed += 1
        else:
            self.aborted += 1


@dataclass
class State:
    """The simulator's memory. One event loop uses it, so nothing is locked."""

    settings: Settings
    fault: Fault | None = None
    counters: Counters = field(default_factory=Counters)

    def arrive(self) -> tuple[Draw, Fault | None, Counters]:
        """Count a request; return its draw, the fault that it meets, and where to count its end."""
        self.counters.requests += 1
        drawn = draw(self.settings, self.counters.requests)
        if self.fault is None or drawn.luck >= self.fault.share:
            return drawn, None, self.counters
        self.counters.affected += 1
        self.counters.by_kind[self.fault.kind] += 1
        return drawn, self.fault, self.counters

    def reset(self) -> None:
        """Clear the fault, count from zero, and begin the seeded stream again.

        What is still in flight is counted where it began, not after the reset.
        """
        self.fault = None
        self.counters = Counters()
