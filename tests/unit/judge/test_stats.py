"""Intervals against published values, and properties that every interval must have."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import block_bootstrap, first_count, quantile, quantile_ranks, requests_needed, wilson

COUNTS = st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
VALUES = st.lists(st.floats(0, 100) | st.just(math.inf), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("good", "total", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(good: int, total: int, low: float, high: float) -> None:
    interval = wilson(good, total)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(COUNTS)
def test_wilson_holds_its_share_and_stays_between_0_and_1(counts: tuple[int, int]) -> None:
    good, total = counts
    interval = wilson(good, total)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


@given(COUNTS)
def test_wilson_is_the_same_seen_from_the_failures(counts: tuple[int, int]) -> None:
    good, total = counts
    interval, mirrored = wilson(good, total), wilson(total - good, total)
    assert interval.low == pytest.approx(1 - mirrored.high)


@given(COUNTS)
def test_more_data_never_widens_wilson(counts: tuple[int, int]) -> None:
    good, total = counts
    once, more = wilson(good, total), wilson(10 * good, 10 * total)
    assert more.high - more.low < once.high - once.low


@pytest.mark.parametrize(("good", "total"), [(1, 0), (2, 1), (-1, 5)])
def test_wilson_refuses_what_is_no_share(good: int, total: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        wilson(good, total)


@pytest.mark.parametrize(
    ("share", "needed"),
    [
        (0.95, (59, 93, 124)),
        (0.99, (299, 473, 628)),
        (0.999, (2995, 4742, 6294)),
        (0.9999, (29956, 47437, 62956)),
    ],
)
def test_requests_needed_with_none_one_and_two_failures(share: float, needed: tuple[int, ...]) -> None:
    assert tuple(requests_needed(share, failures) for failures in range(3)) == needed


def test_requests_needed_refuses_certainty() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        requests_needed(1.0)


def test_first_count_is_the_first_and_none_beyond_reach() -> None:
    assert first_count(lambda n: n >= 137, 1) == 137
    assert first_count(lambda n: n >= 137, 200) == 200
    assert first_count(lambda n: False, 1, most=1000) is None


@pytest.mark.parametrize(("count", "ranks"), [(10, (2, 9)), (20, (6, 15)), (100, (40, 61))])
def test_ranks_of_the_median_are_the_published_ones(count: int, ranks: tuple[int, int]) -> None:
    # Hahn and Meeker, Statistical Intervals, section 5.2: any distribution
    assert quantile_ranks(count, 0.5) == ranks


def test_quantile_is_exact_and_not_interpolated() -> None:
    interval = quantile(np.arange(1, 101), 0.95)
    assert interval.value == 95
    assert (interval.low, interval.high) == (90, 100)


def test_quantile_is_infinite_where_too_many_values_are() -> None:
    assert quantile([1.0] * 94 + [math.inf] * 6, 0.95).value == math.inf
    assert quantile([1.0] * 95 + [math.inf] * 5, 0.95).value == 1.0


def test_few_values_leave_a_high_quantile_without_an_upper_bound() -> None:
    # All of 72 values lie below the 95th percentile with a probability of 0.95**72 = 0.0249, of 71 with 0.0262.
    assert quantile(np.ones(71), 0.95).high == math.inf
    assert quantile(np.ones(72), 0.95).high == 1.0


@given(VALUES, st.sampled_from([0.05, 0.5, 0.95, 0.99]))
def test_a_quantile_is_one_of_the_values_and_inside_its_interval(values: list[float], q: float) -> None:
    interval = quantile(values, q)
    assert interval.value in values
    assert interval.low <= interval.value <= interval.high
    assert np.mean(np.asarray(values) <= interval.value) >= q - 1e-9


def test_quantile_intervals_cover_the_truth_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    truth = -math.log(0.05)  # 95th percentile of the exponential distribution
    intervals = [quantile(random.exponential(size=300), 0.95) for _ in range(600)]
    covered = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    assert 0.93 <= covered <= 0.985


def test_block_bootstrap_resamples_runs_and_not_requests() -> None:
    runs = [(100, 100)] * 5 + [(0, 100)] * 5

    def share(some: object) -> float:
        pairs = list(some)  # type: ignore[call-overload]
        return float(sum(good for good, _ in pairs) / sum(total for _, total in pairs))

    interval = block_bootstrap(runs, share, seed=1)
    assert interval.value == 0.5
    assert interval.high - interval.low > 4 * (wilson(500, 1000).high - wilson(500, 1000).low)


def test_block_bootstrap_is_seeded() -> None:
    runs = [1.0, 2.0, 5.0, 9.0]
    first, again = (block_bootstrap(runs, lambda some: float(np.mean(some)), seed=4) for _ in range(2))
    other = block_bootstrap(runs, lambda some: float(np.mean(some)), seed=5, draws=37)
    assert first == again
    assert first.value == other.value == 4.25


def test_block_bootstrap_of_one_run_has_no_width_and_of_none_is_an_error() -> None:
    alone = block_bootstrap([3.0], lambda some: float(np.mean(some)), seed=1)
    assert (alone.low, alone.high) == (3.0, 3.0)
    with pytest.raises(ValueError, match="nothing to resample"):
        block_bootstrap([], lambda some: 0.0, seed=1)


def test_block_bootstrap_keeps_infinity_and_leaves_out_what_has_no_value() -> None:
    assert block_bootstrap([1.0, math.inf], max, seed=1).high == math.inf
    with pytest.raises(ValueError, match="no resample"):
        block_bootstrap([1.0], lambda some: math.nan, seed=1)
