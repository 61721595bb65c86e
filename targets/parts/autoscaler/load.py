"""The load signal: requests in flight at all balancers, averaged over a few rounds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """Requests in flight at the balancers; None when none of them answered. Not `complete`: at least so many."""

    in_flight: float | None
    complete: bool = True


class Average:
    """The mean of the last `span_s`: a single look at n requests has a standard deviation of about sqrt(n)."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._seen: deque[tuple[float, float, bool]] = deque()

    def add(self, now_s: float, load: Load) -> Load:
        """Add what was seen now; return the mean, complete when all that it is made of was.

        Nothing seen now gives nothing: a mean of the past says little about a stack whose balancers are all away.
        """
        while self._seen and self._seen[0][0] <= now_s - self._span_s:
            self._seen.popleft()
        if load.in_flight is None:
            return load
        self._seen.append((now_s, load.in_flight, load.complete))
        mean = sum(in_flight for _, in_flight, _ in self._seen) / len(self._seen)
        return Load(mean, all(complete for _, _, complete in self._seen))
