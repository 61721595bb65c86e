"""How much load an experiment asks for, and whose: shapes over time, what users do, and one who does too much.

Every shape is an open model: the arrivals are planned before the run, whatever the target does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_PER_S = 5000.0
LONGEST_S = 86400.0

MANY_CLIENTS = 1000
"""As many clients as are simultaneous users in the largest claim that runs here unscaled: each sends now and then, so
that nobody comes near a limit that leaves people alone."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a run with one rate: `per_s` arrivals a second for `lasts_s` seconds."""

    per_s: float
    lasts_s: float


@dataclass(frozen=True)
class Rate:
    """An open model: `per_s` arrivals a second, whatever the target does."""

    per_s: float

    def __post_init__(self) -> None:
        within("a rate (arrivals a second)", self.per_s, above=0, most=MOST_PER_S)

    def segments(self, users: int, think_s: float, duration_s: float) -> tuple[Segment, ...]:
        """Return the one stretch that it is."""
        return (Segment(self.per_s, duration_s),)


@dataclass(frozen=True)
class ClaimedUsers:
    """As many simultaneous users as the phase claims, turned into arrivals by Little's law.

    N users with think time Z and response time R send N / (Z + R) requests a second; `response_s` is R.
    """

    times: float = 1.0
    response_s: float = 1.0

    def __post_init__(self) -> None:
        within("ClaimedUsers.times", self.times, above=0, most=1000)
        within("ClaimedUsers.response_s", self.response_s, least=0, most=3600)

    def per_s(self, users: int, think_s: float) -> float:
        """Return the arrivals per second of `users` who think for `think_s` seconds."""
        return self.times * users / (think_s + self.response_s)

    def segments(self, users: int, think_s: float, duration_s: float) -> tuple[Segment, ...]:
        """Return the one stretch that it is for `users` who think for `think_s` seconds."""
        return (Segment(self.per_s(users, think_s), duration_s),)


@dataclass(frozen=True)
class Spike:
    """`per_s` arrivals a second, `times` as many from `at_s` on for `lasts_s` seconds, and then as before."""

    per_s: float
    times: float
    at_s: float
    lasts_s: float

    def __post_init__(self) -> None:
        within("Spike.per_s", self.per_s, above=0, most=MOST_PER_S)
        within("Spike.times", self.times, above=1, most=1000)
        within("a spike's rate (arrivals a second)", self.per_s * self.times, most=MOST_PER_S)
        within("Spike.at_s", self.at_s, above=0, most=LONGEST_S)
        within("Spike.lasts_s", self.lasts_s, above=0, most=LONGEST_S)

    def segments(self, users: int, think_s: float, duration_s: float) -> tuple[Segment, ...]:
        """Return the stretches before, during and after. Raises ValueError when nothing is left after it."""
        after_s = duration_s - self.at_s - self.lasts_s
        if after_s <= 0:
            raise ValueError(f"the spike ends at {self.at_s + self.lasts_s:g} s, and the run at {duration_s:g} s")
        calm, high = Segment(self.per_s, self.at_s), Segment(self.per_s * self.times, self.lasts_s)
        return (calm, high, Segment(self.per_s, after_s))


@dataclass(frozen=True)
class Steps:
    """A staircase: each of the `rates` (arrivals a second) for `each_s` seconds, so far as the run goes."""

    rates: tuple[float, ...]
    each_s: float

    def __post_init__(self) -> None:
        if not isinstance(self.rates, tuple) or not self.rates:
            raise TypeError("Steps.rates is a tuple of numbers; a single one needs a comma behind it")
        for rate in self.rates:
            within("a rate (arrivals a second)", rate, above=0, most=MOST_PER_S)
        within("Steps.each_s", self.each_s, above=0, most=LONGEST_S)

    def segments(self, users: int, think_s: float, duration_s: float) -> tuple[Segment, ...]:
        """Return the steps. Raises ValueError when they do not last as long as the run."""
        last_s = self.each_s * len(self.rates)
        if not math.isclose(last_s, duration_s):
            raise ValueError(f"{len(self.rates)} steps of {self.each_s:g} s last {last_s:g} s, not {duration_s:g} s")
        return tuple(Segment(rate, self.each_s) for rate in self.rates)


Load = Rate | ClaimedUsers | Spike | Steps


@dataclass(frozen=True)
class Abuser:
    """One client who sends `per_s` chats a second beside everybody else, from `at_s` on for `lasts_s` seconds.

    `lasts_s` of None is to the end. Its arrivals are of a class of their own and count in no figure of the users.
    """

    per_s: float
    at_s: float = 0.0
    lasts_s: float | None = None

    def __post_init__(self) -> None:
        within("Abuser.per_s", self.per_s, above=0, most=MOST_PER_S)
        within("Abuser.at_s", self.at_s, least=0, most=LONGEST_S)
        if self.lasts_s is not None:
            within("Abuser.lasts_s", self.lasts_s, above=0, most=LONGEST_S)


@dataclass(frozen=True)
class Mix:
    """Shares of what users do: plain chats, streamed chats, reads of a conversation. They add up to 1.

    `turns` is the mean number of turns of a conversation.
    """

    chat: float = 0.5
    stream: float = 0.3
    read: float = 0.2
    turns: float = 4.0

    def __post_init__(self) -> None:
        for name in ("chat", "stream", "read", "turns"):
            within(f"Mix.{name}", getattr(self, name), least=0)
        total = self.chat + self.stream + self.read
        if min(self.chat, self.stream, self.read) < 0 or abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of chat, stream and read must add up to 1, not {total}")
        if self.turns < 1:
            raise ValueError(f"a conversation has at least one turn, not {self.turns}")


def within(
    name: str, value: float, *, least: float = -math.inf, above: float = -math.inf, most: float = math.inf
) -> None:
    """Raise TypeError for what is no number, ValueError for one that is out of bounds or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number, not {value!r}")
    if not (least <= value <= most and value > above):
        low = f"more than {above:g}" if above > -math.inf else f"at least {least:g}"
        raise ValueError(f"{name} must be {low} and at most {most:g}, not {value}")
