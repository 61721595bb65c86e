"""A year that lacks what strikes the others is marked, and never good enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.advise.command import versions_of
from harness.advise.decide import advise
from harness.advise.signs import Needs
from harness.campaign_record import Git
from harness.compare.data import as_data
from harness.compare.matrix import build
from harness.compare.tradeoffs import judge_table
from harness.compare.year import verdict, why_not
from harness.experiment import load_experiment
from harness.target import find_target
from harness.verdict import Verdict
from tests.fakes.compared import MADE, away, calm, store
from tests.fakes.histories import Trouble

DOWN = Trouble(8, 21)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """v1 was asked about its provider and its database, v2 about its database alone: which makes it look better."""
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    both = [away(DOWN, phase="v1", experiment=name) for name in ("provider_outage", "database_crash")]
    store(tmp_path, "v1", 1, [calm("v1"), *both])
    store(tmp_path, "v2", 2, [calm("v2"), away(phase="v2", experiment="database_crash")])
    return tmp_path


@pytest.mark.usefixtures("results")
def test_what_was_measured_of_another_alone_is_lacking() -> None:
    v1, v2 = build(["v1", "v2"], years=2000).phases
    assert [incident.id for incident in v2.lacks] == ["provider-away"]
    assert v1.lacks == ()


def test_a_year_that_lacks_something_is_no_success_has_no_price_and_is_not_recommended(results: Path) -> None:
    matrix = build(["v1", "v2"], years=2000)
    table = judge_table(matrix)
    assert table.rows["availability"]["v2"].verdict == "INCONCLUSIVE"
    assert "too good" in table.rows["availability"]["v2"].because
    assert [cost.phase for cost in table.costs] == ["v1"]
    assert table.break_evens == ()
    assert "v2" in table.missing
    year = as_data(matrix, table, results, MADE, Git("", False))["projections"]["v2"]
    assert [one["id"] for one in year["incomplete"]] == ["provider-away"]
    assert "HELD" not in [one["verdict"] for one in year["claims"]]
    asked = Needs(300, 500, 4)
    advice = advise(asked, versions_of(matrix, asked))
    assert advice.phase == "v1"
    assert any("v2: its year is incomplete" in each and "provider_outage" in each for each in advice.missing)


@pytest.mark.usefixtures("results")
def test_alone_it_lacks_whatever_could_strike_it_and_was_not_run() -> None:
    (v2,) = build(["v2"], years=2000).phases
    assert {"provider-away", "zone-away", "edge-away"} <= {incident.id for incident in v2.lacks}
    (v1,) = build(["v1"], years=2000).phases
    assert "edge-away" not in {incident.id for incident in v1.lacks}  # it has none


def test_only_a_success_is_doubted() -> None:
    assert verdict(Verdict.HELD, incomplete=True) is Verdict.INCONCLUSIVE
    assert verdict(Verdict.HELD, incomplete=False) is Verdict.HELD
    assert verdict(Verdict.REFUTED, incomplete=True) is Verdict.REFUTED


def test_what_a_target_has_not_cannot_be_broken() -> None:
    v1, v2 = find_target("v1"), find_target("v2")
    assert "no component with role 'edge'" in why_not(load_experiment("edge_outage"), v1)
    assert why_not(load_experiment("edge_outage"), v2) == ""
    assert why_not(load_experiment("control"), v1) == ""
    assert why_not(load_experiment("database_slow"), v1) == ""  # its link goes by the role
