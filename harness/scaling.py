"""What a target did about its own size: how many instances of a component ran, and what was decided about that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Running:
    """From the run time `t_s` (s) on, so many instances of a component ran."""

    t_s: float
    component: str
    count: int


@dataclass(frozen=True)
class Decision:
    """At the run time `t_s` (s), `component` decided that `of` is to run `after` instances instead of `before`.

    `reason` is its own word for why, `why` the same as a sentence ('' where it has none). `measured` is the load that
    it went by, `wanted` what that should be, both in its own unit and None where not known. `applied` is False where
    the deployer did not do it.
    """

    t_s: float
    component: str
    of: str
    before: int
    after: int
    reason: str
    why: str = ""
    measured: float | None = None
    wanted: float | None = None
    applied: bool = True


def news(decisions: Sequence[Decision]) -> list[Decision]:
    """Return those that change a number, or that are taken for another reason than the one before about the same."""
    last: dict[tuple[str, str], tuple[str, bool]] = {}
    found = []
    for one in decisions:
        about, said = (one.component, one.of), (one.reason, one.applied)
        if one.after != one.before or last.get(about) != said:
            found.append(one)
        last[about] = said
    return found
