"""How many questions may be repeated: a share of all, so that a partial outage does not become a storm of retries."""

from __future__ import annotations


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
