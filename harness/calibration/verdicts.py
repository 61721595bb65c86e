"""Two claims about every truth, one that must be HELD and one that must be REFUTED: is the judge right, too?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.calibration.compare import Truth
from harness.calibration.result import VerdictPart
from harness.claims import Claim, Claims
from harness.stats import wilson
from harness.verdict import Verdict
from harness.wording import percent

FAR = 2.0
"""How many half-widths of its 95 % interval a threshold lies from the truth: the measured interval then lies wholly
on one side of it, unless the measurement is off by about a half-width."""


def claims_about(truths: Sequence[Truth]) -> Claims:
    """Return the claims; where a threshold would be no share between 0 and 1, there is none."""
    return Claims(schema=1, source="the truth scripts of the calibration", claims=tuple(_claims(truths)))


def _claims(truths: Sequence[Truth]) -> list[Claim]:
    claims = []
    for number, truth in enumerate(truths, start=1):
        good = truth.good()
        true, total = int(np.count_nonzero(good)), len(good)
        interval = wilson(true, total)
        far = FAR * (interval.high - interval.low) / 2
        for expected, bound in ((Verdict.HELD, true / total - far), (Verdict.REFUTED, true / total + far)):
            if 0 < bound < 1:
                claims.append(_claim(number, truth.script.name, expected, bound, true / total))
    return claims


def _claim(number: int, experiment: str, expected: Verdict, bound: float, true: float) -> Claim:
    return Claim(
        id=f"run-{number}-must-be-{expected.value.lower()}",
        quote=f"At least {percent(bound)} of all arrivals are served",
        line=number,
        claimed=f"The truth is {percent(true)}: this must be {expected.value}.",
        kind="strength",
        experiment=experiment,
        check="availability",
        at_least=bound,
    )


def judged(chain: dict[str, Any]) -> list[VerdictPart]:
    """Return what the judge said in the chain's summary beside what it must say; void runs are left out."""
    void = {run["experiment"] for run in chain["runs"] if not run["valid"]}
    return [_judged(claim) for claim in chain["claims"] if claim["experiment"] not in void]


def _judged(claim: dict[str, Any]) -> VerdictPart:
    expected, verdict = claim["id"].rpartition("-")[2].upper(), claim["verdict"]
    right = expected == verdict
    return VerdictPart(
        form=claim["experiment"], wanted=claim["wanted"], expected=expected, verdict=verdict, right=right
    )
