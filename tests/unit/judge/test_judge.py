"""Verdicts: only whole intervals of usable runs decide, and every doubt is INCONCLUSIVE."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import CHECKS
from harness.claims import Claim, Claims, load_claims
from harness.experiment import known_experiments
from harness.history import History, Kind
from harness.judge import ClaimVerdict, judge, usable_runs
from harness.verdict import Verdict
from tests.fakes.histories import Hang, Trouble, claim, fault, history

ROOT = Path(__file__).resolve().parents[3]


def verdict(asked: Claim, *histories: History) -> ClaimVerdict:
    return judge(Claims(schema=1, source="seed.md", claims=(asked,)), histories)[0]


def crashed(*troubles: Trouble, **changes: object) -> History:
    changes.setdefault("faults", [fault()])
    return history(*troubles, experiment="database_crash", **changes)  # type: ignore[arg-type]


def test_a_weakness_that_shows_is_held() -> None:
    found = verdict(claim(), crashed(Trouble(8, 20)))
    assert found.verdict is Verdict.HELD
    assert found.runs == ("database_crash-1",)
    assert "0 %" in found.measured


def test_a_weakness_that_does_not_show_is_refuted() -> None:
    found = verdict(claim(), crashed())
    assert found.verdict is Verdict.REFUTED
    assert "misses at most 5 %" in found.because


def test_an_interval_on_both_sides_is_inconclusive_and_says_what_would_decide() -> None:
    found = verdict(claim(), crashed(Trouble(8, 20), rate=3))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "both sides of at most 5 %" in found.because
    assert "more arrivals like these would decide" in found.because


def test_hanging_does_not_pass_for_working() -> None:
    assert verdict(claim(at_most=0.15), crashed(Hang(8, 20))).verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"void_because": ["the generator was late"]}, "it is void (the generator was late)"),
        ({"faults": [fault(status="mismatch")]}, "not confirmed (mismatch)"),
        ({"faults": [fault(status="missing")]}, "not confirmed (missing)"),
        ({"faults": [fault(), fault(30, 32, status="missing")]}, "not confirmed (missing)"),
        ({"faults": [fault(healed=False)]}, "was not healed"),
        ({"faults": []}, "no fault struck"),
    ],
)
def test_a_run_in_doubt_gives_no_verdict(changes: dict[str, object], says: str) -> None:
    found = verdict(claim(), crashed(Trouble(8, 20), **changes))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert says in found.because
    assert found.measurement is None
    assert found.runs == ()


def test_what_is_left_of_the_runs_decides_and_the_rest_is_named() -> None:
    fine = crashed(Trouble(8, 20), repeat=1)
    void = crashed(repeat=2, void_because=["late"])
    found = verdict(claim(), fine, void)
    assert found.verdict is Verdict.HELD
    assert found.runs == ("database_crash-1",)
    assert "Run database_crash-2 gives no verdict" in found.because


def test_runs_of_other_experiments_say_nothing() -> None:
    found = verdict(claim(), history(Trouble(8, 20), faults=[fault()]))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no run of 'database_crash'" in found.because


def test_an_error_while_judging_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    check = replace(CHECKS["availability_under_fault"], measure=broken)  # type: ignore[arg-type]
    monkeypatch.setitem(CHECKS, "availability_under_fault", check)
    found = verdict(claim(), crashed(Trouble(8, 20)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.because == "Judging failed: ZeroDivisionError: by zero."


def test_what_cannot_be_tested_says_why() -> None:
    nothing: dict[str, object] = {"experiment": None, "check": None, "at_most": None}
    costs = verdict(claim(not_testable_because="Bills do not occur here.", **nothing))
    assert (costs.verdict, costs.because) == (Verdict.NOT_TESTABLE_HERE, "Bills do not occur here.")
    later = verdict(claim(untested_because="No experiment yet.", **nothing))
    assert (later.verdict, later.because) == (Verdict.INCONCLUSIVE, "Untested. No experiment yet.")


def test_the_yearly_figure_is_measured_and_never_decided() -> None:
    yearly = claim(
        experiment="control", check="availability", at_most=None, at_least=0.95, undecidable_because="A run is no year."
    )
    found = verdict(yearly, history())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.because == "A run is no year."
    assert found.measured.startswith("100 %")


def test_nothing_to_measure_is_inconclusive_with_the_reason() -> None:
    found = verdict(claim(check="contents_kept"), crashed())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.because == "No receipt says what the component held before and after."


def test_usable_runs_without_a_check_keeps_runs_without_faults() -> None:
    usable = usable_runs([history(), crashed(faults=[fault(status="missing")])])
    assert [each.record.experiment for each in usable.histories] == ["control"]
    assert len(usable.left_out) == 1


def test_the_seeds_claims_about_v1_on_a_campaign_that_bears_them_out() -> None:
    paid = (Kind.CHAT, Kind.STREAM)
    histories = [
        history(),
        crashed(Trouble(8, 21)),
        history(Trouble(8, 20, after_s=3.0), experiment="database_black_hole", faults=[fault()]),
        history(experiment="cache_down", faults=[fault(contents_before=90, contents_after=4)]),
        history(Trouble(8, 20, kinds=paid), experiment="provider_outage", faults=[fault()]),
        history(experiment="users_at_claim", rate=9.09, users=100, think_s=10.0),
    ]
    claims = load_claims(ROOT / "targets/v1/claims.toml", known_experiments())
    found = {each.claim.id: each for each in judge(claims, histories)}
    tested = {each.verdict for each in found.values() if each.claim.standing == "tested"}
    assert tested == {Verdict.HELD}
    assert found["yearly-availability"].verdict is Verdict.INCONCLUSIVE
    assert found["monthly-cost"].verdict is Verdict.NOT_TESTABLE_HERE
