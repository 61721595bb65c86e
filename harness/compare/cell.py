"""One phase under one experiment: what was measured, what the claims say that rest on it, and whether it got better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checks.alerts import alert_delay, alert_lead, why_blind
from harness.checks.anatomy import anatomies
from harness.checks.base import Question, pooled_share, scheduled
from harness.checks.latency import latency
from harness.compare.paired import (
    Difference,
    Finding,
    availability_difference,
    finding,
    latency_difference,
    margin,
    pairs_of,
)
from harness.compare.question import differences, fingerprint, question
from harness.history import History
from harness.judge import ClaimVerdict
from harness.stats import Interval
from harness.verdict import Measurement, Verdict, worst


@dataclass(frozen=True)
class Time:
    """The longest of some times (s). `value` is None when it was not over while somebody looked (`watched_s`)."""

    value: float | None
    watched_s: float


@dataclass(frozen=True)
class Against:
    """How a cell did against the same experiment of the version before.

    `finding` is None where they cannot be compared; `because` then says why. `note` is what must be known beside it.
    """

    phase: str
    finding: Finding | None
    because: str = ""
    availability: Difference | None = None
    p95: Difference | None = None
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A measured cell. Shares and times (s) are of all its runs; `verdict` is None where no claim rests on it."""

    experiment: str
    folder: Path
    campaign: str
    seed: int
    histories: tuple[History, ...]
    asks: dict[str, Any]
    availability: Interval | None
    lost_s: float | None
    harmed: bool
    mitigated: Time | None
    recovered: Time | None
    p95: Measurement
    acknowledged: int | None
    messages_lost: int | None
    lead: Measurement | None
    delay: Measurement | None
    alerts_because: str
    verdict: Verdict | None
    claims: tuple[ClaimVerdict, ...]
    stale: tuple[str, ...] = ()
    against: Against | None = None

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs' names, as the campaign's report has them."""
        return tuple(history.record.run for history in self.histories)

    @property
    def fingerprint(self) -> str:
        """What was asked, in twelve digits."""
        return fingerprint(self.asks)


@dataclass(frozen=True)
class Untested:
    """A cell that nobody measured, and why."""

    experiment: str
    because: str


def cell_of(
    folder: Path, seed: int, histories: Sequence[History], verdicts: Sequence[ClaimVerdict], stale: Sequence[str] = ()
) -> Cell:
    """Return the cell that usable runs of one experiment make. `verdicts` are those of all the phase's claims."""
    name = histories[0].record.experiment
    claims = tuple(v for v in verdicts if v.claim.experiment == name and not v.claim.yearly and v.runs)
    seen = [[a for a in anatomies(history) if a is not None] for history in histories]
    faults = [anatomy for each in seen for anatomy in each]
    kept = [h.record.durability for h in histories if h.record.durability is not None]
    blind = why_blind(histories[0])
    expected = any(history.record.alerts_expected for history in histories)
    listened = not blind and bool(faults) and expected
    return Cell(
        experiment=name,
        folder=folder,
        campaign=folder.name,
        seed=seed,
        histories=tuple(histories),
        asks=question(histories[0].record),
        availability=_availability(histories),
        lost_s=sum(anatomy.lost_s for anatomy in faults) / len(histories) if faults else None,
        harmed=any(anatomy.first_harm_s is not None for anatomy in faults),
        mitigated=_longest([(a.mitigated_after_s, a.watched_s) for a in faults]),
        recovered=_longest([(a.recovered_after_s, a.watched_s) for a in faults]),
        p95=latency(histories, Question(parameters={"percentile": 95.0})),
        acknowledged=sum(each.acknowledged for each in kept) if kept else None,
        messages_lost=sum(each.lost for each in kept) if kept else None,
        lead=alert_lead(histories, Question()) if listened else None,
        delay=alert_delay(histories, Question()) if listened else None,
        alerts_because=blind or ("" if expected else "no alert is expected"),
        verdict=worst(v.verdict for v in claims) if claims else None,
        claims=claims,
        stale=tuple(stale),
    )


def compared(cell: Cell, before: Cell | Untested | None, phase: str) -> Cell:
    """Return the cell with how it did against that of `phase`, the version before it."""
    return replace(cell, against=_against(cell, before, phase))


def _against(cell: Cell, before: Cell | Untested | None, phase: str) -> Against:
    if before is None or isinstance(before, Untested):
        why = before.because if isinstance(before, Untested) else "it has no such experiment"
        return Against(phase, None, f"{phase} is untested: {why}")
    other = differences(before.asks, cell.asks)
    if other:
        return Against(phase, None, f"{phase} was asked something else ({'; '.join(other)})")
    change = availability_difference(before.histories, cell.histories)
    if change is None:
        return Against(phase, None, "nothing was scheduled")
    note = "" if pairs_of(before.histories, cell.histories) else _other_seeds(before, cell)
    p95 = latency_difference(before.histories, cell.histories, 0.95)
    return Against(phase, finding(change, margin(cell.histories)), "", change, p95, note)


def _other_seeds(before: Cell, cell: Cell) -> str:
    return f"other arrivals: the campaigns' seeds are {before.seed} and {cell.seed}, so that no runs are pairs"


def _availability(histories: Sequence[History]) -> Interval | None:
    counts = []
    for history in histories:
        arrivals = scheduled(history)
        counts.append((int(arrivals.good(history.record.deadline_s).sum()), len(arrivals)))
    return pooled_share(counts) if any(total for _, total in counts) else None


def _longest(times: Sequence[tuple[float | None, float]]) -> Time | None:
    """The longest; one that is not over counts as longer than any that is."""
    if not times:
        return None
    watched_s = max(watched for _, watched in times)
    known = [value for value, _ in times if value is not None]
    return Time(max(known) if len(known) == len(times) else None, watched_s)
