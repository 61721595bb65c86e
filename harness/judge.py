"""From claims and histories to verdicts: pure, and whatever goes wrong on the way is INCONCLUSIVE, never a pass.

A run that is void, or that has a fault without a confirmed receipt or one that was not healed, gives no verdict: it
is left out and named. A claim is judged from what is left; from nothing, it is INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.checks import CHECKS
from harness.checks.base import Check, Threshold
from harness.claims import Claim, Claims
from harness.history import History
from harness.verdict import Measurement, Verdict
from harness.wording import counted, quantity, reach


@dataclass(frozen=True)
class ClaimVerdict:
    """What may be said about one claim, and why.

    `measurement` is None where nothing was measured. `runs` are the runs that the measurement is made from.
    """

    claim: Claim
    verdict: Verdict
    because: str
    measurement: Measurement | None = None
    runs: tuple[str, ...] = ()

    @property
    def measured(self) -> str:
        """The measurement as a sentence; '' where there is none."""
        return described(self.measurement) if self.measurement else ""


class Usable(NamedTuple):
    """The runs that may be judged, and one sentence for each that may not."""

    histories: list[History]
    left_out: list[str]


def judge(claims: Claims, histories: Sequence[History]) -> list[ClaimVerdict]:
    """Return one verdict per claim, in the order of the claims."""
    return [_judge_safely(claim, histories) for claim in claims.claims]


def _judge_safely(claim: Claim, histories: Sequence[History]) -> ClaimVerdict:
    try:
        return judge_claim(claim, histories)
    except Exception as error:  # noqa: BLE001 (an error while judging is not evidence, and must not hide other verdicts)
        because = f"Judging failed: {type(error).__name__}: {error}."
        return ClaimVerdict(claim, Verdict.INCONCLUSIVE, because)


def judge_claim(claim: Claim, histories: Sequence[History]) -> ClaimVerdict:
    """Judge one claim. May raise whatever its check raises; `judge` does not."""
    if claim.not_testable_because is not None:
        return ClaimVerdict(claim, Verdict.NOT_TESTABLE_HERE, claim.not_testable_because)
    if claim.check is None or claim.untested_because is not None:
        because = f"Untested. {claim.untested_because or 'No experiment puts it to the test yet.'}"
        return ClaimVerdict(claim, Verdict.INCONCLUSIVE, because)
    check = CHECKS[claim.check]
    usable = usable_runs([h for h in histories if h.record.experiment == claim.experiment], check)
    if not usable.histories:
        because = " ".join(usable.left_out) or f"There is no run of '{claim.experiment}' in this campaign."
        return ClaimVerdict(claim, Verdict.INCONCLUSIVE, _joined(claim.undecidable_because, because))
    measurement = check.measure(usable.histories, claim.question(check))
    verdict, because = _to_scale(*_decide(claim, measurement), usable.histories)
    runs = tuple(history.record.run for history in usable.histories)
    return ClaimVerdict(claim, verdict, _joined(because, *usable.left_out), measurement, runs)


def _to_scale(verdict: Verdict, because: str, histories: Sequence[History]) -> tuple[Verdict, str]:
    """What fewer users than are claimed can show: that it breaks, but not that it holds."""
    scaled = next((h.record for h in histories if h.record.claimed_users is not None), None)
    if scaled is None:
        return verdict, because
    scale = f"At a scale of {scaled.users:,} of {scaled.claimed_users:,} users, which is what this machine carries"
    if verdict is Verdict.REFUTED:
        return verdict, f"{because} {scale}: more would not do better."
    return Verdict.INCONCLUSIVE, f"{because} {scale}: of more it shows nothing."


def usable_runs(histories: Sequence[History], check: Check | None = None) -> Usable:
    """Sort runs into those that may be judged and the reasons why the others may not."""
    kept, left_out = [], []
    for history in histories:
        reason = _unusable(history, check)
        if reason:
            left_out.append(f"Run {history.record.run} gives no verdict: {reason}.")
        else:
            kept.append(history)
    return Usable(kept, left_out)


def _unusable(history: History, check: Check | None) -> str:
    if not history.record.valid:
        return "it is void (" + "; ".join(history.record.void_because) + ")"
    for fault in history.record.faults:
        if fault.receipt.status != "confirmed":
            return f"the receipt of {fault.name} on {fault.aimed_at} is not confirmed ({fault.receipt.status})"
        if not fault.healed:
            return f"{fault.name} on {fault.aimed_at} was not healed"
    if check is not None and check.needs_fault and not history.record.faults:
        return "no fault struck in it"
    return ""


def _decide(claim: Claim, measurement: Measurement) -> tuple[Verdict, str]:
    threshold, low, high = claim.threshold, measurement.low, measurement.high
    if measurement.value is None or low is None or high is None or threshold is None:
        why = measurement.because or "nothing could be measured"
        return Verdict.INCONCLUSIVE, _joined(claim.undecidable_because, f"{why[0].upper()}{why[1:]}.")
    if claim.undecidable_because is not None:
        return Verdict.INCONCLUSIVE, claim.undecidable_because
    verdict = threshold.decide(low, high)
    wanted = bound_text(threshold, measurement.unit)
    between = reach(low, high, measurement.unit)
    sentence = {
        Verdict.HELD: f"The whole 95 % interval, {between}, is {wanted}.",
        Verdict.REFUTED: f"The whole 95 % interval, {between}, misses {wanted}.",
    }.get(verdict, f"The 95 % interval, {between}, lies on both sides of {wanted}.")
    return verdict, _joined(sentence, measurement.because)


def bound_text(threshold: Threshold, unit: str) -> str:
    """Return 'at least 95 %' or 'at most 5 s'."""
    side = "at most" if threshold.at_least is None else "at least"
    return f"{side} {quantity(threshold.bound, unit)}"


def described(measurement: Measurement) -> str:
    """Return '97.9 % (95 % interval 95.2 % to 99.1 %, from 240 arrivals)'."""
    if measurement.value is None:
        return "nothing"
    unit = measurement.unit
    text = quantity(measurement.value, unit)
    if measurement.low is None or measurement.high is None:
        return f"{text} (from {counted(measurement.count, measurement.of)})"
    between = reach(measurement.low, measurement.high, unit)
    return f"{text} (95 % interval {between}, from {counted(measurement.count, measurement.of)})"


def _joined(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)
