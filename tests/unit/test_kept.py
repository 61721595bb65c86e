"""Committed campaigns: as good as the whole ones for every figure, and never taken for one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import kept
from harness.campaign_record import read_campaign
from harness.compare.data import as_data
from harness.compare.matrix import build
from harness.compare.tradeoffs import judge_table
from harness.history import read_history
from harness.kept import keep, not_from_here
from harness.stored import Unreadable
from harness.stored_runs import campaigns_of
from tests.fakes.compared import MADE, two_versions


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without results, in which committed campaigns of two versions lie."""
    two_versions(tmp_path / "measured")
    for campaign in (tmp_path / "measured").iterdir():
        keep(campaign, {Path(run).name for run in read_campaign(campaign).runs}, tmp_path / "committed")
    monkeypatch.delenv("TESTBED_RESULTS", raising=False)
    monkeypatch.setattr(kept, "KEPT", tmp_path / "committed")
    monkeypatch.setattr("harness.stored_runs.results", lambda: tmp_path / "results")
    return tmp_path


def test_a_copy_says_the_same_without_ids(here: Path) -> None:
    whole, copy = ((here / root / "v1-01") for root in ("measured", "committed"))
    assert read_campaign(copy) == read_campaign(whole)
    for run in read_campaign(whole).runs:
        before, after = read_history(whole / run), read_history(copy / run)
        assert after.record == before.record
        for column in ("due_s", "ended_s", "first_byte_s"):
            np.testing.assert_array_equal(getattr(after.arrivals, column), getattr(before.arrivals, column))
        assert list(after.arrivals.outcome) == list(before.arrivals.outcome)
        assert (copy / run / "arrivals.parquet").stat().st_size < (whole / run / "arrivals.parquet").stat().st_size


def test_only_chosen_runs_are_kept_and_what_was_there_is_replaced(here: Path) -> None:
    whole = here / "measured" / "v1-01"
    first, *_ = read_campaign(whole).runs
    made = keep(whole, {Path(first).name}, here / "committed")
    assert read_campaign(made).runs == (first,)
    assert [folder.name for folder in (made / "runs").iterdir()] == [Path(first).name]
    (whole / first / "arrivals.parquet").unlink()
    with pytest.raises(Unreadable, match="arrivals"):
        keep(whole, {Path(first).name}, here / "other")


def test_they_speak_only_where_nothing_was_measured(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert campaigns_of("v1") == [here / "committed" / "v1-01"]
    assert campaigns_of("v1", own=True) == []
    monkeypatch.setenv("TESTBED_RESULTS", str(here / "results"))
    assert campaigns_of("v1") == []
    monkeypatch.delenv("TESTBED_RESULTS")
    (here / "measured").rename(here / "results")
    assert campaigns_of("v1") == [here / "results" / "v1-01"]


def test_a_comparison_says_which_figures_are_not_from_here(here: Path) -> None:
    matrix = build(["v1", "v2"], years=1000)
    data = as_data(
        matrix,
        judge_table(matrix),
        here / "results" / "comparison",
        MADE,
        read_campaign(here / "measured" / "v1-01").git,
    )
    record = read_campaign(here / "committed" / "v1-01")
    assert data["phases"][0]["kept"] == [not_from_here(record)]
    assert "nothing was measured here" in not_from_here(record) and record.started[:10] in not_from_here(record)
    (control,) = (row for row in data["experiments"] if row["experiment"] == "control")
    link = here / "results" / "comparison" / control["cells"]["v1"]["link"]
    assert link.resolve().is_file()
    assert build(["v1"], years=1000, own=True).phases[0].measured == []
