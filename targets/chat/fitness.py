"""Is this process itself fit? Told by how its own last answers ended, and by nothing that others did to it.

A process that answers 500 to most of what it is asked is of no use, whatever it says of its dependencies: a bad
version, or a good one that has lost its way. `/v1/healthy` says so to whoever can replace it, and `/v1/ready` to the
balancers: one that fails at once has the fewest requests at hand, and they would send it everything.

The danger is a mistake that all replicas make at the same time, over a message that breaks each of them: then all of
them leave the balancers, and a part of the requests failing becomes all of them failing. It is kept small: only what
nobody foresaw counts (500), and never what a dependency did (502, 503, 504) or a client (4xx); most of the answers must
be so; and who gets no requests has forgotten after WINDOW_S and is back by itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 30.0
LEAST = 5  # answers, before anything is said about them
MOST = 100  # that are remembered

MISTAKE = "chat.mistake"
"""Key in an ASGI scope: a response whose status was out already met something that nobody foresaw."""


class Fitness:
    """Remembers how this process answered. `now` is a clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._answers: deque[tuple[float, bool]] = deque(maxlen=MOST)
        self.was_ready = False

    def answered(self, status: int, *, mistake: bool = False) -> None:
        """Remember an answer; those that say nothing about this process are not counted."""
        if mistake or status == 500:
            self._answers.append((self._now(), False))
        elif 0 < status < 400:
            self._answers.append((self._now(), True))

    def failing(self) -> bool:
        """Whether more than half of the last answers, of LEAST at least, were mistakes of ours."""
        since = self._now() - WINDOW_S
        recent = [good for moment, good in self._answers if moment >= since]
        return len(recent) >= LEAST and recent.count(False) * 2 > len(recent)
