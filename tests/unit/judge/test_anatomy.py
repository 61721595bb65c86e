"""The anatomy of a fault, read from runs whose outages were written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.checks.anatomy import Anatomy, anatomies, works_from
from harness.history import Outcome
from tests.fakes.histories import Hang, Trouble, fault, history


def anatomy(*troubles: Trouble, on_s: float = 8.0, off_s: float = 20.0, rate: float = 20.0) -> Anatomy:
    found = anatomies(history(*troubles, faults=[fault(on_s, off_s)], rate=rate))[0]
    assert found is not None
    return found


def test_an_outage_as_long_as_the_fault_and_two_seconds_more() -> None:
    seen = anatomy(Trouble(8, 22))
    assert seen.first_harm_s == pytest.approx(0.0, abs=0.3)
    assert seen.mitigated_after_s is None
    assert seen.recovered_after_s == pytest.approx(2.0, abs=0.3)
    assert seen.lost_s == pytest.approx(14.0, abs=1.5)
    assert seen.degraded_share == 1.0
    assert seen.watched_s == 18.0


def test_without_harm_all_figures_are_zero() -> None:
    seen = anatomy()
    assert replace(seen, lasting=(0, 0)) == Anatomy(None, 0.0, 0.0, 0.0, 0.0, 18.0)
    assert seen.lasting[0] == 0 < seen.lasting[1]


def test_a_fail_over_mitigates_while_the_fault_is_on() -> None:
    seen = anatomy(Trouble(8, 12))
    assert seen.mitigated_after_s == pytest.approx(4.0, abs=0.3)
    assert seen.recovered_after_s == 0.0
    assert seen.lost_s == pytest.approx(4.0, abs=0.8)
    assert seen.degraded_share == 0.0
    assert seen.lasting[0] == 0
    assert seen.lasting[1] == pytest.approx(8 * 20, rel=0.1)  # from the mitigation on


def test_arrivals_that_only_hang_until_the_end_do_not_look_like_mitigation() -> None:
    seen = anatomy(Hang(8, 20))
    assert seen.first_harm_s == pytest.approx(0.0, abs=0.3)  # those due 10 s and more before the end met their deadline
    assert seen.mitigated_after_s is None
    assert seen.degraded_share == 1.0
    assert seen.recovered_after_s == 0.0


def test_slow_but_right_answers_after_a_fail_over_are_mitigation() -> None:
    seen = anatomy(Trouble(8, 11), Trouble(11, 20, Outcome.OK, after_s=3.0))
    assert seen.mitigated_after_s == pytest.approx(3.0, abs=0.3)


def test_not_recovered_within_the_run_is_censored() -> None:
    seen = anatomy(Trouble(8, 38))
    assert seen.recovered_after_s is None
    assert seen.watched_s == 18.0
    assert seen.lost_s == pytest.approx(30.0, abs=2.5)


def test_working_again_only_in_the_last_half_second_shows_nothing() -> None:
    assert anatomy(Trouble(8, 37.5)).recovered_after_s is None


def test_one_stray_failure_is_no_relapse() -> None:
    run = history(Trouble(8, 20), faults=[fault()])
    index = int(np.searchsorted(run.arrivals.due_s, 30.0))
    run.arrivals.outcome[index] = Outcome.RESET.value
    seen = anatomies(run)[0]
    assert seen is not None
    assert seen.recovered_after_s == pytest.approx(0.0, abs=0.2)


def test_a_relapse_counts_as_not_yet_recovered() -> None:
    seen = anatomy(Trouble(8, 20), Trouble(26, 29))
    assert seen.recovered_after_s == pytest.approx(9.0, abs=0.3)
    assert seen.lost_s == pytest.approx(15.0, abs=1.5)


def test_what_was_under_way_when_the_fault_struck_is_lost_too() -> None:
    seen = anatomy(Trouble(7.6, 8.0, Outcome.RESET, after_s=0.5), on_s=8.0)
    assert seen.first_harm_s == 0.0
    assert seen.lost_s > 0
    assert seen.recovered_after_s == 0.0


def test_what_failed_before_the_fault_is_not_its_harm() -> None:
    assert anatomy(Trouble(5, 7)).first_harm_s is None


def test_a_partial_fault_shows_as_degraded_share() -> None:
    seen = anatomy(Trouble(8, 20, share=0.4))
    assert seen.degraded_share == pytest.approx(0.4, abs=0.12)
    assert seen.lost_s == pytest.approx(0.4 * 12, abs=1.2)


def test_at_a_low_rate_ten_arrivals_are_the_window() -> None:
    seen = anatomy(Trouble(8, 20), rate=2.0)
    assert seen.recovered_after_s == pytest.approx(0.0, abs=2.5)


def test_each_fault_is_seen_up_to_the_next() -> None:
    run = history(
        Trouble(5, 9), Trouble(20, 26), faults=[fault(5, 9, planned_off_s=9), fault(20, 26, planned_off_s=26)]
    )
    first, second = anatomies(run)
    assert first is not None
    assert second is not None
    assert first.lost_s == pytest.approx(4.0, abs=0.9)
    assert second.lost_s == pytest.approx(6.0, abs=0.9)
    assert first.watched_s == 11.0


def test_a_fault_without_times_has_no_anatomy() -> None:
    assert anatomies(history(faults=[fault(on_s=None), fault(off_s=None)])) == [None, None]


def test_a_fault_left_to_the_target_lasts_until_the_run_ends() -> None:
    seen = anatomies(history(Trouble(8, 14), faults=[fault(off_s=None, planned_off_s=None)]))[0]
    assert seen is not None
    assert seen.mitigated_after_s == pytest.approx(6.0, abs=0.3)
    assert seen.recovered_after_s is None
    assert seen.watched_s == 0.0


def test_works_from_needs_one_full_window() -> None:
    due = np.arange(0, 10, 0.1)
    good = due >= 6
    assert works_from(due, good, 0, 10) == pytest.approx(6.0)
    assert works_from(due, good, 6.5, 10) == 6.5
    assert works_from(due, good, 9.5, 10) is None
    assert works_from(due, np.zeros(100, dtype=np.bool_), 0, 10) is None


def test_what_still_hangs_when_the_next_fault_strikes_is_not_lost_twice() -> None:
    told = history(
        Trouble(8, 9, Outcome.DEADLINE, after_s=10.0), faults=[fault(8.0, 9.0), fault(12.0, 13.0)], rate=20.0
    )
    first, second = anatomies(told)
    assert first is not None and second is not None
    assert first.lost_s == pytest.approx(1.0, abs=0.3)
    assert second.lost_s == 0.0 and second.first_harm_s is None
