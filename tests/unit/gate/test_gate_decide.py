"""The decision itself: what must hold for any figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gate.decide import Finding, Outcome, Pairs, compare, compare_all, conclude, decide, margin_of
from harness.gate.metrics import METRICS, Metric, Where
from harness.stats import Interval

LATENCY = Metric("chat_p50_s", "s", "median", 0.05)
SHARE = Metric("availability", "share", "good", 0.005, lower_is_worse=True)
RUNS = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), min_size=2, max_size=8)
BOUNDS = st.tuples(st.floats(-5, 5), st.floats(-5, 5)).map(sorted)


def pairs(*values: tuple[float | None, float | None], metric: Metric = LATENCY) -> Pairs:
    before, after = zip(*values, strict=True)
    return Pairs("control", False, [{metric.name: v} for v in before], [{metric.name: v} for v in after])


@given(BOUNDS, st.floats(0, 2))
def test_exactly_one_finding_and_by_the_whole_interval(bounds: list[float], margin: float) -> None:
    low, high = bounds
    finding = decide(Interval((low + high) / 2, low, high), margin)
    assert (finding is Finding.WORSE) == (low > margin)
    assert (finding is Finding.FINE) == ((low + high) / 2 <= margin and high <= 3 * margin)


@given(RUNS)
def test_the_order_of_pairs_does_not_matter(values: list[tuple[float, float]]) -> None:
    one, other = compare(pairs(*values), LATENCY), compare(pairs(*values[::-1]), LATENCY)
    assert one is not None and other is not None
    assert one.difference.value == pytest.approx(other.difference.value, abs=1e-9)
    assert one.margin == pytest.approx(other.margin)


@given(RUNS, st.floats(0, 50))
def test_getting_worse_by_more_is_never_found_better(values: list[tuple[float, float]], more: float) -> None:
    first = compare(pairs(*values), LATENCY)
    second = compare(pairs(*[(old, new + more) for old, new in values]), LATENCY)
    assert first is not None and second is not None
    if first.finding is Finding.WORSE:
        assert second.finding is Finding.WORSE
    if second.finding is Finding.FINE:
        assert first.finding is Finding.FINE


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_same_figures_again_are_never_worse(values: list[float]) -> None:
    for metric in (LATENCY, SHARE):
        found = compare(pairs(*[(value, value) for value in values], metric=metric), metric)
        assert found is not None
        assert found.finding is (Finding.FINE if len(values) > 1 else Finding.INCONCLUSIVE)


def test_lower_availability_is_worse_and_higher_is_fine() -> None:
    down = compare(pairs((1.0, 0.90), (1.0, 0.91), (1.0, 0.89), metric=SHARE), SHARE)
    up = compare(pairs((0.90, 1.0), (0.91, 1.0), (0.89, 1.0), metric=SHARE), SHARE)
    assert down is not None and down.finding is Finding.WORSE
    assert up is not None and up.finding is Finding.FINE


RATIO = Metric("chat_p50_s", "s", "median", 0.05, as_ratio=True)


def test_an_uneven_slow_down_is_worse_as_a_ratio_and_noise_as_a_difference() -> None:
    """Three, five and nine times as slow: slower without doubt, though the differences scatter widely."""
    slowed = pairs((1.0, 3.0), (1.0, 5.0), (1.0, 9.0))
    as_difference, as_ratio = compare(slowed, LATENCY), compare(slowed, RATIO)
    assert as_difference is not None and as_difference.finding is Finding.INCONCLUSIVE
    assert as_ratio is not None and as_ratio.finding is Finding.WORSE


def test_a_ratio_is_shown_as_what_it_makes_of_the_baseline() -> None:
    found = compare(pairs((1.9, 3.8), (2.1, 4.2), (2.0, 4.0)), RATIO)
    assert found is not None
    # every pair is twice as slow, and the baseline's mean is 2 s
    assert found.difference.value == pytest.approx(2.0) and found.difference.low == pytest.approx(2.0)
    assert found.finding is Finding.WORSE


@given(st.lists(st.floats(0.5, 2), min_size=2, max_size=8))
def test_the_margin_of_a_ratio_is_the_same_as_that_of_a_difference(values: list[float]) -> None:
    """All pairs slower by the same factor, just within or just beyond the margin of the baseline's mean."""
    margin, mean = margin_of(RATIO, values), sum(values) / len(values)
    for factor, finding in ((1 + 0.99 * margin / mean, Finding.FINE), (1 + 1.01 * margin / mean, Finding.WORSE)):
        found = compare(pairs(*[(value, value * factor) for value in values]), RATIO)
        assert found is not None and found.finding is finding


def test_a_figure_of_zero_has_no_ratio_and_is_compared_as_a_difference() -> None:
    found = compare(pairs((0.0, 1.0), (0.0, 1.0), (0.0, 1.0)), RATIO)
    assert found is not None and found.finding is Finding.WORSE and found.difference.value == 1.0


def test_one_pair_of_a_ratio_decides_nothing() -> None:
    found = compare(pairs((0.1, 9.0)), RATIO)
    assert found is not None and found.finding is Finding.INCONCLUSIVE and found.difference.high == float("inf")


def test_one_pair_decides_nothing_and_says_what_would() -> None:
    found = compare(pairs((0.1, 9.0)), LATENCY)
    assert found is not None
    assert found.finding is Finding.INCONCLUSIVE
    assert "at least 2 repeats" in found.because


def test_an_inconclusive_comparison_says_how_many_repeats_would_decide() -> None:
    found = compare(pairs((1.0, 1.1), (1.0, 0.9), (1.0, 1.0)), LATENCY)
    assert found is not None and found.finding is Finding.INCONCLUSIVE
    repeats = int(found.because.split()[1])
    # mean 0, standard deviation 0.1, three margins are 0.15: t(3) * 0.1 / sqrt(4) = 0.159, t(4) * 0.1 / sqrt(5) = 0.124
    assert repeats == 5


def test_the_spread_of_the_baseline_widens_the_margin() -> None:
    assert margin_of(LATENCY, [1.0, 1.0, 1.0]) == 0.05
    assert margin_of(LATENCY, [0.8, 1.0, 1.2]) == pytest.approx(0.2)
    assert margin_of(Metric("x", "s", "x", 0.05, relative=0.1), [2.0, 2.0]) == pytest.approx(0.2)


def test_what_only_one_side_has_is_not_compared() -> None:
    assert compare(pairs((None, 1.0), (1.0, None)), LATENCY) is None
    found = compare(pairs((None, 1.0), (1.0, 1.0), (1.0, 1.0)), LATENCY)
    assert found is not None and found.pairs == 2


def test_latency_is_judged_without_faults_and_loss_with_them() -> None:
    figures = [dict.fromkeys((m.name for m in METRICS), 1.0)] * 2
    names = {
        faulty: {c.metric.name for c in compare_all([Pairs("x", faulty, figures, figures)])} for faulty in (True, False)
    }
    assert names[False] == {m.name for m in METRICS if m.where is not Where.FAULT}
    assert names[True] == {m.name for m in METRICS if m.where is not Where.CALM}


def test_conclusions() -> None:
    fine = compare(pairs((1.0, 1.0), (1.0, 1.0)), LATENCY)
    worse = compare(pairs((1.0, 5.0), (1.0, 5.0)), LATENCY)
    unclear = compare(pairs((1.0, 5.0)), LATENCY)
    assert fine and worse and unclear
    assert conclude([fine], []) is Outcome.NO_REGRESSION
    assert conclude([fine, unclear], []) is Outcome.INCONCLUSIVE
    assert conclude([fine, unclear, worse], []) is Outcome.WORSE
    assert conclude([fine], ["a run is void"]) is Outcome.INCONCLUSIVE
    assert conclude([worse], ["a run is void"]) is Outcome.WORSE
    assert conclude([worse], [], same_machine=False) is Outcome.INCONCLUSIVE
    assert conclude([], []) is Outcome.INCONCLUSIVE
