"""The steps of a move, in their order, while the load goes on. Nothing is copied after the switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.migration.copier import Copier, CopyFailed, Round

SHORT_S = 2.0
"""A round as short as this (s of copying) is the last before writes are stopped."""
MOST_ROUNDS = 6
"""So many rounds go before the stop at most: a store that outruns the copy is stopped all the same."""
DRAIN_S = 15.0
"""How long (s) writes that have begun are waited for: longer than any of them may take."""


class Gate(Protocol):
    """What the steps need of the entry."""

    def stop_writes(self) -> None:
        """Let no write begin from now on."""

    def open_writes(self) -> None:
        """Let writes in again."""

    def switch(self) -> None:
        """Send requests to the other version from now on."""

    def drained(self, timeout_s: float) -> bool:
        """Wait until no write that had begun is open; whether that was so in time."""


@dataclass
class Moved:
    """What happened when, in run time (s); None for what never happened. `because` says why users were not switched.

    The last of the `rounds` is the one after writes were stopped, once they were. `began_s` is of each round.
    """

    rounds: list[Round] = field(default_factory=list)
    began_s: list[float] = field(default_factory=list)
    stopped_s: float | None = None
    drained_s: float | None = None
    switched_s: float | None = None
    opened_s: float | None = None
    because: str = ""


def move(gate: Gate, copier: Copier, now: Callable[[], float], say: Callable[[str], None]) -> Moved:
    """Carry the data over and switch the users; where that cannot be done they stay, and can write again.

    `now` tells run time (s). Raises InstrumentError when entry or engine fail; writes are let in even then.
    """
    moved = Moved()
    try:
        _copy_ahead(copier, moved, now, say)
        say("    Writes are stopped.")
        moved.stopped_s = now()
        try:
            gate.stop_writes()
            _switch(gate, copier, moved, now, say)
        finally:
            gate.open_writes()
            moved.opened_s = now()
    except CopyFailed as error:
        moved.because = str(error)
    return moved


def _copy_ahead(copier: Copier, moved: Moved, now: Callable[[], float], say: Callable[[str], None]) -> None:
    since: str | None = None
    for number in range(MOST_ROUNDS):
        since = _round(copier, since, moved, now, say).next_since
        if number and moved.rounds[-1].seconds <= SHORT_S:
            return


def _switch(gate: Gate, copier: Copier, moved: Moved, now: Callable[[], float], say: Callable[[str], None]) -> None:
    if not gate.drained(DRAIN_S):
        moved.because = f"Writes that had begun did not end within {DRAIN_S:g} s."
        return
    moved.drained_s = now()
    _round(copier, None, moved, now, say)  # everything: it proves that nothing is missing
    gate.switch()
    moved.switched_s = now()
    say("    Users are switched.")


def _round(
    copier: Copier, since: str | None, moved: Moved, now: Callable[[], float], say: Callable[[str], None]
) -> Round:
    began_s = now()
    done = copier.copy(since)
    moved.began_s.append(began_s)
    moved.rounds.append(done)
    say(f"    Round {len(moved.rounds)}: {done.turns} turns looked at, {done.new} new, {done.seconds:.1f} s.")
    return done
