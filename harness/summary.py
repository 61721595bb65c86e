"""`summary.json`: what a campaign found, in the versioned schema of `harness.summary_schema`."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.campaign_record import CampaignRecord
from harness.checks import CHECKS
from harness.checks.anatomy import Anatomy, anatomies
from harness.checks.base import ALL_KINDS, abuse, scheduled
from harness.checks.latency import waits
from harness.history import Arrivals, FaultRecord, History, Outcome, Stretch, Way
from harness.judge import ClaimVerdict, bound_text
from harness.scaling import news
from harness.stats import quantile, wilson
from harness.stored import write_whole
from harness.summary_alerts import alerting_part
from harness.summary_cost import campaign_cost, cost_part, overloaded_among
from harness.summary_schema import (
    AbuserPart,
    CalibrationPart,
    ClaimPart,
    DecisionPart,
    DurabilityPart,
    FaultPart,
    GeneratorPart,
    GitPart,
    LatencyPart,
    MeasuredPart,
    PlacePart,
    PressurePart,
    ReplicaPart,
    RunPart,
    SharePart,
    StepPart,
    Summary,
)
from harness.verdict import worst


def build_summary(
    campaign: CampaignRecord, histories: Sequence[History], verdicts: Sequence[ClaimVerdict]
) -> dict[str, Any]:
    """Return the summary as what `json.dumps` takes; NaN and infinity have become null.

    `histories` are the campaign's runs in the order in which they are to be shown, void ones included.
    """
    summary = Summary(
        campaign=campaign.campaign,
        phase=campaign.phase,
        started=campaign.started,
        finished=campaign.finished,
        git=GitPart(sha=campaign.git.sha, dirty=campaign.git.dirty),
        seed=campaign.seed,
        repeats=campaign.repeats,
        command=campaign.command,
        versions=campaign.versions,
        machine=campaign.machine,
        runs=[run_part(history) for history in histories],
        claims=[_claim(verdict, overloaded_among(verdict.runs, histories)) for verdict in verdicts],
        left_out=campaign.left_out,
        repeated=campaign.repeated,
        afresh=campaign.afresh,
        calibration=CalibrationPart(**vars(campaign.calibration)) if campaign.calibration else None,
        void_because=list(campaign.void_because),
        valid=bool(histories) and not campaign.void_because and all(h.record.valid for h in histories),
        verdict=worst(verdict.verdict for verdict in verdicts),
        cost=campaign_cost(histories),
    )
    plain: dict[str, Any] = finite(summary.model_dump(mode="json", by_alias=True))
    return plain


def write_summary(folder: Path, summary: dict[str, Any]) -> None:
    """Write `summary.json`. Raises ValueError on a number that JSON does not have."""
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / "summary.json", text)


def finite(value: Any) -> Any:
    """Return `value` with every NaN and infinity in it, at any depth, replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    return [finite(inner) for inner in value] if isinstance(value, list) else value


def run_part(history: History) -> RunPart:
    """Return what the summary says about one run."""
    record = history.record
    outcomes = _outcomes(history.counted())
    outcomes.subtract(_outcomes(abuse(history)))
    wait = waits(history, ALL_KINDS)
    good = wait[np.isfinite(wait)]
    return RunPart(
        **{name: getattr(record, name) for name in ("run", "experiment", "hypothesis", "repeat", "seed", "started")},
        **{name: getattr(record, name) for name in ("rate_per_s", "users", "duration_s", "deadline_s")},
        scheduled=sum(outcomes.values()),
        good=len(good),
        limited=outcomes[Outcome.LIMITED.value],
        availability=_share(len(good), len(scheduled(history))),
        latency_ms=_percentiles(wait),
        good_latency_ms=_percentiles(good),
        outcomes={outcome.value: outcomes[outcome.value] for outcome in Outcome if outcomes[outcome.value]},
        faults=[_fault(*pair) for pair in zip(record.faults, anatomies(history), strict=True)],
        durability=DurabilityPart(**vars(record.durability)) if record.durability else None,
        generator=GeneratorPart(**vars(record.generator)) if record.generator else None,
        pressure=PressurePart(**vars(record.pressure)) if record.pressure else None,
        valid=record.valid,
        void_because=list(record.void_because),
        clients=record.clients,
        places=[_place(history, way) for way in record.ways],
        steps=[_step(history, stretch) for stretch in record.stretches],
        abuser=_abuser(history, record.abuser_per_s) if record.abuser_per_s is not None else None,
        replicas=[ReplicaPart(**vars(each)) for each in record.replicas],
        decisions=[DecisionPart(**vars(each)) for each in news(record.decisions)],
        notes=list(record.notes),
        alerting=alerting_part(history),
        cost=cost_part(record.cost),
        overloaded=list(record.overloaded),
    )


def _outcomes(arrivals: Arrivals) -> Counter[str]:
    return Counter(map(str, arrivals.outcome))


def _place(history: History, way: Way) -> PlacePart:
    wait = waits(history, ALL_KINDS, way.place)
    good = wait[np.isfinite(wait)]
    return PlacePart(
        **vars(way),
        scheduled=len(wait),
        good=len(good),
        availability=_share(len(good), len(wait)),
        lost_s=round((1 - len(good) / len(wait)) * history.record.duration_s, 3) if len(wait) else None,
        latency_ms=_percentiles(wait),
        good_latency_ms=_percentiles(good),
    )


def _step(history: History, stretch: Stretch) -> StepPart:
    due_s = scheduled(history).due_s
    wait = waits(history, ALL_KINDS)[(due_s >= stretch.from_s) & (due_s < stretch.until_s)]
    good = int(np.count_nonzero(np.isfinite(wait)))
    return StepPart(
        **vars(stretch),
        scheduled=len(wait),
        good=good,
        availability=_share(good, len(wait)),
        latency_ms=_percentiles(wait),
    )


def _abuser(history: History, per_s: float) -> AbuserPart:
    arrivals = abuse(history)
    outcomes = _outcomes(arrivals)
    limited = outcomes[Outcome.LIMITED.value]
    return AbuserPart(
        per_s=per_s,
        scheduled=len(arrivals),
        good=int(np.count_nonzero(arrivals.good(history.record.deadline_s))),
        limited=limited,
        limited_share=_share(limited, len(arrivals)),
        outcomes={outcome.value: outcomes[outcome.value] for outcome in Outcome if outcomes[outcome.value]},
    )


def _share(good: int, total: int) -> SharePart:
    return SharePart(**vars(wilson(good, total))) if total else SharePart(value=None, low=None, high=None)


def _percentiles(values_s: npt.NDArray[np.float64]) -> LatencyPart:
    if len(values_s) == 0:
        return LatencyPart(p50=None, p95=None, p99=None)
    # Values are rounded to a microsecond; more digits would be noise.
    return LatencyPart(**{f"p{q}": round(quantile(values_s, q / 100).value * 1000, 3) for q in (50, 95, 99)})


def _fault(fault: FaultRecord, anatomy: Anatomy | None) -> FaultPart:
    receipt = fault.receipt
    seen = {
        name: getattr(anatomy, name, None) for name in Anatomy.__dataclass_fields__ if name in FaultPart.model_fields
    }
    return FaultPart(
        name=fault.name,
        aimed_at=fault.aimed_at,
        on_s=receipt.on_s,
        off_s=receipt.off_s,
        receipt=receipt.status,  # type: ignore[arg-type]  # a str on disk; pydantic refuses any other word
        **seen,
        mitigation_censored=anatomy is not None and anatomy.mitigated_after_s is None,
        recovery_censored=anatomy is not None and anatomy.recovered_after_s is None,
        planned_on_s=fault.planned_on_s,
        planned_off_s=fault.planned_off_s,
        healed=fault.healed,
        requested=receipt.requested,
        delivered=receipt.delivered,
        evidence=list(receipt.evidence),
    )


def _claim(judged: ClaimVerdict, overloaded: list[str]) -> ClaimPart:
    claim = judged.claim
    unit = CHECKS[claim.check].unit if claim.check else ""
    return ClaimPart(
        **{name: getattr(claim, name) for name in ("id", "quote", "line", "claimed", "kind", "standing", "experiment")},
        wanted=bound_text(claim.threshold, unit) if claim.threshold else None,
        measured=_measured(judged),
        verdict=judged.verdict,
        because=judged.because,
        runs=list(judged.runs),
        overloaded=overloaded,
    )


def _measured(judged: ClaimVerdict) -> MeasuredPart | None:
    if judged.measurement is None:
        return None
    figures = {name: getattr(judged.measurement, name) for name in ("value", "low", "high", "unit", "count", "of")}
    return MeasuredPart(**figures, text=judged.measured)
