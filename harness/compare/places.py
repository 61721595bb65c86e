"""Latency by place, phase by phase; and whether users in other countries are served faster than by another version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.checks.base import ALL_KINDS, Question
from harness.checks.latency import latency, waits
from harness.claims import Claim
from harness.compare.paired import Difference, latency_difference, pairs_of
from harness.compare.question import differences, question
from harness.history import History
from harness.places import PLACES
from harness.verdict import Measurement, Verdict, worst
from harness.wording import quantity, reach

EXPERIMENT = "users_of_the_world"
AT_HOME_MS = 5.0  # a round trip shorter than this is no other country
QUANTILES = (0.5, 0.95)


@dataclass(frozen=True)
class PlaceRow:
    """A place, how far it is (round trip, ms), and (p50, p95) of each phase's users there (s); None: not measured."""

    place: str
    rtt_ms: float
    by_phase: dict[str, tuple[Measurement, Measurement] | None]


@dataclass(frozen=True)
class Faster:
    """One place at one quantile: how much longer (s) users wait than with the other version, and what that says."""

    place: str
    q: float
    difference: Difference | None
    verdict: Verdict
    because: str


@dataclass(frozen=True)
class FasterClaim:
    """A claim that users abroad are served faster than by another version, decided place by place: the worst wins."""

    phase: str
    claim: Claim
    verdict: Verdict
    because: str
    rows: tuple[Faster, ...]


def place_rows(by_phase: Mapping[str, Sequence[History]]) -> list[PlaceRow]:
    """Return the latency of each place by phase; an empty sequence means that a phase was not measured."""
    return [
        PlaceRow(name, place.rtt_ms, {phase: _latencies(runs, name) for phase, runs in by_phase.items()})
        for name, place in PLACES.items()
    ]


def _latencies(runs: Sequence[History], place: str) -> tuple[Measurement, Measurement] | None:
    if not any(len(waits(history, ALL_KINDS, place)) for history in runs):
        return None
    half, most = (latency(runs, Question(parameters={"percentile": q * 100}, place=place)) for q in QUANTILES)
    return half, most


def faster_claim(phase: str, claim: Claim, before: Sequence[History], after: Sequence[History]) -> FasterClaim:
    """Decide a claim with `faster_than`: `before` are the other version's runs of users_of_the_world."""
    other = claim.faster_than or ""
    missing = [name for name, runs in ((other, before), (phase, after)) if not runs]
    if missing:
        why = f"There is no valid run of {EXPERIMENT} of {' and '.join(missing)}."
        return FasterClaim(phase, claim, Verdict.INCONCLUSIVE, why, ())
    unlike = differences(question(before[0].record), question(after[0].record))
    if unlike or not pairs_of(before, after):
        why = "; ".join(unlike) or "their arrivals are other ones (another seed)"
        return FasterClaim(phase, claim, Verdict.INCONCLUSIVE, f"The runs cannot be compared: {why}.", ())
    abroad = [name for name, place in PLACES.items() if place.rtt_ms > AT_HOME_MS]
    rows = tuple(_faster(name, q, other, before, after) for name in abroad for q in QUANTILES)
    verdict = worst(row.verdict for row in rows)
    deciding = [row for row in rows if row.verdict is verdict]
    because = f"{len(deciding)} of {len(rows)} comparisons (p50 and p95 of each place abroad): {_say(verdict, other)}."
    return FasterClaim(phase, claim, verdict, because, rows)


def _faster(place: str, q: float, other: str, before: Sequence[History], after: Sequence[History]) -> Faster:
    change = latency_difference(before, after, q, place)
    if change is None:
        return Faster(place, q, None, Verdict.INCONCLUSIVE, "one of them has no such answer to compare")
    low, high = change.interval.low, change.interval.high
    verdict = Verdict.HELD if high < 0 else Verdict.REFUTED if low >= 0 else Verdict.INCONCLUSIVE
    if math.isinf(low) or math.isinf(high):
        verdict = Verdict.INCONCLUSIVE
    side = "longer" if change.interval.value >= 0 else "shorter"
    because = f"{quantity(abs(change.interval.value), 's')} {side} than with {other} (95 %: {reach(low, high, 's')})"
    return Faster(place, q, change, verdict, because)


def _say(verdict: Verdict, other: str) -> str:
    if verdict is Verdict.HELD:
        return f"the whole interval of the difference is faster than {other}"
    if verdict is Verdict.REFUTED:
        return f"no part of the interval of the difference is faster than {other}"
    return f"the interval of the difference holds both slower and faster than {other}"
