"""What the API asks of whoever counts requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Verdict:
    """Whether a client may make this request. `limit` and `remaining` count requests that may be made at once.

    `retry_after_s` is the time until the next request is allowed, 0 when one is allowed now; `full_after_s` until all
    of `limit` are allowed again. Both in whole seconds, rounded up.
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after_s: int
    full_after_s: int


class RateLimiter(Protocol):
    """Counts the requests of each client."""

    @property
    def proxies(self) -> int:
        """How many proxies of ours stand between a client and the app: who is believed in X-Forwarded-For."""
        ...

    async def take(self, client: str) -> Verdict | None:
        """Count a request of `client` and judge it; None when nobody can tell now, and the request should pass."""
        ...
