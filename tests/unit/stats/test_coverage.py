"""A 95 % interval is one that holds the truth in 95 of 100 cases: counted over 2,000 simulated campaigns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import lognorm, norm

from harness.checks.base import pooled_share
from harness.stats import Interval, block_bootstrap, figure_over_runs, paired_difference, survival_quantile, wilson

CASES = 2000
REQUESTS = 760  # of a run: 20 a second for 38 s
RATE = 20
Random = np.random.Generator


def covered(case: Callable[[Random], Interval], truth: float, cases: int = CASES) -> float:
    """Return how often the interval of a simulated case holds the truth."""
    random = np.random.default_rng(20261123)
    intervals = [case(random) for _ in range(cases)]
    return float(np.mean([interval.low <= truth <= interval.high for interval in intervals]))


def bursts(random: Random, runs: int, spread: float) -> list[tuple[int, int]]:
    """Return (good, total) of runs that lose one outage each, about 4 s long, with a log-normal length."""
    lost = random.lognormal(math.log(4), spread, runs) * RATE
    return [(REQUESTS - min(REQUESTS, round(each)), REQUESTS) for each in lost]


def mean_good(spread: float) -> float:
    """Return the true share of good requests of such runs; an outage ends with its run."""
    longest = REQUESTS / RATE
    grid = lognorm.ppf((np.arange(200_000) + 0.5) / 200_000, spread, scale=4)
    return 1 - float(np.minimum(grid, longest).mean()) / longest


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_wilson_covers_independent_requests(share: float) -> None:
    assert 0.93 <= covered(lambda random: wilson(random.binomial(REQUESTS, share), REQUESTS), share) <= 0.97


@pytest.mark.parametrize("runs", [2, 3, 5, 10, 20])
def test_shares_over_runs_cover_failures_that_come_in_bursts(runs: int) -> None:
    assert 0.93 <= covered(lambda random: pooled_share(bursts(random, runs, 0.3)), mean_good(0.3)) <= 0.97


@pytest.mark.parametrize(
    ("runs", "most"), [(2, 1.0), (3, 0.97), (5, 0.97), (20, 0.97)]
)  # of two, 6 % are equal by chance
def test_shares_over_runs_cover_independent_requests_as_well(runs: int, most: float) -> None:
    def case(random: Random) -> Interval:
        return pooled_share([(int(good), REQUESTS) for good in random.binomial(REQUESTS, 0.97, runs)])

    assert 0.93 <= covered(case, 0.97) <= most


def test_treating_bursts_as_independent_requests_would_not_cover() -> None:
    def naive(random: Random) -> Interval:
        counts = bursts(random, 5, 0.3)
        return wilson(sum(good for good, _ in counts), sum(total for _, total in counts))

    assert covered(naive, mean_good(0.3), 500) < 0.6


@pytest.mark.parametrize("runs", [2, 5])
def test_percentiles_over_runs_cover_runs_of_different_speed(runs: int) -> None:
    def pooled(some: Sequence[npt.NDArray[np.float64]]) -> float:
        values = np.concatenate(some)
        nth = math.ceil(0.95 * len(values)) - 1
        return float(np.partition(values, nth)[nth])

    def case(random: Random) -> Interval:
        speeds = np.exp(random.normal(0, 0.05, runs))
        found = figure_over_runs([speed * random.lognormal(0, 0.35, 200) for speed in speeds], pooled)
        assert found is not None
        return found

    truth = math.exp(norm.ppf(0.95) * math.hypot(0.05, 0.35))  # the product of two log-normals is one
    assert 0.925 <= covered(case, truth) <= 0.97


@pytest.mark.parametrize("pairs", [2, 3, 5, 10])
def test_paired_differences_cover(pairs: int) -> None:
    def case(random: Random) -> Interval:
        seeds = random.normal(700, 60, pairs)  # ms; what the seed decides is in both runs of a pair
        return paired_difference(
            (seeds + random.normal(0, 9, pairs)).tolist(), (seeds + 5 + random.normal(0, 9, pairs)).tolist()
        )

    assert 0.93 <= covered(case, 5.0) <= 0.97


def censored_median(random: Random, count: int) -> Interval:
    takes, watched = random.exponential(10, count), random.uniform(5, 30, count)
    return survival_quantile(np.minimum(takes, watched).tolist(), (takes <= watched).tolist())


def test_medians_of_censored_recovery_times_cover() -> None:
    assert 0.93 <= covered(lambda random: censored_median(random, 20), 10 * math.log(2)) <= 0.97


def test_medians_of_few_recovery_times_are_cautious() -> None:
    assert covered(lambda random: censored_median(random, 8), 10 * math.log(2), 300) >= 0.95


def bootstrapped(random: Random, runs: int) -> Interval:
    values = random.lognormal(0, 0.3, runs)
    return block_bootstrap(values.tolist(), lambda some: sum(some) / len(some), int(random.integers(1 << 30)), 800)


def test_the_bootstrap_over_runs_covers_from_eight_runs_on() -> None:
    # 500 cases: the bounds allow for three standard errors of the count itself (0.0097 each)
    truth = float(np.exp(0.3**2 / 2))
    assert 0.91 <= covered(lambda random: bootstrapped(random, 8), truth, 500) <= 0.98


def test_the_bootstrap_over_three_runs_is_no_bound_and_is_documented_as_none() -> None:
    truth = float(np.exp(0.3**2 / 2))
    assert covered(lambda random: bootstrapped(random, 3), truth, 500) < 0.85
