"""A run's alerts in `summary.json`: those that fired, and what became of each incident."""

from __future__ import annotations

from harness.alerts import Alert
from harness.checks.alerts import Incident, incidents
from harness.history import History, RunRecord
from harness.summary_schema import AlertingPart, AlertPart, IncidentPart


def alerting_part(history: History) -> AlertingPart | None:
    """Return what was heard of alerts, None where the target has no pager. A blind run has no `fired` at all."""
    record = history.record
    if record.listening is None:
        return None
    return AlertingPart(
        expected=list(record.alerts_expected),
        fired=None if record.alerts is None else [AlertPart(**vars(alert)) for alert in record.alerts],
        blind_because=record.listening.blind_because,
        carried=list(record.listening.carried),
        silent=[list(span) for span in record.listening.silent],
        incidents=[_incident(record, incident) for incident in incidents(history)],
    )


def _incident(record: RunRecord, incident: Incident) -> IncidentPart:
    faults = [record.faults[place] for place in incident.faults]
    return IncidentPart(
        faults=[f"{fault.name}, {fault.aimed_at}" for fault in faults],
        on_s=incident.on_s,
        off_s=incident.off_s,
        watched_s=round(incident.until_s - incident.on_s, 3),
        first=incident.first.name if incident.first else None,
        delay_s=_rounded(incident.delay_s),
        lead_s=_rounded(incident.lead_s),
        harmed=incident.harm_s is not None,
        alerts=len(incident.alerts),
        resolved_after_s=_rounded(incident.resolved_after_s),
        others=_others(record, incident.alerts),
    )


def _others(record: RunRecord, alerts: tuple[Alert, ...]) -> list[str]:
    """The names of those that nobody expected, each once."""
    return list(dict.fromkeys(alert.name for alert in alerts if alert.name not in record.alerts_expected))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
