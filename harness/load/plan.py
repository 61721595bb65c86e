"""The plan of a run: every arrival with its due time, fixed by a seed before the run begins.

The arrivals are a Poisson process *conditioned on its count*: given n events, their times are n independent
uniform draws, sorted (Cox and Lewis, The Statistical Analysis of Series of Events, 1966, chapter 2). The counts
are exactly round(rate * duration), so two runs of the same rate have the same denominator of availability. Where the
rate changes, each stretch of one rate is such a process of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import InstrumentError
from harness.history import Bools, Floats, Strings
from harness.load.rows import KINDS, OPTIONAL
from harness.loads import Abuser, Mix, Segment


@dataclass(frozen=True)
class Plan:
    """One row per scheduled arrival, as columns of equal length, sorted by due time; `seq` counts them from 0.

    `due_s` is run time (s): negative while warming up, else in [0, duration). `kind` indexes `KINDS`. `fresh` says
    that a turn begins a conversation; a turn that is not fresh goes on with an idle one, the one that `pick`,
    a number in [0, 1), falls on. Reads use `pick` alone. `place` is the number of the arrival's place, `abuser` says
    that it is the abuser's; both are None where a run has no such thing.
    """

    due_s: Floats
    kind: npt.NDArray[np.int8]
    counted: Bools
    fresh: Bools
    pick: Floats
    place: npt.NDArray[np.int8] | None = None
    abuser: Bools | None = None

    def __len__(self) -> int:
        return len(self.due_s)

    def kinds(self) -> Strings:
        """Return the kind of every arrival as a word."""
        return np.array([kind.value for kind in KINDS], dtype=object)[self.kind]

    def save(self, path: Path) -> None:
        """Write the plan as an uncompressed .npz; the same plan gives the same bytes."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        np.savez(path, allow_pickle=False, **{name: column for name, column in columns.items() if column is not None})


def make_plan(rate_per_s: float, duration_s: float, warmup_s: float, shares: Mix, seed: int) -> Plan:
    """Plan round(rate * warmup) uncounted and round(rate * duration) counted arrivals; see `plan_segments`."""
    return plan_segments((Segment(rate_per_s, duration_s),), warmup_s, shares, seed)


def plan_segments(
    segments: Sequence[Segment],
    warmup_s: float,
    shares: Mix,
    seed: int,
    *,
    places: int = 0,
    abuser: Abuser | None = None,
) -> Plan:
    """Plan round(rate * duration) counted arrivals for each segment, after a warm-up at the first one's rate.

    Rates are arrivals per second, times are seconds. With `places` so many of them get equal shares of the arrivals.
    The abuser's arrivals come on top. Every property is drawn from its own stream of the seed, so that changing the
    mix does not move the due times. Raises ValueError when nothing would be counted.
    """
    counted = sum(round(segment.per_s * segment.lasts_s) for segment in segments)
    duration_s = sum(segment.lasts_s for segment in segments)
    if counted < 1 or warmup_s < 0:
        rate = segments[0].per_s
        raise ValueError(f"a plan needs a counted arrival: {rate:g}/s for {duration_s:g} s gives {counted}")
    warming = round(segments[0].per_s * warmup_s)
    times, kinds, turns, picks, where, more = np.random.default_rng(seed).spawn(6)
    due, starts_s = [_sorted_uniform(times, -warmup_s, 0.0, warming)], 0.0
    for segment in segments:
        ends_s = starts_s + segment.lasts_s
        due.append(_sorted_uniform(times, starts_s, ends_s, round(segment.per_s * segment.lasts_s)))
        starts_s = ends_s
    total = warming + counted
    plan = Plan(
        due_s=np.concatenate(due),
        kind=kinds.choice(len(KINDS), size=total, p=[shares.chat, shares.stream, shares.read]).astype(np.int8),
        counted=np.arange(total) >= warming,
        # Every turn ends its conversation with the same chance, so the mean length is 1 / chance.
        fresh=turns.random(total) < 1.0 / shares.turns,
        pick=picks.random(total),
    )
    if abuser is not None:
        plan = _with_abuser(plan, abuser, duration_s, more)
    if places:
        plan = replace(plan, place=_spread(where, plan.counted, places))
    return plan


def load_plan(path: Path) -> Plan:
    """Read a plan that `Plan.save` wrote. Raises InstrumentError when it is not one."""
    try:
        with np.load(path, allow_pickle=False) as columns:
            found = [f.name for f in fields(Plan) if f.name in columns or f.name not in OPTIONAL]
            return Plan(**{name: columns[name] for name in found})
    except (OSError, ValueError, KeyError) as error:
        raise InstrumentError(f"{path} is not a plan of arrivals: {error}.", "Make it anew with make_plan.") from error


def _sorted_uniform(stream: np.random.Generator, low: float, high: float, count: int) -> Floats:
    """Draw `count` times in [low, high), in order."""
    # low + width * u may round up to `high` itself; the last number below it keeps the interval half open.
    drawn = np.minimum(low + (high - low) * stream.random(count), np.nextafter(high, low))
    return np.sort(drawn)


def _with_abuser(plan: Plan, abuser: Abuser, duration_s: float, stream: np.random.Generator) -> Plan:
    """Mix in the abuser's arrivals: plain chats, each of which begins a conversation, so that it disturbs no other."""
    end_s = duration_s if abuser.lasts_s is None else abuser.at_s + abuser.lasts_s
    count = round(abuser.per_s * (end_s - abuser.at_s))
    due = np.concatenate([plan.due_s, _sorted_uniform(stream, abuser.at_s, end_s, count)])
    order = np.argsort(due, kind="stable")
    both = {
        "kind": np.concatenate([plan.kind, np.zeros(count, dtype=np.int8)]),
        "counted": np.concatenate([plan.counted, np.ones(count, dtype=np.bool_)]),
        "fresh": np.concatenate([plan.fresh, np.ones(count, dtype=np.bool_)]),
        "pick": np.concatenate([plan.pick, np.zeros(count)]),
        "abuser": np.arange(len(due)) >= len(plan),
    }
    return Plan(due_s=due[order], **{name: column[order] for name, column in both.items()})


def _spread(stream: np.random.Generator, counted: Bools, places: int) -> npt.NDArray[np.int8]:
    """Deal the arrivals out to so many places: shares differ by one at most, in the warm-up and in what is counted."""
    dealt = np.empty(len(counted), dtype=np.int8)
    for part in (~counted, counted):
        dealt[part] = stream.permutation(np.arange(int(part.sum())) % places)
    return dealt
