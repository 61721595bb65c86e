"""From runs with a mechanism and runs without it to what its loss changed: pure.

Two measurements differ when their 95 % intervals do not meet, which is stricter than a test of the difference at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.claims import Claim, Claims
from harness.history import History
from harness.judge import ClaimVerdict, judge
from harness.mechanism import Mechanism
from harness.verdict import Verdict

Change = Literal["turned red", "worse", "better", "unchanged", "not measured"]
Status = Literal["tested", "untested", "inconclusive"]


@dataclass(frozen=True)
class Watched:
    """One claim or expectation, judged with the mechanism and without it. `expected`: its loss should turn it red."""

    id: str
    says: str
    expected: bool
    kept: ClaimVerdict
    lost: ClaimVerdict

    @property
    def change(self) -> Change:
        """What the loss did to it. 'better' and 'worse' are seen from the claim: towards its side, or away."""
        before, after = _interval(self.kept), _interval(self.lost)
        threshold = self.kept.claim.threshold
        if before is None or after is None or threshold is None:
            return "not measured"
        if self.kept.verdict is Verdict.HELD and self.lost.verdict is Verdict.REFUTED:
            return "turned red"
        if before[0] <= after[1] and after[0] <= before[1]:
            return "unchanged"
        lower = after[1] < before[0]
        return "worse" if lower == (threshold.at_least is not None) else "better"


@dataclass(frozen=True)
class Finding:
    """What the loss of one mechanism changed."""

    name: str
    mechanism: Mechanism
    watched: tuple[Watched, ...]

    @property
    def status(self) -> Status:
        """'tested' when its loss made anything worse, 'untested' when all was measured and nothing got worse."""
        changes = [each.change for each in self.watched]
        if "turned red" in changes or "worse" in changes:
            return "tested"
        return "inconclusive" if not changes or "not measured" in changes else "untested"

    @property
    def because(self) -> str:
        """The status in a sentence."""
        shows = [each.says for each in self.watched if each.change in ("turned red", "worse")]
        if shows:
            return "Its loss shows: " + " ".join(shows)
        if self.status == "untested":
            return (
                "Its loss changed nothing that is measured for the worse: nothing here puts it to the test "
                "(or its switch does not work)."
            )
        sides = [side for each in self.watched if each.change == "not measured" for side in (each.kept, each.lost)]
        reasons = dict.fromkeys(side.because for side in sides if _interval(side) is None)
        return " ".join(["Not everything could be measured.", *reasons])


def compare(
    name: str, mechanism: Mechanism, claims: Claims, kept: Sequence[History], lost: Sequence[History]
) -> Finding:
    """Judge every claim about the mechanism's experiment, and its expectations, with and without it."""
    watched = watched_claims(name, mechanism, claims)
    asked = Claims(schema=1, source=claims.source, claims=watched)
    pairs = zip(watched, judge(asked, kept), judge(asked, lost), strict=True)
    ours = {claim.id for claim in expectations(name, mechanism)} | set(mechanism.claims)
    return Finding(name, mechanism, tuple(Watched(c.id, c.claimed, c.id in ours, *pair) for c, *pair in pairs))


def watched_claims(name: str, mechanism: Mechanism, claims: Claims) -> tuple[Claim, ...]:
    """Return the tested claims about the mechanism's experiment and the mechanism's own expectations."""
    theirs = [c for c in claims.claims if c.experiment == mechanism.experiment and c.standing == "tested"]
    return (*theirs, *expectations(name, mechanism))


def expectations(name: str, mechanism: Mechanism) -> list[Claim]:
    """Return the expectations in the form in which they can be judged."""
    return [
        Claim(
            id=f"{name}-expected-{number}",
            quote=expected.says,
            line=1,
            claimed=expected.says,
            kind="strength",
            experiment=mechanism.experiment,
            check=expected.check,
            kinds=expected.kinds,
            at_least=expected.at_least,
            at_most=expected.at_most,
            parameters=expected.parameters,
        )
        for number, expected in enumerate(mechanism.expect, start=1)
    ]


def _interval(judged: ClaimVerdict) -> tuple[float, float] | None:
    measured = judged.measurement
    if measured is None or measured.low is None or measured.high is None:
        return None
    return measured.low, measured.high
