"""Differences between versions: by hand, against published figures, and where the truth was written down."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.compare.paired import (
    Difference,
    Finding,
    availability_difference,
    finding,
    latency_difference,
    margin,
    paired_shares,
    unpaired_shares,
)
from harness.history import Outcome
from harness.stats import Interval, wilson
from tests.fakes.histories import Trouble, fault, history

OUTAGE = Trouble(10, 20)


def test_paired_shares_by_hand() -> None:
    before, after = np.array([True, True, False, False] * 25), np.array([True, False, True, True] * 25)
    found = paired_shares(before, after)
    assert found.value == pytest.approx((50 - 25) / 100)
    # Half an arrival in each cell: 50.5 gained, 25.5 lost, of 102.
    middle, reach = 25 / 102, 1.959964 * math.sqrt(76 - 25**2 / 102) / 102
    assert (found.low, found.high) == pytest.approx((middle - reach, middle + reach))


def test_no_difference_at_all_still_has_an_interval() -> None:
    found = paired_shares(np.ones(760, dtype=np.bool_), np.ones(760, dtype=np.bool_))
    assert (found.value, found.high) == pytest.approx((0.0, 1.959964 / 762))


def test_unpaired_shares_are_those_of_newcombe() -> None:
    found = unpaired_shares(wilson(48, 80), wilson(56, 70))  # Newcombe 1998, table II (a): 0.0524 to 0.3339
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_one_pair_is_compared_arrival_by_arrival() -> None:
    change = availability_difference([history(OUTAGE)], [history()])
    assert change is not None
    assert change.pairs == 1
    assert change.interval.value == pytest.approx(10 / 38, abs=0.02)
    assert finding(change, margin([history()])) is Finding.BETTER
    back = availability_difference([history()], [history(OUTAGE)])
    assert back is not None
    assert finding(back, margin([history()])) is Finding.WORSE


def test_several_pairs_are_compared_run_by_run() -> None:
    before = [history(OUTAGE, seed=s) for s in (1, 2, 3)]
    after = [history(Trouble(10, 10 + s), seed=s) for s in (3, 2, 1)]
    change = availability_difference(before, after)
    assert change is not None
    assert change.pairs == 3
    assert change.interval.value == pytest.approx((10 - 2) / 38, abs=0.03)
    assert change.interval.low < change.interval.value < change.interval.high


def test_other_seeds_are_compared_without_pairs() -> None:
    change = availability_difference([history(OUTAGE, seed=1)], [history(seed=2)])
    assert change is not None
    assert change.pairs == 0
    assert change.interval.low > 0.2


def test_the_same_seed_with_other_arrivals_is_no_pair() -> None:
    change = availability_difference([history(rate=10)], [history()])
    assert change is not None
    assert change.pairs == 0


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.006, 0.02, Finding.BETTER),
        (0.004, 0.02, Finding.NOT_SHOWN),
        (-0.004, 0.004, Finding.NO_BETTER),
        (-0.02, 0.005, Finding.NO_BETTER),
        (-0.02, -0.006, Finding.WORSE),
        (-math.inf, math.inf, Finding.NOT_SHOWN),
    ],
)
def test_a_finding_asks_for_the_whole_interval_beyond_the_margin(low: float, high: float, said: Finding) -> None:
    assert finding(Difference(Interval((low + high) / 2, low, high), "share", 1), 0.005) is said


def test_with_a_fault_a_second_more_or_less_means_nothing() -> None:
    assert margin([history()]) == 0.005
    assert margin([history(faults=[fault()])]) == pytest.approx(1 / 38)
    half_a_second = availability_difference([history(faults=[fault()])], [history(Trouble(10, 10.5), faults=[fault()])])
    assert half_a_second is not None
    assert finding(half_a_second, margin([history(faults=[fault()])])) is Finding.NO_BETTER


def test_latency_shifts_by_what_was_added_and_equal_runs_do_not_differ() -> None:
    slower = latency_difference([history(latency_s=0.6)], [history(latency_s=0.9)], 0.5)
    assert slower is not None
    assert slower.interval.value == pytest.approx(0.3, abs=0.02)
    assert 0.25 < slower.interval.low < slower.interval.high < 0.35
    same = latency_difference([history()], [history()], 0.95)
    assert same is not None
    assert (same.interval.low, same.interval.value, same.interval.high) == (0, 0, 0)
    several = latency_difference(
        [history(seed=s) for s in (1, 2)], [history(seed=s, latency_s=1.2) for s in (1, 2)], 0.5
    )
    assert several is not None
    assert (several.pairs, several.interval.value) == (2, pytest.approx(0.6, abs=0.03))


def test_the_interval_of_a_latency_covers_the_truth() -> None:
    covered = 0
    for seed in range(60):
        one, other = history(seed=seed), history(seed=seed)
        noise = np.random.default_rng(seed).lognormal(0, 0.3, len(one.arrivals))
        after = replace(other, arrivals=replace(other.arrivals, ended_s=other.arrivals.due_s + 0.8 * noise))
        change = latency_difference([one], [after], 0.5)
        assert change is not None
        covered += change.interval.low <= 0.2 <= change.interval.high  # medians 0.6 and 0.8 s
    assert covered >= 52  # of 60, nominally 57


def test_latency_that_nobody_had_is_not_compared() -> None:
    never = Trouble(0, 38, Outcome.HTTP_ERROR)
    assert latency_difference([history(never)], [history()], 0.95) is None
    assert latency_difference([history(seed=1)], [history(seed=2)], 0.95) is None
    assert latency_difference([history()], [history()], 0.95, "tokyo") is None
