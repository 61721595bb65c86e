"""When traffic counts as good again, and when the error budget is spent."""

from __future__ import annotations

import pytest

from harness.errors import ConfigError
from harness.gameday.traffic import Budget, Traffic, claimed_availability
from harness.load.progress import Progress
from tests.fakes.histories import claim


def seen(due: int, ended: int, good: int) -> Progress:
    return Progress(3.0, {}, 0, None, None, None, 10_000, due, ended, good)


def watched(*looks: tuple[float, int, int, int]) -> Traffic:
    traffic = Traffic()
    for now_s, due, ended, good in looks:
        traffic.note(now_s, seen(due, ended, good))
    return traffic


def test_good_for_the_whole_time_is_quiet() -> None:
    traffic = watched((0, 0, 0, 0), (10, 200, 199, 199), (20, 400, 398, 396))
    assert traffic.quiet(20, 20)
    assert traffic.bad == 2


@pytest.mark.parametrize(
    "last",
    [
        pytest.param((20, 400, 398, 390), id="two in a hundred failed"),
        pytest.param((20, 400, 220, 220), id="most hang"),
        pytest.param((20, 200, 199, 199), id="nothing came"),
    ],
)
def test_otherwise_it_is_not(last: tuple[float, int, int, int]) -> None:
    assert not watched((0, 0, 0, 0), (10, 200, 199, 199), last).quiet(20, 10)


def test_too_short_a_look_or_too_old_a_one_shows_nothing() -> None:
    traffic = watched((5, 0, 0, 0), (10, 200, 199, 199))
    assert not traffic.quiet(10, 6)
    assert not traffic.quiet(14, 5)
    assert not Traffic().quiet(10, 5)


def test_failures_before_the_window_are_forgiven() -> None:
    traffic = watched((0, 0, 0, 0), (10, 200, 200, 0), (20, 400, 400, 200))
    assert traffic.quiet(20, 10) and not traffic.quiet(20, 20)


def test_the_budget_is_what_the_claim_leaves_times_the_burn() -> None:
    budget = Budget(0.99, 36_000, burn=10)
    assert budget.allowed == pytest.approx(3600)
    assert not budget.spent(3600) and budget.spent(3601)
    with pytest.raises(ValueError, match="burn"):
        Budget(0.99, 1, burn=0)


def test_the_budget_is_for_what_is_claimed_for_a_year() -> None:
    yearly = {"check": "availability", "at_most": None, "yearly": True, "undecidable_because": "too short"}
    claims = (claim(**yearly, at_least=0.99), claim(**yearly, at_least=0.995), claim())
    assert claimed_availability(claims) == 0.995
    with pytest.raises(ConfigError, match="CLAIMED"):
        claimed_availability((claim(),))
