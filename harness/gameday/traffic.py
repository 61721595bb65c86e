"""What the load generator's progress says: whether traffic is good, and what of the error budget is spent."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from harness.claims import Claim
from harness.errors import ConfigError
from harness.load.progress import Progress
from harness.loads import within

GOOD_SHARE = 0.99  # of what ended within the quiet time
ENDED_SHARE = 0.5  # of what was due in it: a target that hangs answers nothing badly
STALE_S = 3.0  # traffic that nobody has looked at for so long is not known to be good
KEPT_S = 3700.0

BURN = 10.0
"""How many times the error budget of a phase a game day may spend: it packs many incidents into minutes, each of which
the phase's yearly figure allows for once in weeks."""


@dataclass(frozen=True)
class Budget:
    """The error budget of a day with so many `planned` arrivals: the share that may fail by what is claimed, `burn`
    times over. What is `allowed` is a count of arrivals.
    """

    claimed: float
    planned: int
    burn: float = BURN

    def __post_init__(self) -> None:
        within("the claimed availability", self.claimed, above=0, most=1)
        within("the burn factor", self.burn, above=0, most=100_000)

    @property
    def allowed(self) -> float:
        """How many arrivals may go bad until the day is broken off."""
        return (1 - self.claimed) * self.planned * self.burn

    def spent(self, bad: int) -> bool:
        """Whether it is used up. The last arrival that it allows is still allowed."""
        return bad > self.allowed


def claimed_availability(claims: tuple[Claim, ...]) -> float:
    """Return the availability that a phase claims for a year, the highest where it says several.

    Raises ConfigError when it claims none.
    """
    found = [claim.at_least for claim in claims if claim.yearly and claim.at_least is not None]
    if not found:
        problem = "no availability is claimed for a year, so there is no error budget."
        raise ConfigError("claims.toml", "", problem, "Say which is meant: CLAIMED=0.99.")
    return max(found)


@dataclass(frozen=True)
class _Look:
    t_s: float
    due: int
    ended: int
    good: int


class Traffic:
    """Counts of arrivals over time. One thread notes them, others may ask."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def note(self, now_s: float, seen: Progress) -> None:
        """Take note of the totals at run time `now_s`."""
        self._looks.append(_Look(now_s, seen.due_total, seen.ended_total, seen.good_total))
        while self._looks[0].t_s < now_s - KEPT_S:
            self._looks.popleft()

    @property
    def bad(self) -> int:
        """How many arrivals have ended badly so far."""
        return self._looks[-1].ended - self._looks[-1].good if self._looks else 0

    def quiet(self, now_s: float, window_s: float) -> bool:
        """Whether of the last `window_s` seconds' arrivals nearly all were answered well."""
        looks = list(self._looks)
        before = [look for look in looks if look.t_s <= now_s - window_s]
        if not before or looks[-1].t_s < now_s - STALE_S:
            return False
        last, first = looks[-1], before[-1]
        due, ended, good = last.due - first.due, last.ended - first.ended, last.good - first.good
        return due > 0 and ended >= ENDED_SHARE * due and good >= GOOD_SHARE * ended
