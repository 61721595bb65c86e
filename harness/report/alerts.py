"""Alerts in the reports: as words, and as marks on the time axis of a run's picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.history import History
from harness.report.vega import HIGH, Spec, layer
from harness.report.words import NONE, seconds
from harness.wording import counted

MARK_AT = 9  # from the top, below the names of faults


def alert_marks(history: History) -> list[Spec]:
    """Return a mark at each moment in the counted window at which somebody was called; nothing where nobody was."""
    moments = [{"at": alert.received_s} for alert in history.record.alerts or []]
    rows = [row for row in moments if 0 <= row["at"] <= history.record.duration_s]
    if not rows:
        return []
    bell = {"type": "point", "shape": "triangle-down", "filled": True, "size": 90, "color": HIGH, "opacity": 1}
    return [layer(rows, bell, {"x": {"field": "at", "type": "quantitative"}, "y": {"value": MARK_AT}})]


def heard(alerting: dict[str, Any]) -> str:
    """Return which alerts fired in a run, and when: '1 alert: Down (zone a) at 9.5 s, resolved at 22 s'."""
    if alerting["fired"] is None:
        return f"blind: {alerting['blind_because']}"
    fired = alerting["fired"]
    if not fired:
        return "none fired"
    return f"{counted(len(fired), 'alerts')}: {'; '.join(map(_one, fired))}"


def _one(alert: dict[str, Any]) -> str:
    labels = ", ".join(f"{key} {value}" for key, value in sorted(alert["labels"].items()))
    end = "not resolved while listened to"
    if alert["resolved_s"] is not None:
        end = f"resolved at {seconds(alert['resolved_s'])}"
    return f"{alert['name']}{f' ({labels})' if labels else ''} at {seconds(alert['received_s'])}, {end}"


def names(values: list[str]) -> str:
    """Return names with commas between them."""
    return ", ".join(values) or NONE


def delay(incident: dict[str, Any], expected: list[str]) -> str:
    """Return how long after a fault's start the first expected alert came."""
    if not expected:
        return NONE
    if incident["delay_s"] is None:
        return f"never in the {seconds(incident['watched_s'])} that were watched"
    return f"after {seconds(incident['delay_s'])}"


def lead(incident: dict[str, Any], expected: list[str]) -> str:
    """Return how long before or after the first harm to users the first expected alert came."""
    if not expected:
        return NONE
    if not incident["harmed"]:
        return "nobody was harmed"
    if incident["lead_s"] is None:
        return "harm, and no alert"
    side = "before" if incident["lead_s"] >= 0 else "after"
    return f"{seconds(abs(incident['lead_s']))} {side}"


def resolved(incident: dict[str, Any]) -> str:
    """Return how long after a fault's end all its alerts were resolved."""
    if not incident["alerts"]:
        return NONE
    if incident["resolved_after_s"] is None:
        return "not while listened to"
    return "before it" if incident["resolved_after_s"] == 0 else f"after {seconds(incident['resolved_after_s'])}"


def silence(span: list[float]) -> str:
    """Return when nobody would have been called."""
    return f"{seconds(span[0])} to {seconds(span[1])}"


FILTERS: dict[str, Callable[..., str]] = {
    "heard": heard,
    "names": names,
    "alert_delay": delay,
    "alert_lead": lead,
    "alert_resolved": resolved,
    "silence": silence,
}
