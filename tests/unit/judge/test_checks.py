"""Each check against histories whose truth is known."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from harness.checks import CHECKS
from harness.checks.base import ALL_KINDS, Question, Threshold, scheduled
from harness.history import Durability, History, Kind, Outcome
from harness.verdict import Measurement, Verdict
from tests.fakes.histories import Hang, Trouble, fault, history


def ask(name: str, *histories: History, **question: object) -> Measurement:
    check = CHECKS[name]
    given = question.pop("parameters", {})
    defaults = {word: parameter.default for word, parameter in check.parameters.items()}
    return check.measure(histories, Question(parameters={**defaults, **given}, **question))  # type: ignore[arg-type,dict-item]


def only(measurement: Measurement) -> tuple[float, float, float]:
    assert measurement.value is not None
    assert measurement.low is not None
    assert measurement.high is not None
    return measurement.value, measurement.low, measurement.high


@pytest.mark.parametrize(
    ("threshold", "low", "high", "verdict"),
    [
        (Threshold(at_least=0.95), 0.95, 1.0, Verdict.HELD),
        (Threshold(at_least=0.95), 0.94, 1.0, Verdict.INCONCLUSIVE),
        (Threshold(at_least=0.95), 0.2, 0.9499, Verdict.REFUTED),
        (Threshold(at_least=0.95), 0.2, 0.95, Verdict.INCONCLUSIVE),
        (Threshold(at_most=5), 1.0, 5.0, Verdict.HELD),
        (Threshold(at_most=5), 4.0, math.inf, Verdict.INCONCLUSIVE),
        (Threshold(at_most=5), math.inf, math.inf, Verdict.REFUTED),
    ],
)
def test_a_threshold_decides_only_by_the_whole_interval(
    threshold: Threshold, low: float, high: float, verdict: Verdict
) -> None:
    assert threshold.decide(low, high) is verdict


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_a_threshold_is_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either"):
        Threshold(**bounds)


def test_availability_divides_by_what_was_scheduled() -> None:
    run = history(Trouble(10, 20, Outcome.UNSENT))
    truth = np.mean((run.counted().due_s < 10) | (run.counted().due_s >= 20))
    measured = ask("availability", run)
    assert measured.value == pytest.approx(truth)
    assert measured.count == 760


def test_warm_up_and_rate_limited_arrivals_do_not_count() -> None:
    warm, limited = history(Trouble(-3, 0)), history(Trouble(10, 20, Outcome.LIMITED))
    assert ask("availability", warm).value == 1.0
    measured = ask("availability", limited)
    assert measured.value == 1.0
    assert measured.count == 760 - int(np.count_nonzero(limited.counted().outcome == "limited"))


def test_an_answer_after_the_deadline_is_not_good() -> None:
    assert ask("availability", history(Trouble(0, 38, Outcome.OK, after_s=10.5))).value == 0.0


def test_availability_looks_only_at_the_kinds_asked_for() -> None:
    run = history(Trouble(0, 38, kinds=(Kind.READ,)))
    assert ask("availability", run, kinds=frozenset({"chat", "stream"})).value == 1.0
    assert ask("availability", run, kinds=frozenset({"read"})).value == 0.0


def test_repeats_that_differ_widen_the_interval_beyond_wilson() -> None:
    fine, poor = history(repeat=1), history(Trouble(5, 25), repeat=2)
    _, low, high = only(ask("availability", fine, poor))
    assert low < 0.3
    assert high > 0.95


def test_repeats_that_do_not_decide_say_how_many_more_would() -> None:
    runs = [history(Trouble(5, 6 + k), repeat=k) for k in (1, 2, 3)]
    measured = ask("availability", *runs, threshold=Threshold(at_least=0.93))
    assert measured.low is not None and measured.low < 0.93
    assert re.search(r"About \d+ more runs like these would decide", measured.because)


def test_of_no_arrivals_nothing_is_measured() -> None:
    run = history(Trouble(0, 38, Outcome.LIMITED))
    for name in ("availability", "latency"):
        measured = ask(name, run)
        assert measured.value is None
        assert measured.because


def test_an_undecided_share_says_how_many_more_would_decide() -> None:
    run = history(Trouble(0, 38, share=0.02), rate=2, duration_s=30)
    measured = ask("availability", run, threshold=Threshold(at_least=0.95))
    assert "more arrivals like these would decide" in measured.because
    short = history(rate=1, duration_s=20)
    measured = ask("availability", short, threshold=Threshold(at_least=0.95))
    assert "takes 59" in measured.because
    assert "About 53 more" in measured.because  # 73 without a failure bring Wilson's lower bound to 95 %


def test_latency_is_counted_from_the_due_time() -> None:
    run = history(latency_s=2.0, spread=0.0)
    late = replace(run, arrivals=replace(run.arrivals, sent_s=run.arrivals.due_s + 1.5))
    assert only(ask("latency", late)) == pytest.approx((2.0, 2.0, 2.0))


def test_failing_fast_is_slower_than_any_bound() -> None:
    run = history(Trouble(0, 38, share=0.1, after_s=0.001))
    assert ask("latency", run).value == math.inf
    assert ask("latency", run, parameters={"percentile": 50.0}).value == pytest.approx(0.64, rel=0.1)


def test_a_few_arrivals_do_not_decide_a_latency() -> None:
    threshold = Threshold(at_most=5)
    measured = ask("latency", history(rate=1, duration_s=40), threshold=threshold)
    assert threshold.decide(*only(measured)[1:]) is Verdict.INCONCLUSIVE
    assert "About 32 more arrivals" in measured.because  # 72 are needed for an upper bound


def test_failing_fast_while_the_fault_is_on_is_all_bad() -> None:
    run = history(Trouble(8, 20), faults=[fault()])
    value, low, high = only(ask("availability_under_fault", run))
    assert (value, low) == (0.0, 0.0)
    assert high < 0.03


def test_hanging_until_the_fault_ends_is_not_availability_while_it_was_on() -> None:
    run = history(Hang(8, 20), faults=[fault()])
    due = (run.arrivals.due_s >= 8) & (run.arrivals.due_s < 20)
    assert np.mean(run.arrivals.good(10)[due]) > 0.7  # so many were answered, once it was over
    measured = ask("availability_under_fault", run)
    assert measured.value == 0.0
    assert "being still open then" in measured.because


def test_a_target_that_is_only_slow_is_available_while_the_fault_is_on() -> None:
    run = history(Trouble(8, 20, Outcome.OK, after_s=4.0), faults=[fault()])
    value, low, _ = only(ask("availability_under_fault", run))
    assert value == 1.0
    assert low > 0.96


def test_half_hanging_half_quick_is_half_available() -> None:
    run = history(Hang(8, 20, share=0.5), faults=[fault()])
    assert ask("availability_under_fault", run).value == pytest.approx(0.5, abs=0.08)


def test_a_fault_without_effect_leaves_all_available() -> None:
    value, low, high = only(ask("availability_under_fault", history(faults=[fault()])))
    assert (value, high) == (1.0, 1.0)
    assert low > 0.97


def test_a_fault_shorter_than_what_it_delays_measures_nothing() -> None:
    run = history(Hang(8, 14), faults=[fault(off_s=14)])
    measured = ask("availability_under_fault", run)
    assert measured.value is None
    assert "longer than the deadline" in measured.because


def test_what_nobody_followed_to_its_end_widens_the_interval() -> None:
    mixed = history(Hang(8, 14, share=0.5), faults=[fault(off_s=14)])
    value, low, high = only(ask("availability_under_fault", mixed))
    assert value == pytest.approx(0.5, abs=0.12)
    assert low < 0.5
    assert high == 1.0


def test_without_censoring_it_is_plainly_good_over_scheduled() -> None:
    run = history(Trouble(8, 20.5, share=0.3), faults=[fault()], latency_s=0.0001)
    arrivals = scheduled(run, ALL_KINDS)
    due = (arrivals.due_s >= 8) & (arrivals.due_s < 19.9)
    plain = np.mean(arrivals.good(10)[due])
    assert ask("availability_under_fault", run).value == pytest.approx(plain, abs=0.01)


def test_under_fault_counts_each_fault_of_each_run() -> None:
    runs = [history(Trouble(8, 20), faults=[fault()], repeat=1), history(faults=[fault()], repeat=2)]
    value, low, high = only(ask("availability_under_fault", *runs))
    assert value == pytest.approx(0.5, abs=0.05)
    assert low < 0.01
    assert high > 0.99


def test_a_receipt_without_times_gives_no_window() -> None:
    measured = ask("availability_under_fault", history(faults=[fault(on_s=None)]))
    assert measured.value is None


def test_contents_kept_is_what_was_counted_before_and_after() -> None:
    run = history(faults=[fault(contents_before=200, contents_after=4)])
    value, _, high = only(ask("contents_kept", run))
    assert value == 0.02
    assert high < 0.06


def test_more_contents_after_than_before_are_all_kept() -> None:
    assert ask("contents_kept", history(faults=[fault(contents_before=50, contents_after=80)])).value == 1.0


@pytest.mark.parametrize("delivered", [{}, {"contents_before": 0, "contents_after": 0}, {"contents_before": 9}])
def test_contents_that_were_not_counted_measure_nothing(delivered: dict[str, int]) -> None:
    measured = ask("contents_kept", history(faults=[fault(**delivered)]))
    assert measured.value is None
    assert measured.because


def test_users_served_is_their_share_of_the_arrivals() -> None:
    run = history(Trouble(0, 38, share=0.2), users=100, think_s=10.0)
    assert ask("users_served", run).value == pytest.approx(80, abs=4)


def test_users_who_wait_too_long_are_not_served() -> None:
    run = history(Trouble(0, 19, Outcome.OK, after_s=6.0), users=100, think_s=10.0)
    assert ask("users_served", run).value == 100.0
    assert ask("users_served", run, parameters={"within_s": 5.0}).value == pytest.approx(50, abs=6)


def test_a_plain_rate_stands_for_no_users() -> None:
    assert ask("users_served", history()).value is None


@pytest.mark.parametrize(("audit", "value"), [(Durability(500, 0, 0, 0, 0), 1.0), (Durability(500, 50, 0, 0, 0), 0.9)])
def test_durability_is_what_was_found_again(audit: Durability, value: float) -> None:
    assert ask("durability", history(durability=audit)).value == value


def test_messages_that_could_not_be_looked_for_are_neither_kept_nor_lost() -> None:
    value, low, high = only(ask("durability", history(durability=Durability(500, 0, 0, 0, 100))))
    assert value == 1.0
    assert low < 0.84
    assert high == 1.0
    assert ask("durability", history(durability=Durability(5, 0, 0, 0, 5))).value is None
    assert ask("durability", history(durability=None)).value is None


def test_recovery_is_the_median_over_faults_and_repeats() -> None:
    runs = [history(Trouble(8, 20 + k), faults=[fault()], repeat=k) for k in range(1, 8)]
    value, low, high = only(ask("recovery", *runs))
    assert value == pytest.approx(4, abs=0.5)
    assert 1 <= low <= value <= high <= 8


def test_one_recovery_is_no_distribution() -> None:
    measured = ask("recovery", history(Trouble(8, 22), faults=[fault()]), threshold=Threshold(at_most=5))
    assert measured.value == pytest.approx(2, abs=0.5)
    assert measured.high == math.inf
    assert "at least six" in measured.because


def test_a_target_that_never_recovers_is_censored_and_not_left_out() -> None:
    runs = [history(Trouble(8, 38), faults=[fault()], repeat=k) for k in range(1, 8)]
    measured = ask("recovery", *runs)
    assert measured.value == math.inf
    assert measured.count == 7
    assert "Not recovered while watched: 7 faults" in measured.because
