"""Intervals over whole runs: published values, and properties that must always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import (
    figure_over_runs,
    mean_over_runs,
    paired_difference,
    share_over_runs,
    survival_quantile,
    with_more_runs,
)

# Freireich et al. 1963: weeks in remission, 6-mercaptopurine and placebo; Klein and Moeschberger, table 1.1.
MERCAPTOPURINE = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

SHARES = st.lists(st.tuples(st.integers(0, 50), st.just(50)), min_size=2, max_size=12)
TIMES = st.lists(st.tuples(st.floats(0.1, 100), st.booleans()), min_size=1, max_size=40)
VALUES = st.lists(st.floats(-1000, 1000), min_size=2, max_size=20)


def pooled(runs: object) -> float:
    pairs = list(runs)  # type: ignore[call-overload]
    return float(sum(good for good, _ in pairs) / sum(total for _, total in pairs))


def test_kaplan_meier_median_with_censored_times_is_the_published_one() -> None:
    times = [*MERCAPTOPURINE, *STILL_IN_REMISSION]
    seen = [True] * len(MERCAPTOPURINE) + [False] * len(STILL_IN_REMISSION)
    median = survival_quantile(times, seen)
    # R: survfit(Surv(time, status) ~ 1, conf.type = "log-log") gives 23 (13, NA)
    assert (median.value, median.low, median.high) == (23, 13, math.inf)


def test_kaplan_meier_median_without_censoring_is_the_published_one() -> None:
    median = survival_quantile(PLACEBO, [True] * len(PLACEBO))
    assert (median.value, median.low, median.high) == (8, 4, 11)  # R, as above


def test_a_quantile_that_censoring_hides_has_no_upper_bound() -> None:
    never = survival_quantile([5.0, 7.0], [False, False])
    assert (never.value, never.low, never.high) == (math.inf, 0.0, math.inf)
    assert survival_quantile([1.0, 9.0, 9.0], [True, False, False]).value == math.inf


def test_few_times_have_no_bounds_and_six_have() -> None:
    for count in range(1, 6):
        few = survival_quantile([2.0] * count, [True] * count)
        assert (few.value, few.low, few.high) == (2.0, 0.0, math.inf)
    six = survival_quantile([2.0, 3.0, 4.0, 5.0, 6.0, 7.0], [True] * 6)
    assert (six.low, six.high) == (2.0, 7.0)


@given(TIMES, st.sampled_from([0.25, 0.5, 0.9]))
def test_censoring_never_makes_recovery_look_faster(pairs: list[tuple[float, bool]], q: float) -> None:
    times, seen = [time for time, _ in pairs], [flag for _, flag in pairs]
    found, uncensored = survival_quantile(times, seen, q), survival_quantile(times, [True] * len(times), q)
    assert found.low <= found.value <= found.high
    assert found.value >= uncensored.value


def test_a_paired_difference_is_the_published_one() -> None:
    # Student 1908, Biometrika 6:1, section IX: hours of sleep gained by two drugs; mean 1.58, t = 4.0621 on 9 degrees
    before = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    after = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = paired_difference(before, after)
    assert found.value == pytest.approx(1.58)
    assert (round(found.low, 4), round(found.high, 4)) == (0.7001, 2.4599)  # R: t.test(after, before, paired = TRUE)


@given(VALUES)
def test_a_paired_difference_turns_round_with_its_sides(values: list[float]) -> None:
    other = [0.0] * len(values)
    one, back = paired_difference(other, values), paired_difference(values, other)
    assert (one.value, one.low) == pytest.approx((-back.value, -back.high))
    assert one.low <= one.value <= one.high


def test_one_pair_gives_no_bounds_and_none_is_an_error() -> None:
    alone = paired_difference([1.0], [3.0])
    assert (alone.value, alone.low, alone.high) == (2.0, -math.inf, math.inf)
    with pytest.raises(ValueError, match="at least one value"):
        mean_over_runs([])
    with pytest.raises(ValueError, match="no pairs"):
        paired_difference([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        mean_over_runs([1.0, math.inf])


@given(SHARES)
def test_a_share_over_runs_lies_inside_its_interval(runs: list[tuple[int, int]]) -> None:
    found = share_over_runs(runs, pooled)
    if found is None:
        assert len(set(runs)) == 1 or pooled(runs) in (0, 1)
        return
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.value == pytest.approx(pooled(runs))


@given(SHARES)
def test_a_share_over_runs_does_not_depend_on_their_order(runs: list[tuple[int, int]]) -> None:
    one, other = share_over_runs(runs, pooled), share_over_runs(runs[::-1], pooled)
    if one is None or other is None:
        assert one is other
    else:
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_runs_without_a_failure_say_nothing_about_their_variance() -> None:
    assert share_over_runs([(50, 50)] * 5, pooled) is None
    assert share_over_runs([(40, 50)], pooled) is None


@given(VALUES)
def test_the_jackknife_of_a_mean_is_its_t_interval(values: list[float]) -> None:
    known, found = mean_over_runs(values), figure_over_runs(values, lambda some: sum(some) / len(some))
    if found is None:
        assert known.high - known.low < 1e-6
    else:
        assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-6)


def test_an_interval_over_more_runs_is_what_more_such_runs_would_give() -> None:
    # 1, 2, 3 and the same spread in twelve runs: Student's t of 2 and of 11 degrees of freedom
    few = mean_over_runs([1.0, 2.0, 3.0])
    many = with_more_runs(few, 3, 12)
    assert many.value == 2.0
    assert many.high == pytest.approx(2 + 2.200985 * 1.0 / math.sqrt(12))
    assert with_more_runs(few, 3, 3).high == pytest.approx(few.high)


def test_an_infinite_figure_has_no_jackknife() -> None:
    assert figure_over_runs([1.0, math.inf], max) is None
    assert figure_over_runs([1.0], max) is None
    assert figure_over_runs([1.0, 1.0, 1.0], max) is None


def test_equal_runs_of_different_sizes_are_weighed_by_their_requests() -> None:
    found = share_over_runs([(90, 100), (8, 10), (700, 1000)], pooled)
    assert found is not None
    assert found.value == pytest.approx(798 / 1110)
    assert not np.isnan([found.low, found.high]).any()
