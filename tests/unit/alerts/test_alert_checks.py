"""Alerts as claims: the right one, how soon, before or after harm, resolved or not, and what a blind run may say."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.alerts import Alert, Listening
from harness.checks import CHECKS
from harness.checks.alerts import alert_delay, alert_lead, alert_resolved, alerts_fired, fired, incidents
from harness.checks.base import Question
from harness.claims import Claim
from harness.history import History
from harness.judge import judge_claim
from harness.verdict import Verdict
from tests.fakes.histories import Trouble, claim, fault, history

ASKED = Question()
DOWN = "DatabaseDown"


def alert(received_s: float, resolved_s: float | None = 30.0, name: str = DOWN, **labels: str) -> Alert:
    return Alert(name, "page", labels, received_s - 1.0, received_s, resolved_s)


def run(*alerts: Alert, harm: bool = True, heard_s: float = 45.0, **changes: Any) -> History:
    """A run whose database is away from 8 to 20 s, and users harmed from 8 s on, or not at all."""
    troubles = [Trouble(8, 21)] if harm else []
    given: dict[str, Any] = {
        "faults": [fault()],
        "alerts": list(alerts),
        "listening": Listening(heard_s),
        "alerts_expected": [DOWN, "DatabaseSlow"],
        "experiment": "database_crash",
    }
    return history(*troubles, **{**given, **changes})


def blind(**changes: Any) -> History:
    return run(alerts=None, listening=Listening(None, [], "crash was aimed at it"), **changes)


def judged(*runs: History, check: str, **changes: Any) -> tuple[Verdict, str]:
    found = judge_claim(claim(**{"check": check, "at_most": None, **changes}), runs)
    return found.verdict, found.because


def test_delay_is_from_the_faults_start_to_the_first_expected_alert() -> None:
    found = alert_delay([run(alert(9.0, name="SomethingElse"), alert(14.5), alert(16.0, name="DatabaseSlow"))], ASKED)
    assert (found.value, found.low, found.high, found.count, found.of, found.unit) == (
        6.5,
        6.5,
        6.5,
        1,
        "incidents",
        "s",
    )


def test_of_several_runs_the_longest_delay_counts() -> None:
    found = alert_delay([run(alert(14.5)), run(alert(20.0), repeat=2), run(alert(11.0), repeat=3)], ASKED)
    assert (found.value, found.low, found.count) == (12.0, 12.0, 3)


def test_an_alert_that_never_comes_refutes_and_is_not_left_out() -> None:
    never = run()
    assert judged(run(alert(10.0)), never, check="alert_delay", at_most=30.0)[0] is Verdict.REFUTED
    verdict, because = judged(never, check="alert_delay", at_most=30.0)
    assert verdict is Verdict.REFUTED
    assert "No expected alert came while it was watched: 1 incident." in because


def test_one_that_was_not_watched_for_long_enough_decides_nothing() -> None:
    # It was watched for 37 s: that it takes more than 60 s was not seen.
    assert judged(run(), check="alert_delay", at_most=60.0)[0] is Verdict.INCONCLUSIVE
    assert judged(run(alert(10.0)), run(repeat=2), check="alert_delay", at_most=60.0)[0] is Verdict.INCONCLUSIVE


def test_in_time_holds() -> None:
    assert judged(run(alert(14.5)), check="alert_delay", at_most=30.0)[0] is Verdict.HELD
    assert judged(run(alert(14.5)), run(alert(39.0), repeat=2), check="alert_delay", at_most=30.0)[0] is Verdict.REFUTED


def test_what_came_before_the_fault_is_not_its_alert() -> None:
    found = alert_delay([run(alert(3.0, resolved_s=5.0), alert(12.0))], ASKED)
    assert found.value == 4.0


def test_an_incident_during_which_the_alert_was_firing_already_can_say_nothing() -> None:
    for before in (run(alert(3.0)), run(alert(3.0, resolved_s=None)), run(listening=Listening(45.0, [DOWN]))):
        assert incidents(before) == []
        found = alert_delay([before], ASKED)
        assert found.value is None and "was firing before" in found.because
    assert len(incidents(run(alert(3.0), alert(12.0, name="DatabaseSlow")))) == 1


@pytest.mark.parametrize("measure", [alerts_fired, alert_delay, alert_lead, alert_resolved])
def test_a_blind_run_says_nothing(measure: Any) -> None:
    found = measure([blind()], ASKED)
    assert found.value is None
    assert "crash was aimed at it" in found.because and "database_crash-1" in found.because


@pytest.mark.parametrize("name", ["alerts_fired", "alert_delay", "alert_lead", "alert_resolved"])
def test_a_target_without_a_pager_wins_no_verdict(name: str) -> None:
    silent = run(alerts=None, listening=None)
    verdict, because = judged(silent, check=name, **({"at_least": 0.0} if name == "alert_lead" else {"at_most": 99.0}))
    assert verdict is Verdict.INCONCLUSIVE
    assert "the target has no pager" in because and ".." not in because


def test_a_blind_run_beside_others_is_named_and_left_out() -> None:
    found = alert_delay([run(alert(14.5)), blind(repeat=2)], ASKED)
    assert (found.value, found.count) == (6.5, 1)
    assert "Blind, and of no account here: database_crash-2" in found.because


def test_lead_is_negative_when_users_were_first() -> None:
    found = alert_lead([run(alert(14.5))], ASKED)
    assert found.value == pytest.approx(-6.4, abs=0.2)
    assert judged(run(alert(14.5)), check="alert_lead", at_least=0.0)[0] is Verdict.REFUTED


def test_lead_is_positive_when_the_alert_was_first() -> None:
    late_harm = history(
        Trouble(17, 21),
        experiment="database_crash",
        faults=[fault()],
        alerts=[alert(10.0)],
        listening=Listening(45.0),
        alerts_expected=[DOWN],
    )
    found = alert_lead([late_harm], ASKED)
    assert found.value == pytest.approx(7.0, abs=0.2)
    assert found.low == found.value == found.high


def test_without_harm_the_lead_is_censored_in_favour_of_the_alert() -> None:
    found = alert_lead([run(alert(10.0), harm=False)], ASKED)
    assert (found.value, found.low, found.high) == (math.inf, 35.0, math.inf)
    assert "No user was harmed" in found.because
    assert judged(run(alert(10.0), harm=False), check="alert_lead", at_least=5.0)[0] is Verdict.HELD
    assert judged(run(alert(10.0), harm=False), check="alert_lead", at_least=60.0)[0] is Verdict.INCONCLUSIVE


def test_harm_without_an_alert_refutes_any_lead() -> None:
    found = alert_lead([run()], ASKED)
    assert found.value == found.low == -math.inf
    assert found.high is not None and found.high < -30
    assert judged(run(alert(10.0), harm=False), run(repeat=2), check="alert_lead", at_least=0.0)[0] is Verdict.REFUTED


def test_neither_harm_nor_alert_is_neither_good_nor_bad() -> None:
    found = alert_lead([run(harm=False)], ASKED)
    assert found.value is None and "Neither a harmed user nor an expected alert" in found.because


def test_of_several_the_shortest_lead_counts() -> None:
    found = alert_lead([run(alert(10.0), harm=False), run(alert(14.5), repeat=2)], ASKED)
    assert found.value == pytest.approx(-6.4, abs=0.2)


def test_resolved_counts_from_the_faults_end_for_every_alert_of_it() -> None:
    found = alert_resolved([run(alert(10.0, 22.0), alert(11.0, 27.5, name="SomethingElse"))], ASKED)
    assert (found.value, found.low, found.high) == (7.5, 7.5, 7.5)
    assert alert_resolved([run(alert(10.0, 15.0))], ASKED).value == 0.0, "before the end is at once"


def test_one_that_fires_on_is_censored() -> None:
    found = alert_resolved([run(alert(10.0, None))], ASKED)
    assert (found.value, found.low, found.high) == (math.inf, 25.0, math.inf)
    assert judged(run(alert(10.0, None)), check="alert_resolved", at_most=20.0)[0] is Verdict.REFUTED
    assert judged(run(alert(10.0, None)), check="alert_resolved", at_most=40.0)[0] is Verdict.INCONCLUSIVE


def test_nothing_fired_is_nothing_resolved() -> None:
    found = alert_resolved([run()], ASKED)
    assert found.value is None and "no alert fired" in found.because


def test_different_alerts_are_counted_by_name_and_labels_and_each_once() -> None:
    seen = run(alert(9.0, zone="a"), alert(9.5, zone="b"), alert(20.0, zone="a"), alert(21.0, name="Slow"))
    assert len(fired(seen)) == 3
    found = alerts_fired([run(repeat=2), seen], ASKED)
    assert (found.value, found.count, found.of, found.unit) == (3.0, 2, "runs", "alerts")
    assert found.because == "Fired: DatabaseDown, Slow."


def test_a_quiet_control_holds_and_a_single_alert_in_one_of_them_refutes() -> None:
    quiet = {"experiment": "control", "faults": [], "alerts_expected": []}
    claimed = {"check": "alerts_fired", "experiment": "control", "at_most": 0.0}
    assert judged(run(**quiet), run(repeat=2, **quiet), **claimed)[0] is Verdict.HELD
    assert judged(run(**quiet), run(alert(9.0), repeat=2, **quiet), **claimed)[0] is Verdict.REFUTED


def test_faults_that_overlap_are_one_incident_and_others_are_not() -> None:
    faults = [fault(4.0, 10.0), fault(8.0, 12.0), fault(20.0, 25.0)]
    found = incidents(run(alert(11.0, 15.0), alert(22.0, 26.0), faults=faults))
    assert [(each.faults, each.on_s, each.off_s, each.until_s) for each in found] == [
        ((0, 1), 4.0, 12.0, 20.0),
        ((2,), 20.0, 25.0, 45.0),
    ]
    assert [each.delay_s for each in found] == [7.0, 2.0]


def test_an_experiment_of_which_no_alert_is_expected_says_so() -> None:
    found = alert_delay([run(alert(10.0), alerts_expected=[])], ASKED)
    assert found.value is None and "expects no alert" in found.because


def test_a_fault_without_times_has_no_incident() -> None:
    assert incidents(run(alert(10.0), faults=[fault(on_s=None)])) == []


def test_claims_know_the_checks() -> None:
    for name in ("alerts_fired", "alert_delay", "alert_lead", "alert_resolved"):
        assert name in CHECKS
        assert isinstance(claim(check=name), Claim)


def test_a_run_in_which_nobody_would_have_been_called_is_no_quiet_one() -> None:
    deaf = run(experiment="control", faults=[], listening=Listening(45.0, silent=[(5.0, 44.0)]))
    verdict, because = judged(deaf, check="alerts_fired", experiment="control", at_most=0.0)
    assert verdict is Verdict.INCONCLUSIVE and "silent for a while" in because
    assert alert_delay([run(listening=Listening(45.0, silent=[(8.0, 44.0)]))], ASKED).value == math.inf, "a finding"
