"""In which order providers are asked: as configured, or those first that are well. Decisions only: no I/O, no clock.

A provider *stands back* behind all others while its record is far worse than the best of theirs. The record is made of
two moving averages over its calls, the last one weighing 0.2:

- failures: 1 for a failed call, 0 for a good one;
- pace: which part of the time that a provider is given (PROVIDER_FIRST_TOKEN_S until the first words of a stream,
  PROVIDER_ATTEMPT_S until a whole answer) a good call took. So streams and whole answers can be compared.

Going back takes more than coming back (FAR, NEAR), so that two that are about as good do not change places with each
call. Who was never asked is taken for well: that is found out when its turn comes.

Nobody asks one that stands back while others answer, so it could never show that it is well again, and a breaker that
is ready for its probe would never get it. So every now and then one question, and one at a time, is put to it *first*.
The next one follows sooner when that was good. That is all the exploring there is: at most one request in `probe_s`
pays for a provider that is still away, and another one makes up for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

WEIGHT = 0.2  # two failures in a row send back, five (which open a breaker) make 0.67
FAR_FAILURES, NEAR_FAILURES = 0.3, 0.1  # more than the best of the others
FAR_PACE, NEAR_PACE = 2.5, 1.5  # times the best of the others
UNHURRIED = 0.5  # a pace below this one is never too slow
SOONER = 5  # after a good probe the next one comes so many times sooner


class Order(Protocol):
    """Says whom to ask in which order, and learns from what came of it. `now` is in seconds, by one monotonic clock."""

    def standing(self, resting: Collection[str]) -> list[str]:
        """Return the names of all providers, best first. `resting` are not to be asked at all now."""
        ...

    def next_question(self, now: float, resting: Collection[str]) -> list[str]:
        """Return the order for one question. It may differ from `standing` for a probe, which is counted."""
        ...

    def learn(self, name: str, now: float, *, good: bool, pace: float | None = None) -> None:
        """Take in how a call went. `pace` is known of good ones only."""
        ...


class ConfiguredOrder:
    """As configured, whatever happens."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def standing(self, resting: Collection[str]) -> list[str]:
        """Return all, as configured."""
        return list(self._names)

    def next_question(self, now: float, resting: Collection[str]) -> list[str]:
        """Return all, as configured."""
        return list(self._names)

    def learn(self, name: str, now: float, *, good: bool, pace: float | None = None) -> None:
        """Nothing to learn."""


@dataclass
class Record:
    """What is known of one provider. `back`: it stands back; `probe_at`: when it may be asked first again."""

    failures: float = 0.0
    pace: float | None = None
    back: bool = False
    probe_at: float = 0.0

    def add(self, good: bool, pace: float | None) -> None:
        """Take in one call."""
        self.failures += WEIGHT * ((0.0 if good else 1.0) - self.failures)
        if pace is not None:
            self.pace = pace if self.pace is None else self.pace + WEIGHT * (pace - self.pace)

    def is_far_from(self, others: Collection[Record]) -> bool:
        """Whether it is far worse than the best of the others: time to stand back."""
        if self.failures - min(other.failures for other in others) >= FAR_FAILURES:
            return True
        return self._is_slower(others, FAR_PACE)

    def is_near(self, others: Collection[Record]) -> bool:
        """Whether it is about as good as the best of the others: time to come back."""
        if self.failures - min(other.failures for other in others) > NEAR_FAILURES:
            return False
        return not self._is_slower(others, NEAR_PACE)

    def _is_slower(self, others: Collection[Record], times: float) -> bool:
        best = min(0.0 if other.pace is None else other.pace for other in others)
        return self.pace is not None and self.pace >= UNHURRIED and self.pace >= times * best


class HealthOrder:
    """Those that are well first, as configured among themselves; then those that stand back, likewise."""

    def __init__(self, names: Sequence[str], probe_s: float) -> None:
        self._records = {name: Record() for name in names}
        self._probe_s = probe_s

    def standing(self, resting: Collection[str]) -> list[str]:
        """Return all names: those that are well, those that stand back, those that rest."""
        places = {name: (name in resting, record.back) for name, record in self._records.items()}
        return sorted(self._records, key=lambda name: places[name])

    def next_question(self, now: float, resting: Collection[str]) -> list[str]:
        """Return `standing`, or before all others one whose probe is due."""
        names = self.standing(resting)
        for name in names[1:]:  # the first one is asked anyway
            record = self._records[name]
            if record.back and name not in resting and record.probe_at <= now:
                record.probe_at = now + self._probe_s
                return [name, *(other for other in names if other != name)]
        return names

    def learn(self, name: str, now: float, *, good: bool, pace: float | None = None) -> None:
        """Take in how a call went, and let whoever has changed go back or come back."""
        record = self._records[name]
        record.add(good, pace)
        for one in self._records.values():
            others = [other for other in self._records.values() if other is not one]
            if others:
                one.back = not one.is_near(others) if one.back else one.is_far_from(others)
        record.probe_at = now + (self._probe_s / SOONER if good else self._probe_s)
