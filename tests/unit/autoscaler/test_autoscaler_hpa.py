"""The arithmetic, against the examples of the Kubernetes documentation and against what must hold for every input."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.parts.autoscaler.hpa import ScaleUpLimit, Window, recommend

COUNTS = st.integers(1, 500)
TARGETS = st.floats(0.01, 1000)


@pytest.mark.parametrize(
    ("current", "metric", "target", "expected"),
    [
        (4, 200, 100, 8),  # "Algorithm details": 200m where 100m is desired doubles
        (4, 50, 100, 2),  # ... and 50m halves
        (5, 50, 100, 3),  # the ceiling
        (1, 305, 50, 7),  # the walkthrough: 305 % / 50 %, "the Deployment was resized to 7 replicas"
        (50, 90, 75, 60),  # the blog on configurable tolerance, Kubernetes 1.33
    ],
)
def test_published_examples(current: int, metric: float, target: float, expected: int) -> None:
    assert recommend(current * metric, current, current, target) == expected


@pytest.mark.parametrize(
    ("metric", "expected"),
    [(109, 10), (110, 10), (110.1, 12), (91, 10), (90, 10), (89.9, 9)],
)
def test_within_a_tenth_of_the_target_nothing_changes(metric: float, expected: int) -> None:
    assert recommend(10 * metric, 10, 10, 100) == expected


def test_the_tolerance_can_be_set() -> None:
    assert recommend(10 * 109, 10, 10, 100, tolerance=0) == 11
    assert recommend(10 * 140, 10, 10, 100, tolerance=0.5) == 10


def test_a_ceiling_does_not_trip_over_binary_fractions() -> None:
    assert math.ceil(3 * 0.1 / 0.1) == 4
    assert recommend(3 * 0.1, 1, 1, 0.1) == 3


def test_replicas_on_their_way_count_as_serving_nothing() -> None:
    # 2 of 4 are ready and hold 1.8 times what they should: the other two, once ready, are enough.
    assert recommend(3.6 * 100, 2, 4, 100) == 4
    assert recommend(2.5 * 100, 2, 4, 100) == 4, "a need for more is never turned into fewer"
    assert recommend(5 * 100, 2, 4, 100) == 5


def test_fewer_needed_than_are_ready_is_not_held_up_by_those_that_are_not() -> None:
    assert recommend(1.5 * 100, 3, 4, 100) == 2


@given(load=st.floats(0, 1e6), current=COUNTS, target=TARGETS, tolerance=st.floats(0, 0.5))
def test_the_recommendation_suffices_and_is_the_smallest(
    load: float, current: int, target: float, tolerance: float
) -> None:
    recommended = recommend(load, current, current, target, tolerance)
    if recommended != current:
        assert load / recommended <= target * (1 + 1e-6) if recommended else load <= target * 1e-6
        assert recommended <= 1 or load / (recommended - 1) > target * (1 - 1e-6)
    else:
        ratio = load / current / target
        assert ratio <= 1 + tolerance + 1e-6
        assert ratio > 1 - 1 / current - 1e-6 or abs(ratio - 1) <= tolerance + 1e-6


@given(load=st.floats(0, 1e6), ready=COUNTS, more=st.integers(0, 100), target=TARGETS)
def test_a_second_look_recommends_the_same(load: float, ready: int, more: int, target: float) -> None:
    """Replicas that were ordered and are not ready yet must not make the same load order still more."""
    first = recommend(load, ready, ready + more, target)
    if first > ready:
        assert recommend(load, ready, first, target) == first


@given(load=st.floats(0, 1e6), extra=st.floats(0, 1e6), current=COUNTS, target=TARGETS)
def test_more_load_never_needs_fewer(load: float, extra: float, current: int, target: float) -> None:
    assert recommend(load + extra, current, current, target, 0) >= recommend(load, current, current, target, 0)


def test_the_window_takes_the_highest_recommendation_in_it() -> None:
    window = Window(60)
    for now_s, replicas in [(0, 4), (30, 3), (50, 2)]:
        window.add(now_s, replicas)
    assert window.hold(4, 2) == 4
    window.add(60, 2)
    assert window.hold(4, 2) == 4, "the window's edge is in it"
    window.add(61, 2)
    assert window.hold(4, 2) == 3
    window.add(91, 2)
    assert window.hold(4, 2) == 2


def test_the_window_holds_back_and_never_scales_up() -> None:
    window = Window(60)
    window.add(0, 9)
    assert window.hold(4, 2) == 4
    assert window.hold(4, 5) == 5


@given(
    steps=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 10)), min_size=1, max_size=40),
    span_s=st.floats(0, 100),
    current=st.integers(1, 10),
)
def test_the_window_is_the_naive_rolling_maximum(steps: list[tuple[float, int]], span_s: float, current: int) -> None:
    window, now_s, past = Window(span_s), 0.0, []
    for gap_s, wanted in steps:
        now_s += gap_s
        window.add(now_s, wanted)
        past.append((now_s, wanted))
        highest = max(replicas for at_s, replicas in past if at_s >= now_s - span_s)
        assert window.hold(current, wanted) == (wanted if wanted >= current else min(current, highest))


def test_at_most_twice_as_many_in_a_period() -> None:
    limit = ScaleUpLimit(100, 15)
    assert limit.limit(0, 2) == 4
    limit.add(0, 2)
    assert limit.limit(14.9, 4) == 4, "the period began with 2"
    assert limit.limit(15, 4) == 8


def test_the_limit_rounds_up_and_is_never_below_what_there_is() -> None:
    assert ScaleUpLimit(10, 60).limit(0, 72) == 80  # the documentation's 7.2, rounded up to 8
    limit = ScaleUpLimit(100, 15)
    limit.add(0, 6)
    assert limit.limit(1, 7) == 7


@given(wanted=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 1000)), max_size=30))
def test_the_limit_holds_over_every_period(wanted: list[tuple[float, int]]) -> None:
    limit, now_s, current, history = ScaleUpLimit(100, 15), 0.0, 1, [(-math.inf, 1)]
    for gap_s, replicas in wanted:
        now_s += gap_s
        granted = max(current, min(replicas, limit.limit(now_s, current)))
        limit.add(now_s, granted - current)
        current = granted
        history.append((now_s, current))
        began_with = [count for at_s, count in history if at_s <= now_s - 15][-1]
        assert current <= 2 * began_with
