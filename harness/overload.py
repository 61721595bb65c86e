"""Whether the laboratory itself was the bottleneck: stretches of a run in which the machine had nothing left to give.

It decides nothing: a run is void when the generator was late, and a target that brings its machine to its knees is an
answer, too. But a verdict that rests on such a run says as much about the machine, and so it is told beside it.

The bounds are from runs on a machine with 2 processors: undisturbed runs of v1 were 95 % busy for at most
3 s in a row, those in which somebody else built images meanwhile for 13 s, and v3, which fills it, for 45 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST_S = 5
"""From this many seconds in a row on it is said."""


@dataclass(frozen=True)
class Sign:
    """A share in `pressure.jsonl` that must not reach its bound for long, and what it means when it does."""

    key: str
    bound: float
    says: str


SIGNS = (
    Sign("cpu_busy", 0.95, "all processors were at least 95 % busy"),
    Sign("memory_some", 0.2, "somebody waited for memory at least 20 % of the time"),
    Sign("steal", 0.1, "the hypervisor took at least 10 % of the processors away"),
)


def overloads(rows: Sequence[Mapping[str, Any]], duration_s: float) -> list[str]:
    """Return in words how the machine was overloaded in the counted window (0 to `duration_s`); empty: it was not.

    `rows` are those of `pressure.jsonl`, one for each second, at its end.
    """
    counted = [row for row in rows if 0 < row["t_s"] <= duration_s]
    said = []
    for sign in SIGNS:
        over = [row.get(sign.key) is not None and row[sign.key] >= sign.bound for row in counted]
        length, end = _longest(over)
        if length >= LONGEST_S:
            since_s = counted[end]["t_s"] - length
            said.append(
                f"{sign.says} for {sum(over)} of {len(counted)} s, "
                f"for {length} s in a row from {max(0.0, since_s):.0f} s on"
            )
    return said


def _longest(over: Sequence[bool]) -> tuple[int, int]:
    """The length of the longest stretch of True, and the index of its last."""
    best = (0, 0)
    length = 0
    for index, each in enumerate(over):
        length = length + 1 if each else 0
        best = max(best, (length, index), key=lambda found: found[0])
    return best
