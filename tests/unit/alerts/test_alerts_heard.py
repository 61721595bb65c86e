"""From what a pager was told to the alerts of a run, and what a run may say when nobody listened."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.alerts import Alert, Listening, Notifications, alerts_in, silences
from harness.clock import RunClock
from harness.faults.crash import Crash
from harness.faults.link_down import LinkDown
from harness.paging import PATIENCE_S, Heard, blinding, hear_out
from tests.fakes.pager import FakePager, told, webhook
from tests.unit.engine.projects import link, target

T0 = 1_000_000.0  # run time 0 in s since 1970, by the pager's clock


def listen(*notifications: dict[str, Any], carried: Any = ()) -> list[Alert]:
    heard = Notifications.model_validate({"now": T0 + 100, "notifications": list(notifications)})
    return alerts_in(heard, lambda moment: moment - T0, carried)


class Clock(RunClock):
    """A run clock that stands still until the pager's time passes."""

    def __init__(self, pager: FakePager, ahead_s: float = 0.0) -> None:
        super().__init__(0.0, 0.0)
        object.__setattr__(self, "_pager", pager)
        object.__setattr__(self, "_ahead_s", ahead_s)

    def now(self) -> float:
        pager: FakePager = self._pager  # type: ignore[attr-defined]
        ahead_s: float = self._ahead_s  # type: ignore[attr-defined]
        return pager.now - T0 + ahead_s


def hear(pager: FakePager, *, struck: bool = True, blind: str = "") -> Heard:
    return hear_out([pager], Clock(pager), struck=struck, blind=blind, pause=pager.pass_time)


def test_an_alert_has_its_start_its_receipt_and_its_end() -> None:
    (alert,) = listen(
        webhook(T0 + 13.5, told("AppReplicaDown", starts=T0 + 12.25, component="app-a", zone="a")),
        webhook(T0 + 20, told("AppReplicaDown", starts=T0 + 12.25, component="app-a", zone="a")),
        webhook(T0 + 31, told("AppReplicaDown", "resolved", starts=T0 + 12.25, component="app-a", zone="a")),
    )
    assert alert == Alert("AppReplicaDown", "page", {"component": "app-a", "zone": "a"}, 12.25, 13.5, 31.0)


def test_an_instance_that_fires_again_is_another_one() -> None:
    found = listen(
        webhook(T0 + 3, told("Slow", starts=T0 + 2)),
        webhook(T0 + 9, told("Slow", "resolved", starts=T0 + 2)),
        webhook(T0 + 15, told("Slow", starts=T0 + 14)),
    )
    assert [(a.starts_s, a.received_s, a.resolved_s) for a in found] == [(2, 3, 9), (14, 15, None)]
    assert found[0].which == found[1].which


def test_the_end_of_an_alert_that_began_before_the_run_is_none_of_the_run() -> None:
    assert listen(webhook(T0 + 1, told("Slow", "resolved", starts=T0 - 40))) == []


def test_an_alert_that_was_firing_before_the_run_is_left_out_even_when_it_is_told_again() -> None:
    before = Notifications.model_validate(
        {"now": T0, "notifications": [webhook(T0 - 30, told("Slow", starts=T0 - 40))]}
    ).firing()
    again = webhook(T0 + 5, told("Slow", starts=T0 - 40), told("Down", starts=T0 + 4))
    assert [alert.name for alert in listen(again, carried=before)] == ["Down"]


def test_notifications_count_in_the_order_of_receipt_whatever_the_order_of_the_answer() -> None:
    (alert,) = listen(
        webhook(T0 + 9, told("Slow", "resolved", starts=T0 + 2)), webhook(T0 + 3, told("Slow", starts=T0 + 2))
    )
    assert (alert.received_s, alert.resolved_s) == (3, 9)


def test_nanoseconds_as_go_writes_them_are_read() -> None:
    alert = told("Slow", starts=T0) | {"startsAt": "1970-01-12T13:46:42.123456789Z"}
    assert listen(webhook(T0 + 3, alert))[0].starts_s == pytest.approx(2.123, abs=0.001)


def test_a_target_without_a_pager_is_not_silent_but_unheard() -> None:
    assert hear_out([], RunClock(0, 0), struck=True) == Heard(None, None)


def test_silence_with_a_pager_is_an_empty_list() -> None:
    pager = FakePager([], T0 + 40)
    assert hear(pager) == Heard([], Listening(40.0))


def test_it_waits_until_everything_is_resolved_and_no_longer() -> None:
    pager = FakePager(
        [
            webhook(T0 + 12, told("Down", starts=T0 + 11)),
            webhook(T0 + 46.5, told("Down", "resolved", starts=T0 + 11)),
        ],
        T0 + 40,
    )
    heard = hear(pager)
    assert heard.alerts is not None and heard.alerts[0].resolved_s == 46.5
    assert heard.listening == Listening(47.0)


def test_it_gives_up_waiting_after_a_while() -> None:
    pager = FakePager([webhook(T0 + 12, told("Down", starts=T0 + 11))], T0 + 40)
    heard = hear(pager)
    assert heard.alerts is not None and heard.alerts[0].resolved_s is None
    assert heard.listening == Listening(40.0 + PATIENCE_S)
    assert heard.doubts == ()


def test_without_a_fault_nobody_waits() -> None:
    pager = FakePager([webhook(T0 + 12, told("Down", starts=T0 + 11))], T0 + 40)
    assert hear(pager, struck=False).listening == Listening(40.0)


def test_an_alert_of_before_is_named_and_not_waited_for() -> None:
    before = FakePager([webhook(T0 - 10, told("Down", starts=T0 - 20))], T0).notifications().firing()
    again = webhook(T0 + 5, told("Down", starts=T0 - 20))
    assert hear(FakePager([again], T0 + 40, carried=before)) == Heard([], Listening(40.0, ["Down"]))


def test_a_pager_that_cannot_be_read_leaves_the_run_without_alerts_and_in_doubt() -> None:
    heard = hear(FakePager([], T0 + 40, broken=True))
    assert heard.alerts is None
    assert heard.listening is not None and "cannot be reached" in heard.listening.blind_because
    assert len(heard.doubts) == 1


def test_a_blind_run_is_not_in_doubt_and_nobody_asks() -> None:
    pager = FakePager([], T0 + 40, broken=True)
    assert hear(pager, blind="crash was aimed at it") == Heard(None, Listening(None, [], "crash was aimed at it"))
    assert pager.looks == 0


def test_by_how_long_ago_counts_and_not_whose_clock() -> None:
    pager = FakePager([webhook(T0 + 12, told("Down", starts=T0 + 11))], T0 + 40)
    heard = hear_out([pager], Clock(pager, ahead_s=500.0), struck=False, pause=pager.pass_time)
    assert heard.alerts is not None and heard.alerts[0].received_s == 512.0


def test_two_pagers_that_are_told_the_same_count_once() -> None:
    early = FakePager([webhook(T0 + 12, told("Down", starts=T0 + 11))], T0 + 40)
    late = FakePager([webhook(T0 + 13, told("Down", starts=T0 + 11), told("Slow", starts=T0 + 11))], T0 + 40)
    heard = hear_out([late, early], Clock(early), struck=False)
    assert heard.alerts is not None
    assert [(a.name, a.received_s) for a in heard.alerts] == [("Down", 12.0), ("Slow", 13.0)]


AIM = target(
    [link("db", 5432), link("bell", 8080, to="pager")],
    settings={"db": {"role": "database"}, "pager": {"role": "pager", "control_port": 8081}},
)


@pytest.mark.parametrize(
    ("fault", "blind"),
    [
        (Crash(role="monitoring"), "crash was aimed at what alerts come from (role monitoring)"),
        (LinkDown("bell"), "link_down was aimed at what alerts come from (link bell)"),
        (LinkDown("monitoring"), "link_down was aimed at what alerts come from (link monitoring)"),
        (Crash(role="database"), ""),
        (Crash(zone="c"), ""),
        (LinkDown("db"), ""),
    ],
)
def test_a_run_is_blind_when_a_fault_is_aimed_at_the_monitoring(fault: Any, blind: str) -> None:
    assert blinding([Crash(role="app"), fault], AIM) == blind


def test_whatever_is_firing_is_known_by_the_last_that_was_heard() -> None:
    heard = Notifications.model_validate(
        {
            "now": T0,
            "notifications": [
                webhook(T0 + 1, told("A", starts=T0), told("B", starts=T0)),
                webhook(T0 + 2, told("A", "resolved", starts=T0)),
            ],
        }
    )
    assert list(heard.firing().values()) == ["B"]


def test_a_fault_without_role_or_link_blinds_nobody() -> None:
    fault: Any = SimpleNamespace(name="marking", aimed_at="a file")
    assert blinding([fault], AIM) == ""


def test_without_any_sign_of_life_silence_is_blindness() -> None:
    heard = hear(FakePager([], T0 + 40, beats=[]))
    assert heard.alerts is None and heard.doubts == ()
    assert heard.listening == Listening(None, [], "no heartbeat of the monitoring was heard in the run")


def test_heartbeats_that_come_say_nothing_and_those_that_stay_away_are_a_silence() -> None:
    steady = FakePager([], T0 + 40, beats=[T0 + k * 5 for k in range(-2, 9)])
    assert hear(steady).listening == Listening(40.0)
    gone = FakePager([], T0 + 80, beats=[T0 + 5, T0 + 10, T0 + 50, T0 + 55, T0 + 60, T0 + 65, T0 + 70, T0 + 75])
    heard = hear(gone)
    assert heard.alerts == []
    assert heard.listening == Listening(80.0, silent=[(10.0, 50.0)])


def test_what_is_silence_depends_on_how_often_heartbeats_come() -> None:
    assert silences([0, 12, 24, 48, 60], 0, 60) == []
    assert silences([0, 12, 24, 61, 73], 0, 73) == [(24, 61)]
    assert silences([70], 0, 75) == [(0, 70)]
