"""The plan of a run: every arrival with its due time, fixed by a seed before the run begins.

The arrivals are a Poisson process *conditioned on its count*: given n events, their times are n independent
uniform draws, sorted (Cox and Lewis, The Statistical Analysis of Series of Events, 1966, chapter 2). The counts
are exactly round(rate * duration), so two runs of the same rate have the same denominator of availability.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.history import Bools, Floats, Strings
from harness.load.rows import KINDS


@dataclass(frozen=True)
class Plan:
    """One row per scheduled arrival, as columns of equal length, sorted by due time; `seq` counts them from 0.

    `due_s` is run time (s): negative while warming up, else in [0, duration). `kind` indexes `KINDS`. `fresh` says
    that a turn begins a conversation; a turn that is not fresh goes on with an idle one, the one that `pick`,
    a number in [0, 1), falls on. Reads use `pick` alone.
    """

    due_s: Floats
    kind: npt.NDArray[np.int8]
    counted: Bools
    fresh: Bools
    pick: Floats

    def __len__(self) -> int:
        return len(self.due_s)

    def kinds(self) -> Strings:
        """Return the kind of every arrival as a word."""
        return np.array([kind.value for kind in KINDS], dtype=object)[self.kind]

    def save(self, path: Path) -> None:
        """Write the plan as an uncompressed .npz; the same plan gives the same bytes."""
        np.savez(path, allow_pickle=False, **{f.name: getattr(self, f.name) for f in fields(self)})


def make_plan(rate_per_s: float, duration_s: float, warmup_s: float, shares: Mix, seed: int) -> Plan:
    """Plan round(rate * warmup) uncounted and round(rate * duration) counted arrivals.

    `rate_per_s` is arrivals per second, times are seconds. Every property is drawn from its own stream of the
    seed, so that changing the mix does not move the due times. Raises ValueError when nothing would be counted.
    """
    counted = round(rate_per_s * duration_s)
    if counted < 1 or warmup_s < 0:
        raise ValueError(f"a plan needs a counted arrival: {rate_per_s:g}/s for {duration_s:g} s gives {counted}")
    warming = round(rate_per_s * warmup_s)
    times, kinds, turns, picks = np.random.default_rng(seed).spawn(4)
    total = warming + counted
    due = np.concatenate(
        [_sorted_uniform(times, -warmup_s, 0.0, warming), _sorted_uniform(times, 0.0, duration_s, counted)]
    )
    return Plan(
        due_s=due,
        kind=kinds.choice(len(KINDS), size=total, p=[shares.chat, shares.stream, shares.read]).astype(np.int8),
        counted=np.arange(total) >= warming,
        # Every turn ends its conversation with the same chance, so the mean length is 1 / chance.
        fresh=turns.random(total) < 1.0 / shares.turns,
        pick=picks.random(total),
    )


def load_plan(path: Path) -> Plan:
    """Read a plan that `Plan.save` wrote. Raises InstrumentError when it is not one."""
    try:
        with np.load(path, allow_pickle=False) as columns:
            return Plan(**{f.name: columns[f.name] for f in fields(Plan)})
    except (OSError, ValueError, KeyError) as error:
        raise InstrumentError(f"{path} is not a plan of arrivals: {error}.", "Make it anew with make_plan.") from error


def _sorted_uniform(stream: np.random.Generator, low: float, high: float, count: int) -> Floats:
    """Draw `count` times in [low, high), in order."""
    # low + width * u may round up to `high` itself; the last number below it keeps the interval half open.
    drawn = np.minimum(low + (high - low) * stream.random(count), np.nextafter(high, low))
    return np.sort(drawn)
