"""How many questions may be repeated, and how many may go on: a share of all, so that a partial outage of providers
does not become a storm of requests.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

WINDOW_S = 20.0  # longer than the breakers take to see an outage, in which every question goes on
AT_LEAST = 100  # fail-overs in one window that are never denied: where little is asked, a share of it is nothing


class RetryBudget:
    """Every request puts `ratio` of a token in, up to `burst`; every repeated question takes a whole one out.

    It starts full. With a ratio of 0.1, whatever fails, providers get at most 1.1 times the questions of users in the
    long run (the rule of Finagle's RetryBudget and of gRPC's retry throttling). It needs no clock.
    """

    def __init__(self, ratio: float, burst: float) -> None:
        self._ratio = ratio
        self._burst = burst
        self._tokens = burst

    def deposit(self) -> None:
        """Count one request."""
        self._tokens = min(self._burst, self._tokens + self._ratio)

    def withdraw(self) -> bool:
        """Return whether one more question may be repeated, and count it."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class FailoverBudget:
    """Of all requests of the last 20 s, a share of `ratio` may have gone on to another provider, or 100 of them.

    A window and not tokens: when a provider falls silent, all that is asked until the first of them was waited for in
    vain goes on, and that is the more, the more is asked.
    """

    def __init__(self, ratio: float, clock: Callable[[], float]) -> None:
        self._ratio = ratio
        self._clock = clock
        self._seconds: deque[tuple[int, list[int]]] = deque()  # the second, and in it: requests, fail-overs

    def deposit(self) -> None:
        """Count one request."""
        self._now()[0] += 1

    def allows(self) -> bool:
        """Return whether `withdraw` would."""
        self._now()
        requests, failovers = (sum(counts[which] for _, counts in self._seconds) for which in (0, 1))
        return failovers + 1 <= max(AT_LEAST, self._ratio * requests)

    def withdraw(self) -> bool:
        """Return whether one more question may go on to another provider, and count it."""
        if not self.allows():
            return False
        self._now()[1] += 1
        return True

    def _now(self) -> list[int]:
        second = math.floor(self._clock())
        while self._seconds and self._seconds[0][0] <= second - WINDOW_S:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, [0, 0]))
        return self._seconds[-1][1]
