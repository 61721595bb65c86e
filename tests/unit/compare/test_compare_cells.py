"""A cell: its figures, the worst verdict of the claims that rest on it, and how it did against the version before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.alerts import Alert, Listening
from harness.claims import Claim, Claims
from harness.compare.cell import Cell, Untested, cell_of, compared
from harness.compare.paired import Finding
from harness.history import Durability, History
from harness.judge import judge
from harness.verdict import Verdict
from tests.fakes.histories import Trouble, claim, fault, history

DOWN = Trouble(8, 21)


def run(*troubles: Trouble, **changes: Any) -> History:
    given = {"faults": [fault()], "experiment": "database_crash"}
    return history(*troubles, **{**given, **changes})


def cell(*histories: History, claims: tuple[Claim, ...] = (), seed: int = 1) -> Cell:
    verdicts = judge(Claims(schema=1, source="seed.md", claims=claims), histories)
    return cell_of(Path("results/v1-a"), seed, histories, verdicts)


def test_the_worst_verdict_wins_and_the_claims_are_named() -> None:
    nothing, all_of_it = claim(id="nothing"), claim(id="all", at_most=None, at_least=0.9)
    found = cell(run(DOWN), claims=(nothing, all_of_it))
    assert found.verdict is Verdict.REFUTED
    assert {v.claim.id: v.verdict for v in found.claims} == {"nothing": Verdict.HELD, "all": Verdict.REFUTED}
    assert cell(run(DOWN), claims=(nothing,)).verdict is Verdict.HELD


def test_measured_without_a_claim_is_no_verdict() -> None:
    elsewhere = claim(experiment="cache_down")
    assert cell(run(DOWN), claims=(elsewhere,)).verdict is None


def test_a_claim_of_a_year_colours_no_run() -> None:
    yearly = claim(check="availability", at_most=None, at_least=0.9, yearly=True, undecidable_because="a year is long")
    assert cell(run(), claims=(yearly,)).verdict is None


def test_figures_are_those_that_the_run_was_given() -> None:
    found = cell(run(DOWN, durability=Durability(500, 3, 0, 0, 0)))
    assert found.availability is not None
    assert found.availability.value == pytest.approx(25 / 38, abs=0.02)
    assert found.lost_s == pytest.approx(13, abs=0.6)
    assert found.mitigated is not None and found.mitigated.value is None
    assert found.recovered is not None and found.recovered.value == pytest.approx(1.0, abs=0.3)
    assert (found.acknowledged, found.messages_lost) == (500, 3)
    assert found.p95.value == float("inf")


def test_without_a_fault_nothing_is_lost_mitigated_or_recovered() -> None:
    found = cell(history())
    assert (found.lost_s, found.mitigated, found.recovered, found.harmed) == (None, None, None, False)
    assert found.p95.value == pytest.approx(0.6 * 1.64, abs=0.1)


def test_of_several_runs_the_longest_counts_and_the_mean_loss() -> None:
    found = cell(run(Trouble(8, 12)), run(Trouble(8, 16), repeat=2))
    assert found.mitigated is not None and found.mitigated.value == pytest.approx(8, abs=0.4)
    assert found.lost_s == pytest.approx(6, abs=0.4)


def test_alerts_are_there_where_somebody_listened() -> None:
    told = Alert("Down", "page", {}, 11.0, 12.0, None)
    found = cell(run(DOWN, alerts=[told], listening=Listening(45.0), alerts_expected=["Down"]))
    assert found.delay is not None and found.delay.value == pytest.approx(4.0)
    assert found.lead is not None and found.lead.value == pytest.approx(-4.0, abs=0.2)
    blind = cell(run(DOWN))
    assert (blind.delay, blind.alerts_because) == (None, "the target has no pager")


def test_better_and_no_better_than_the_version_before() -> None:
    better = compared(cell(run()), cell(run(DOWN)), "v1").against
    assert better is not None and better.finding is Finding.BETTER
    same = compared(cell(run()), cell(run()), "v1").against
    assert same is not None and same.finding is Finding.NO_BETTER
    assert same.p95 is not None and same.p95.interval.value == 0


def test_another_question_is_not_compared_and_says_why() -> None:
    other = compared(cell(run(faults=[fault(aimed_at="zone a")])), cell(run()), "v1").against
    assert other is not None and other.finding is None
    assert "zone a" in other.because
    untested = compared(cell(run()), Untested("database_crash", "Nobody ran it."), "v1").against
    assert untested is not None and "Nobody ran it." in untested.because


def test_another_seed_is_compared_without_pairs_and_says_so() -> None:
    other = compared(cell(run(seed=3), seed=2), cell(run(DOWN, seed=9)), "v1").against
    assert other is not None and other.finding is Finding.BETTER
    assert other.availability is not None and other.availability.pairs == 0
    assert "seeds are 1 and 2" in other.note
