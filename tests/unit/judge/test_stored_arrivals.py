"""Arrivals read back: the same as were written, held once, and nothing that was not read can be used by mistake."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from harness.arrivals import IDS, Arrivals, read_arrivals
from harness.experiment import Mix
from harness.load.arrivals import write_arrivals
from harness.load.plan import make_plan
from harness.load.rawlog import RawLog, Record
from harness.load.settings import RAW
from harness.outcome import Kind, Outcome
from harness.stats import quantile_ranks
from harness.stored import Unreadable
from tests.fakes.histories import history


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    log = RawLog(tmp_path / RAW)
    log.add(Record(0, Kind.CHAT, 0.1, 0.2, 0.3, Outcome.OK, 200, "c", "u", "a", "openai", ""))
    log.add(Record(1, Kind.READ, 0.2, None, 0.4, Outcome.HTTP_ERROR, 503, "c", detail="503 No: scripted"))
    log.close()
    write_arrivals(tmp_path, make_plan(10, 1, 0, Mix(), seed=1))
    return tmp_path


def test_without_ids_all_else_is_the_same(folder: Path) -> None:
    whole, lean = read_arrivals(folder), read_arrivals(folder, ids=False)
    for each in fields(Arrivals):
        if each.name not in IDS:
            np.testing.assert_array_equal(getattr(whole, each.name), getattr(lean, each.name))
    assert (whole.outcome[0], whole.kind[1], whole.provider[:2].tolist()) == ("ok", "read", ["openai", ""])
    assert whole.outcome[2] == Outcome.UNSENT.value
    assert whole.detail[1] == "503 No: scripted"


def test_a_column_that_was_not_read_cannot_be_used(folder: Path) -> None:
    lean = read_arrivals(folder, ids=False)
    assert len(lean.select(lean.ok)) == 1
    for use in (lean.acknowledged, lambda: list(lean.detail), lambda: np.asarray(lean.conversation_id)):
        with pytest.raises(TypeError, match="was not read"):
            use()


def test_a_spoilt_file_is_told_by_its_name(folder: Path) -> None:
    (folder / "arrivals.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(Unreadable, match=r"arrivals\.parquet"):
        read_arrivals(folder, ids=False)


def test_rows_that_lie_together_are_not_copied() -> None:
    arrivals = history().arrivals
    late = arrivals.select(arrivals.due_s >= 5)
    assert np.shares_memory(late.due_s, arrivals.due_s)
    assert late.due_s.tolist() == arrivals.due_s[arrivals.due_s >= 5].tolist()
    assert arrivals.select(arrivals.due_s > -99) is arrivals
    assert len(arrivals.select(arrivals.due_s > 1e9)) == 0


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_select_takes_the_rows_that_are_asked_for(chosen: list[bool]) -> None:
    arrivals = history().arrivals.select(np.arange(len(history().arrivals)) < len(chosen))
    mask = np.array(chosen)
    assert arrivals.select(mask).seq.tolist() == arrivals.seq[mask].tolist()


def test_ok_follows_the_outcomes() -> None:
    arrivals = history().arrivals
    assert arrivals.ok.all()
    outcome = arrivals.outcome.copy()
    outcome[3] = Outcome.RESET.value
    changed = replace(arrivals, outcome=outcome)
    assert np.flatnonzero(~changed.ok).tolist() == [3]


@given(st.integers(1, 200_000), st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99, 0.999]))
def test_ranks_are_those_of_the_binomial_distribution(count: int, q: float) -> None:
    expected = int(binom.ppf(0.025, count, q)), int(binom.ppf(0.975, count, q)) + 1
    assert quantile_ranks(count, q, 0.95) == expected
