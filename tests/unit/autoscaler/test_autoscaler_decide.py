"""Decisions for two zones: bounds, balance, stabilisation, missing metrics, zones that are away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from targets.parts.autoscaler.decide import Decider, Decision, Reason, Seen
from targets.parts.autoscaler.load import Average, Load
from targets.parts.autoscaler.settings import Policy

POLICY = Policy(target=10, minimum=2, maximum=4, stabilise_s=60)
FREE = Policy(target=10, minimum=1, maximum=100, stabilise_s=60)


def zones(a: int, b: int, ready_a: int | None = None, ready_b: int | None = None) -> list[Seen]:
    return [Seen("app-a", a, a if ready_a is None else ready_a), Seen("app-b", b, b if ready_b is None else ready_b)]


def outcome(decisions: list[Decision]) -> list[tuple[int, Reason]]:
    return [(decision.desired, decision.reason) for decision in decisions]


def settled(policy: Policy, services: list[Seen], load: float | None) -> Decider:
    """A decider that has seen these services under that load for longer than any window."""
    decider = Decider(policy)
    for now_s in range(-200, 0, 2):
        decider.decide(now_s, services, Load(load))
    return decider


def test_load_is_spread_evenly_over_the_zones() -> None:
    decisions = Decider(POLICY).decide(0, zones(2, 2), Load(55))
    assert outcome(decisions) == [(3, Reason.ABOVE_TARGET)] * 2
    assert {(d.metric, d.needed, d.direction) for d in decisions} == {(13.75, 3, "up")}


def test_right_as_it_is() -> None:
    assert outcome(Decider(POLICY).decide(0, zones(3, 3), Load(56))) == [(3, Reason.ON_TARGET)] * 2


def test_bounds_hold_and_are_named() -> None:
    assert outcome(Decider(POLICY).decide(0, zones(2, 2), Load(1000))) == [(4, Reason.ABOVE_TARGET)] * 2
    assert outcome(Decider(POLICY).decide(0, zones(4, 4), Load(1000))) == [(4, Reason.AT_MAXIMUM)] * 2
    assert outcome(Decider(POLICY).decide(0, zones(2, 2), Load(0))) == [(2, Reason.AT_MINIMUM)] * 2


def test_bounds_that_somebody_else_broke_are_mended_at_once_and_without_metrics() -> None:
    decisions = Decider(POLICY).decide(0, zones(1, 7), Load(None, complete=False))
    assert outcome(decisions) == [(2, Reason.BELOW_MINIMUM), (4, Reason.ABOVE_MAXIMUM)]


def test_a_start_does_not_scale_down_before_the_window_has_passed() -> None:
    decider = Decider(POLICY)
    for now_s in range(0, 61, 2):
        assert outcome(decider.decide(now_s, zones(4, 4), Load(5))) == [(4, Reason.STABILISING)] * 2
    assert outcome(decider.decide(62, zones(4, 4), Load(5))) == [(2, Reason.BELOW_TARGET)] * 2


def test_a_start_may_scale_up_at_once() -> None:
    assert outcome(Decider(POLICY).decide(0, zones(2, 2), Load(79))) == [(4, Reason.ABOVE_TARGET)] * 2


def test_after_a_peak_what_was_needed_last_is_kept_for_the_window() -> None:
    decider = settled(POLICY, zones(4, 4), 80)
    assert outcome(decider.decide(0, zones(4, 4), Load(55))) == [(4, Reason.STABILISING)] * 2
    for now_s in range(2, 58, 2):
        decider.decide(now_s, zones(4, 4), Load(5))
    assert outcome(decider.decide(59, zones(4, 4), Load(5))) == [(3, Reason.BELOW_TARGET)] * 2
    assert outcome(decider.decide(61, zones(3, 3), Load(5))) == [(2, Reason.BELOW_TARGET)] * 2


def test_without_metrics_nothing_changes_and_the_window_begins_anew() -> None:
    decider = settled(POLICY, zones(4, 4), None)
    assert outcome(decider.decide(0, zones(4, 4), Load(None, complete=False))) == [(4, Reason.NO_METRICS)] * 2
    assert outcome(decider.decide(2, zones(4, 4), Load(5))) == [(4, Reason.STABILISING)] * 2


def test_part_of_the_metrics_may_scale_up_and_never_down() -> None:
    decider = settled(POLICY, zones(3, 3), 5)
    part = [(3, Reason.PARTIAL_METRICS)] * 2
    assert outcome(decider.decide(0, zones(3, 3), Load(5, complete=False))) == part
    assert outcome(decider.decide(2, zones(3, 3), Load(75, complete=False))) == [(4, Reason.ABOVE_TARGET)] * 2


def test_a_zone_that_is_away_is_left_alone_and_the_other_takes_all_of_the_load() -> None:
    decider = settled(POLICY, zones(2, 2), 38)
    away = zones(2, 2, ready_a=0)
    decisions = decider.decide(0, away, Load(38))
    assert outcome(decisions) == [(2, Reason.NO_READY_REPLICA), (4, Reason.ABOVE_TARGET)]
    assert [d.metric for d in decisions] == [None, 19]


def test_a_zone_that_is_away_is_left_alone_even_out_of_bounds() -> None:
    assert outcome(Decider(POLICY).decide(0, zones(9, 2, ready_a=0), Load(10)))[0] == (9, Reason.NO_READY_REPLICA)


def test_a_zone_that_is_back_shares_again_and_the_surplus_goes_a_window_later() -> None:
    decider = settled(POLICY, zones(2, 4, ready_a=0), 38)
    back = zones(2, 4)
    assert outcome(decider.decide(0, back, Load(38))) == [(2, Reason.ON_TARGET), (4, Reason.STABILISING)]
    for now_s in range(2, 58, 2):
        decider.decide(now_s, back, Load(38))
    assert outcome(decider.decide(60, back, Load(38))) == [(2, Reason.ON_TARGET), (2, Reason.BELOW_TARGET)]


def test_zones_of_different_size_are_brought_together() -> None:
    decider = settled(POLICY, zones(2, 4), 60)
    assert outcome(decider.decide(0, zones(2, 4), Load(60))) == [(3, Reason.BALANCING)] * 2


def test_everything_away_changes_nothing() -> None:
    decisions = Decider(POLICY).decide(0, zones(2, 2, 0, 0), Load(50))
    assert outcome(decisions) == [(2, Reason.NO_READY_REPLICA)] * 2


def test_a_service_that_was_set_to_nothing_is_not_touched() -> None:
    assert outcome(Decider(POLICY).decide(0, zones(0, 2), Load(70))) == [(0, Reason.DISABLED), (4, Reason.ABOVE_TARGET)]


def test_growth_is_limited_to_double_in_a_period() -> None:
    decider = Decider(FREE)
    decisions = decider.decide(0, zones(2, 2), Load(1000))
    assert outcome(decisions) == [(4, Reason.ABOVE_TARGET)] * 2
    for decision in decisions:
        decider.scaled(0, decision)
    assert outcome(decider.decide(2, zones(4, 4), Load(1000))) == [(4, Reason.LIMITED)] * 2
    assert outcome(decider.decide(16, zones(4, 4), Load(1000))) == [(8, Reason.ABOVE_TARGET)] * 2


def test_an_order_that_failed_does_not_use_up_the_limit() -> None:
    decider = Decider(FREE)
    decider.decide(0, zones(2, 2), Load(1000))
    assert outcome(decider.decide(2, zones(2, 2), Load(1000))) == [(4, Reason.ABOVE_TARGET)] * 2


COUNT = st.integers(0, 6)
ROUND = st.tuples(st.one_of(st.none(), st.floats(0, 500)), st.booleans(), COUNT, COUNT, st.floats(0.1, 40))


@given(st.lists(ROUND, max_size=40))
def test_whatever_happens(rounds: list[tuple[float | None, bool, int, int, float]]) -> None:
    """The order is within bounds or untouched, never from nothing, and down only on complete metrics."""
    decider, now_s, replicas = Decider(POLICY), 0.0, [2, 3]
    for in_flight, complete, ready_a, ready_b, gap_s in rounds:
        now_s += gap_s
        load = Load(in_flight, complete and in_flight is not None)
        a, b = replicas
        seen = zones(a, b, min(ready_a, a), min(ready_b, b))
        decisions = decider.decide(now_s, seen, load)
        for one, decision in zip(seen, decisions, strict=True):
            assert 2 <= decision.desired <= 4
            if decision.direction != "none":
                assert one.ready > 0
                assert in_flight is not None
            if decision.direction == "down":
                assert load.complete
                assert now_s > POLICY.stabilise_s
            decider.scaled(now_s, decision)
        replicas = [decision.desired for decision in decisions]


def test_the_load_is_the_mean_of_the_last_looks() -> None:
    average = Average(6)
    assert average.add(0, Load(10)) == Load(10)
    assert average.add(2, Load(20)) == Load(15)
    assert average.add(4, Load(30)) == Load(20)
    assert average.add(6, Load(40)) == Load(30)


def test_the_mean_is_complete_when_every_look_was() -> None:
    average = Average(6)
    average.add(0, Load(10, complete=False))
    assert average.add(2, Load(20)) == Load(15, complete=False)
    assert average.add(6, Load(20)) == Load(20)


def test_seeing_nothing_now_is_not_made_up_for_by_the_past() -> None:
    average = Average(6)
    average.add(0, Load(10))
    assert average.add(2, Load(None, complete=False)) == Load(None, complete=False)
    assert average.add(4, Load(20)) == Load(15)
