"""From stored campaigns to the matrix: which runs count, what is compared, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.compare.cell import Cell, Untested
from harness.compare.matrix import Matrix, build, chosen_phases
from harness.compare.missing import missing_of
from harness.compare.paired import Finding
from harness.compare.tradeoffs import UNTESTED, judge_table
from harness.errors import ConfigError
from harness.verdict import Verdict
from tests.fakes.compared import away, calm, from_everywhere, store, two_versions
from tests.fakes.histories import Trouble, fault

YEARS = 2000


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    two_versions(folder)
    return folder


@pytest.fixture(autouse=True)
def results_in(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TESTBED_RESULTS", str(root))
    yield


@pytest.fixture(scope="module")
def matrix(root: Path) -> Matrix:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTBED_RESULTS", str(root))
        return build(["v1", "v2", "v4"], years=YEARS)


def cell(matrix: Matrix, phase: str, experiment: str) -> Cell:
    column = matrix.column(phase)
    assert column is not None
    found = column.cells[experiment]
    assert isinstance(found, Cell)
    return found


def untested(matrix: Matrix, phase: str, experiment: str) -> Untested:
    column = matrix.column(phase)
    assert column is not None
    found = column.cells[experiment]
    assert isinstance(found, Untested)
    return found


def test_each_cell_says_better_no_better_or_why_it_is_not_compared(matrix: Matrix) -> None:
    against = {
        name: cell(matrix, "v2", name).against for name in ("provider_outage", "database_crash", "traffic_spike")
    }
    assert against["provider_outage"] is not None
    assert against["provider_outage"].finding is Finding.BETTER
    assert against["database_crash"] is not None
    assert against["database_crash"].finding is Finding.NO_BETTER
    assert against["traffic_spike"] is not None
    assert against["traffic_spike"].finding is None
    assert "24, 40" in against["traffic_spike"].because
    assert cell(matrix, "v1", "provider_outage").against is None


def test_a_cell_has_the_verdict_of_its_claims(matrix: Matrix) -> None:
    assert cell(matrix, "v1", "provider_outage").verdict is Verdict.HELD  # the weakness is there
    assert cell(matrix, "v2", "provider_outage").verdict is Verdict.HELD  # the strength is there
    assert cell(matrix, "v2", "database_crash").verdict is None


def test_what_was_not_measured_has_its_reason(matrix: Matrix) -> None:
    assert "make experiment PHASE=v1 EXPERIMENT=cache_down" in untested(matrix, "v1", "cache_down").because
    assert untested(matrix, "v2", "app_crash").because == "There is none to crash."
    assert "no limits on use" in untested(matrix, "v1", "abusive_client").because
    assert "make experiment PHASE=v4 EXPERIMENT=control" in untested(matrix, "v4", "control").because
    assert "no target v9" in untested(build(["v1", "v9"], years=YEARS), "v9", "control").because


def test_faster_abroad_is_refuted_place_by_place(matrix: Matrix) -> None:
    decided, unmeasured = matrix.faster
    assert (unmeasured.phase, unmeasured.verdict) == ("v4", Verdict.INCONCLUSIVE)
    assert (decided.phase, decided.claim.id, decided.verdict) == ("v2", "faster-in-other-countries", Verdict.REFUTED)
    assert {row.place for row in decided.rows} == {"sao-paulo", "frankfurt", "tokyo"}  # Virginia is no other country
    for row in decided.rows:
        assert row.difference is not None
        if row.q == 0.5:
            assert row.difference.interval.value == pytest.approx(0.4, abs=0.08)


@pytest.mark.parametrize(
    ("latency_s", "seed", "verdict", "says"),
    [
        (0.3, None, Verdict.HELD, "faster than v1"),
        (0.5, None, Verdict.REFUTED, "no part"),  # the same is not faster
        (0.3, 99, Verdict.INCONCLUSIVE, "another seed"),
    ],
)
def test_faster_abroad_is_held_when_it_is_and_inconclusive_without_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, latency_s: float, seed: int | None, verdict: Verdict, says: str
) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    store(tmp_path, "v1", 1, [from_everywhere("v1", 0.5)])
    store(tmp_path, "v2", 2, [from_everywhere("v2", latency_s, **({"seed": seed} if seed else {}))])
    (decided,) = build(["v1", "v2"], years=YEARS).faster
    assert decided.verdict is verdict
    assert says in decided.because


def test_faster_abroad_needs_both_sides() -> None:
    (decided,) = build(["v2"], years=YEARS).faster
    assert decided.verdict is Verdict.INCONCLUSIVE
    assert "of v1" in decided.because


def test_the_newest_valid_runs_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    good, bad = away(phase="v1", experiment="cache_down"), away(Trouble(8, 21), phase="v1", experiment="cache_down")
    store(tmp_path, "v1", 1, [bad])
    store(tmp_path, "v1", 2, [good])
    store(tmp_path, "v1", 3, [away(phase="v1", experiment="cache_down", void_because=["late"])])
    store(tmp_path, "v1", 4, [bad], void_because=("the engine failed",))
    store(tmp_path, "v1", 5, [bad], finished=None)
    found = cell(build(["v1"], years=YEARS), "v1", "cache_down")
    assert found.campaign == "v1-02"
    assert found.lost_s == 0


def test_a_run_without_a_receipt_is_untested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    store(tmp_path, "v1", 1, [away(phase="v1", experiment="cache_down", faults=[fault(status="missing")])])
    assert "receipt" in untested(build(["v1"], years=YEARS), "v1", "cache_down").because


def test_the_seeds_table_is_judged_by_line(matrix: Matrix) -> None:
    found = judge_table(matrix)
    availability = found.rows["availability"]
    assert (availability["v1"].said, availability["v1"].line) == ("~95%", 186)
    assert availability["v1"].verdict in {"HELD", "INCONCLUSIVE"}
    assert availability["v4"].verdict == availability["v3"].verdict == UNTESTED
    assert found.rows["users"]["v1"].verdict == UNTESTED  # users_at_claim was not run
    assert found.rows["complexity"]["v2"].verdict == "HELD"
    assert found.rows["team"]["v2"].verdict == "NOT TESTABLE HERE"
    assert [cost.phase for cost in found.costs] == ["v1", "v2"]
    assert found.missing == ("v3", "v4")
    (between,) = found.break_evens
    assert (between.cheaper, between.dearer, between.extra) == ("v1", "v2", 7800)
    hours = [cost.hours_lost[0] for cost in found.costs]
    assert between.value == pytest.approx(7800 / (hours[0] - hours[1]))
    assert found.costs[1].per_hour_avoided == pytest.approx(between.value)
    assert between.low < between.value < between.high


def test_what_is_missing_is_run_again_and_nothing_else(matrix: Matrix) -> None:
    column = matrix.column("v2")
    assert column is not None
    known = ("control", "provider_outage", "app_crash", "cache_down", "users_of_the_world")
    missing = missing_of(column, known, 1, 1)
    assert "cache_down" in missing  # no run
    assert "app_crash" not in missing  # cannot be put to it
    assert "users_of_the_world" in missing  # asked something else: 38 s instead of 24
    assert missing_of(column, ("control",), 2, 1) == ["control"]  # another seed
    assert missing_of(column, ("control",), 1, 2) == ["control"]  # too few


def test_a_run_as_it_is_asked_today_is_not_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    store(tmp_path, "v1", 1, [calm("v1", clients=1000)])
    (column,) = build(["v1"], years=YEARS).phases
    assert cell(build(["v1"], years=YEARS), "v1", "control").stale == ()
    assert missing_of(column, ("control",), 1, 1) == []


def test_phases_are_those_asked_for_all_targets_or_refused() -> None:
    assert chosen_phases(["v2", "v1", "v2"]) == ["v2", "v1"]
    assert {"v1", "v2"} <= set(chosen_phases([]))
    assert chosen_phases(["v4"]) == ["v4"]
    with pytest.raises(ConfigError, match="no phase 'v9'"):
        chosen_phases(["v9"])


def test_faster_abroad_is_not_held_by_an_interval_that_holds_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    store(tmp_path, "v1", 1, [from_everywhere("v1", 0.5)])
    other = from_everywhere("v2", 0.5)
    noise = np.random.default_rng(3).lognormal(0, 0.3, len(other.arrivals))
    arrivals = replace(other.arrivals, ended_s=other.arrivals.due_s + 0.5 * noise)  # as fast, and otherwise uneven
    store(tmp_path, "v2", 2, [replace(other, arrivals=arrivals)])
    (decided,) = build(["v1", "v2"], years=YEARS).faster
    both = [r for r in decided.rows if r.difference and r.difference.interval.low < 0 < r.difference.interval.high]
    assert len(both) >= 4
    assert {row.verdict for row in both} == {Verdict.INCONCLUSIVE}
    assert decided.verdict is not Verdict.HELD
