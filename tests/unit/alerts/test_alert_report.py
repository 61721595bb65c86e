"""Alerts in the summary and in both reports: fired, never, blind, and nothing at all."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from harness.alerts import Alert, Listening
from harness.history import History
from harness.report.alerts import alert_marks
from harness.report.write import render_html, render_markdown
from harness.summary import build_summary
from harness.summary_schema import Summary
from tests.fakes.histories import Trouble, campaign, fault, history

DOWN = Alert("DatabaseDown", "page", {"component": "database-a", "zone": "<a>"}, 13.2, 14.5, 27.5)
OTHER = Alert("ErrorBudgetBurn", "page", {}, 15.0, 16.0, None)


def run(*alerts: Alert, **changes: Any) -> History:
    given: dict[str, Any] = {
        "faults": [fault()],
        "alerts": list(alerts),
        "listening": Listening(60.0),
        "alerts_expected": ["DatabaseDown", "DatabaseSlow"],
        "experiment": "database_crash",
    }
    return history(Trouble(8, 21), **{**given, **changes})


def part(one: History) -> dict[str, Any]:
    summary = build_summary(campaign(), [one], [])
    assert Summary.model_validate(summary).model_dump(mode="json", by_alias=True) == summary
    found: dict[str, Any] = json.loads(json.dumps(summary))["runs"][0]
    return found


def texts(one: History) -> tuple[str, str]:
    """Both reports without tags, marks of emphasis and cells."""
    summary = build_summary(campaign(), [one], [])
    page = re.sub(r"<svg.*?</svg>", "", render_html(summary, [one]), flags=re.DOTALL)
    page = re.sub(r"\s+", " ", re.sub(r"</t[dh]>", " | ", page))
    return re.sub(r"\s+", " ", render_markdown(summary, [one])), unescape(re.sub(r"<[^>]+>", "", page))


def test_the_summary_says_what_fired_and_how_it_went() -> None:
    alerting = part(run(DOWN, OTHER))["alerting"]
    assert [alert["name"] for alert in alerting["fired"]] == ["DatabaseDown", "ErrorBudgetBurn"]
    assert alerting["fired"][0]["labels"] == {"component": "database-a", "zone": "<a>"}
    (incident,) = alerting["incidents"]
    assert incident["faults"] == ["crash, role database"]
    assert (incident["first"], incident["delay_s"], incident["others"]) == ("DatabaseDown", 6.5, ["ErrorBudgetBurn"])
    assert incident["lead_s"] == pytest.approx(-6.4, abs=0.2)
    assert (incident["harmed"], incident["alerts"], incident["resolved_after_s"]) == (True, 2, None)
    assert (incident["on_s"], incident["off_s"], incident["watched_s"]) == (8.0, 20.0, 52.0)


def test_both_reports_show_a_row_for_each_incident_and_what_fired() -> None:
    for text in texts(run(DOWN, OTHER)):
        assert "crash, role database | DatabaseDown, DatabaseSlow | DatabaseDown | after 6.5 s | 6." in text
        assert re.search(r"after 6\.5 s \| 6\.\d+ s after \| not while listened to \| ErrorBudgetBurn", text)
        assert "2 alerts: DatabaseDown (component database-a, zone <a>) at 14.5 s, resolved at 27.5 s" in text
        assert "ErrorBudgetBurn at 16 s, not resolved while listened to." in text


def test_an_alert_that_never_came_is_shown_as_that() -> None:
    for text in texts(run()):
        assert "| never in the 52 s that were watched | harm, and no alert |" in text
        assert "none fired." in text


def test_before_harm_and_resolved_in_time() -> None:
    early = Alert("DatabaseSlow", "ticket", {}, 8.2, 8.5, 19.0)
    quiet = history(
        Trouble(17, 20),
        faults=[fault()],
        alerts=[early],
        listening=Listening(38.0),
        alerts_expected=["DatabaseSlow"],
    )
    for text in texts(quiet):
        assert re.search(r"after 0\.5 s \| 8\.\d+ s before \| before it \|", text)
    unharmed = history(faults=[fault()], alerts=[early], listening=Listening(38.0), alerts_expected=["DatabaseSlow"])
    for text in texts(unharmed):
        assert "nobody was harmed" in text


def test_a_blind_run_is_called_blind_and_never_quiet() -> None:
    blind = run(alerts=None, listening=Listening(None, [], "crash was aimed at what alerts come from"))
    assert part(blind)["alerting"]["fired"] is None
    for text in texts(blind):
        assert "blind: crash was aimed at what alerts come from." in text
        assert "none fired" not in text


def test_a_target_without_a_pager_has_no_such_part() -> None:
    unheard = run(alerts=None, listening=None)
    assert "alerting" not in part(unheard)
    for text in texts(unheard):
        assert "Alerts:" not in text


def test_a_quiet_control_says_so_and_what_was_left_from_before_is_named() -> None:
    quiet = history(alerts=[], listening=Listening(38.0, ["DatabaseDown"], silent=[(2.0, 30.0)]))
    for text in texts(quiet):
        assert re.search(r"Alerts:\s+none fired\. Firing before the run began, and not counted: DatabaseDown\.", text)
        assert "No heartbeat of the monitoring from 2 s to 30 s" in text


def test_alerts_are_marks_on_the_time_axis() -> None:
    (marks,) = alert_marks(run(DOWN, OTHER, Alert("Late", "", {}, 50.0, 51.0, None)))
    assert marks["data"]["values"] == [{"at": 14.5}, {"at": 16.0}]
    assert alert_marks(run()) == [] == alert_marks(run(alerts=None))
    summary = build_summary(campaign(), [run(DOWN)], [])
    assert "Triangles: somebody was called" in render_html(summary, [run(DOWN)])
