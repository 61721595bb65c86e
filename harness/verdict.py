"""The four verdicts and how they combine: the worst wins, and missing data never passes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What may be said about a claim."""

    HELD = "HELD"
    NOT_TESTABLE_HERE = "NOT TESTABLE HERE"
    INCONCLUSIVE = "INCONCLUSIVE"
    REFUTED = "REFUTED"


_SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; of nothing at all, INCONCLUSIVE, because silence is not evidence."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True)
class Measurement:
    """A measured value with its 95 % interval, in the unit that the claim is stated in.

    `count` is the number of independent observations behind it (arrivals, faults or runs, as `of` says).
    A value of None means that nothing could be measured; `because` then says why.
    """

    value: float | None
    low: float | None
    high: float | None
    count: int
    of: str
    unit: str
    because: str = ""
