"""Cost: every formula against a case worked out by hand, and the interval against years that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.compare.cost import break_even, cost_per_nine, nines, price, yearly_total

HOUR_S = 3600.0


def test_nines() -> None:
    assert [nines(share) for share in (0.0, 0.9, 0.99, 0.999, 0.95)] == pytest.approx([0, 1, 2, 3, 1.30103])
    assert nines(1.0) == math.inf
    with pytest.raises(ValueError, match=r"1\.1"):
        nines(1.1)


def test_cost_per_nine() -> None:
    assert cost_per_nine(3000, 0.999) == pytest.approx(1000)
    assert cost_per_nine(3000, 0.0) == math.inf
    assert cost_per_nine(3000, 1.0) == 0.0


def test_the_price_of_an_hour_avoided() -> None:
    assert price(7800, 50) == 156
    assert price(7800, 0) == math.inf
    assert price(7800, -3) == math.inf
    assert price(-100, 3) == 0.0
    assert price(-100, -3) == math.inf


def test_a_break_even_by_hand() -> None:
    # v2 costs 650 $ a month more, 7,800 a year; 60 hours against 8: 52 hours avoided, 150 $ each.
    found = break_even("v1", 150, np.full(1000, 60 * HOUR_S), "v2", 800, np.full(1000, 8 * HOUR_S))
    assert (found.extra, found.value, found.low, found.high) == (7800, 150, 150, 150)
    assert found.avoided == (52, 52, 52)
    assert found.chance == 1.0


def test_its_interval_is_that_of_the_years() -> None:
    # From 20 to 120 hours, evenly, against none: 95 % of years avoid 22.5 to 117.5 hours.
    lost = np.random.default_rng(1).permutation(np.linspace(20, 120, 10_001)) * HOUR_S
    found = break_even("v1", 150, lost, "v2", 800, np.zeros(10_001))
    assert (found.low, found.high) == pytest.approx((7800 / 117.5, 7800 / 22.5), rel=1e-3)
    assert found.value == pytest.approx(7800 / 70)


def test_where_it_avoids_nothing_it_never_pays() -> None:
    same = np.random.default_rng(2).uniform(0, 10, 5000) * HOUR_S
    found = break_even("v2", 800, same, "v3", 3000, same)
    assert found.high == math.inf
    assert found.chance == pytest.approx(0.5, abs=0.03)
    worse = break_even("v2", 800, np.zeros(100), "v3", 3000, np.full(100, HOUR_S))
    assert (worse.value, worse.low, worse.high, worse.chance) == (math.inf, math.inf, math.inf, 0.0)


def test_a_years_total() -> None:
    assert yearly_total(150, np.array([HOUR_S, 3 * HOUR_S]), 500) == pytest.approx(12 * 150 + 2 * 500)
