"""Alerts as claims: whether the right one came, how soon, before or after users were harmed, and whether it ended.

An *incident* is a fault, or several that overlap. It is watched from its start until the next one starts, or until
nobody listened any more. Its *first* alert is the first that was received in that time and is among those that
target.toml expects of the experiment; what was firing before the incident began is not its doing.

An alert is a promise for every incident, so of several the worst counts, and no interval reaches beyond what was seen:
these figures speak of the runs at hand. What did not happen while it was watched is censored and never left out. A
blind run (`harness.paging`) says nothing, neither good nor bad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.alerts import Alert
from harness.checks.anatomy import anatomies
from harness.checks.base import Question, fault_window, nothing
from harness.history import FaultRecord, History
from harness.verdict import Measurement
from harness.wording import counted

NO_PAGER = "the target has no pager"


@dataclass(frozen=True)
class Incident:
    """Faults that were on together, and the alerts received while they were watched. Times are run times (s).

    `first` is the first expected alert, None when none came until `until_s`. `harm_s` is when the first arrival was due
    that went bad because of the faults, None when none did.
    """

    faults: tuple[int, ...]  # their places in the run's record
    on_s: float
    off_s: float
    until_s: float
    alerts: tuple[Alert, ...]
    first: Alert | None
    harm_s: float | None

    @property
    def delay_s(self) -> float | None:
        """From the faults' start to the receipt of the first expected alert; None: not while watched."""
        return None if self.first is None else self.first.received_s - self.on_s

    @property
    def lead_s(self) -> float | None:
        """By how much the first expected alert came before the first harm, negative after it; None without either."""
        if self.first is None or self.harm_s is None:
            return None
        return self.harm_s - self.first.received_s

    @property
    def resolved_after_s(self) -> float | None:
        """From the faults' end until the last of its alerts was resolved, 0 when all were before; None: not so far."""
        ends = [alert.resolved_s for alert in self.alerts]
        known = [end for end in ends if end is not None]
        return max(0.0, max(known) - self.off_s) if known and len(known) == len(ends) else None


def why_blind(history: History) -> str:
    """Return why nothing is known of a run's alerts, '' when something is."""
    record = history.record
    if record.alerts is not None:
        return ""
    return (record.listening.blind_because if record.listening else "") or NO_PAGER


def incidents(history: History) -> list[Incident]:
    """Return the incidents of a run in the order of their starts; none in a blind run, or where no receipt has times.

    One at whose start an expected alert was firing already, without another to come, is left out: nobody is told twice.
    """
    record = history.record
    windows = _together(history, record.faults)
    heard_s = record.listening.until_s if record.listening else None
    end_s = record.duration_s if heard_s is None else heard_s
    next_ones = [on_s for _, on_s, _ in windows[1:]]
    found = [_incident(history, window, until_s) for window, until_s in zip(windows, [*next_ones, end_s], strict=False)]
    return [each for each in found if record.alerts is not None and not _told_before(history, each)]


def fired(history: History) -> list[Alert]:
    """Return the alerts of a run, the first instance of each: one that comes and goes is one alert. [] when blind."""
    first: dict[tuple[str, ...], Alert] = {}
    for alert in sorted(history.record.alerts or [], key=lambda each: each.received_s):
        first.setdefault(alert.which, alert)
    return list(first.values())


def alerts_fired(histories: Sequence[History], question: Question) -> Measurement:
    """Return how many different alerts fired in a run (by name and labels); of several runs, in the worst."""
    counts = [len(fired(history)) for history in histories if not why_blind(history)]
    silent = [h.record.run for h in histories if h.record.listening and h.record.listening.silent and not fired(h)]
    if silent:
        problem = (
            f"the monitoring was silent for a while, so that nobody would have been called, in {', '.join(silent)}"
        )
        return nothing("runs", "alerts", problem)
    if not counts:
        return nothing("runs", "alerts", _blind_note(histories).rstrip(".") or "there is no run")
    most = float(max(counts))
    names = sorted({alert.name for history in histories for alert in fired(history)})
    because = f"Fired: {', '.join(names)}." if names else ""
    return Measurement(most, most, most, len(counts), "runs", "alerts", _said(because, _blind_note(histories)))


def alert_delay(histories: Sequence[History], question: Question) -> Measurement:
    """Return the longest time (s) from an incident's start until the first expected alert was received.

    One that never came counts as longer than it was watched: it refutes any bound below that.
    """
    found, notes = _asked(histories)
    if not found:
        return nothing("incidents", "s", notes.rstrip("."))
    late = [(math.inf, each.until_s - each.on_s) for each in found if each.delay_s is None]
    came = [(each.delay_s, each.delay_s) for each in found if each.delay_s is not None]
    never = f"No expected alert came while it was watched: {counted(len(late), 'incidents')}." if late else ""
    return _longest(came + late, found, never, notes)


def alert_lead(histories: Sequence[History], question: Question) -> Measurement:
    """Return the shortest time (s) by which the first expected alert came before users were harmed; negative: after.

    Where an alert came and nobody was harmed, the lead is censored in its favour: longer than until the watching ended.
    Where users were harmed and no alert came, it is censored against it. Neither harm nor alert says nothing.
    """
    found, notes = _asked(histories)
    spans = [span for span in map(_lead, found) if span is not None]
    if len(found) > len(spans):
        neither = counted(len(found) - len(spans), "incidents")
        notes = _said(f"Neither a harmed user nor an expected alert: {neither}.", notes)
    if not spans:
        return nothing("incidents", "s", notes.rstrip("."))
    value, low, high = (min(span[place] for span in spans) for place in range(3))
    never = sum(span[0] == -math.inf for span in spans)
    unharmed = sum(span[0] == math.inf for span in spans)
    because = _said(
        f"Users were harmed and no expected alert came: {counted(never, 'incidents')}." if never else "",
        f"No user was harmed: {counted(unharmed, 'incidents')}." if unharmed else "",
        notes,
    )
    return Measurement(value, low, high, len(spans), "incidents", "s", because)


def alert_resolved(histories: Sequence[History], question: Question) -> Measurement:
    """Return the longest time (s) from an incident's end until every alert of it, expected or not, was resolved.

    One that still fired when the listening ended counts as longer than that. Incidents without alerts are left out.
    """
    found = [each for history in histories for each in incidents(history) if each.alerts]
    if not found:
        return nothing("incidents", "s", _blind_note(histories).rstrip(".") or "no alert fired after a fault began")
    still = [(math.inf, max(0.0, each.until_s - each.off_s)) for each in found if each.resolved_after_s is None]
    ended = [(each.resolved_after_s, each.resolved_after_s) for each in found if each.resolved_after_s is not None]
    note = f"An alert still fired when the listening ended: {counted(len(still), 'incidents')}." if still else ""
    return _longest(ended + still, found, note, _blind_note(histories))


def _together(history: History, faults: Sequence[FaultRecord]) -> list[tuple[tuple[int, ...], float, float]]:
    """Return (which faults, from, to) of each group of faults that overlap."""
    windows = [(window, place) for place, fault in enumerate(faults) if (window := fault_window(history, fault))]
    groups: list[tuple[tuple[int, ...], float, float]] = []
    for (on_s, off_s), place in sorted(windows):
        if groups and on_s <= groups[-1][2]:
            which, first_s, last_s = groups[-1]
            groups[-1] = ((*which, place), first_s, max(last_s, off_s))
        else:
            groups.append(((place,), on_s, off_s))
    return groups


def _incident(history: History, group: tuple[tuple[int, ...], float, float], until_s: float) -> Incident:
    which, on_s, off_s = group
    record, seen = history.record, anatomies(history)
    alerts = sorted(
        (alert for alert in record.alerts or [] if on_s <= alert.received_s < until_s), key=lambda each: each.received_s
    )
    first = next((alert for alert in alerts if alert.name in record.alerts_expected), None)
    harms = [
        start_s + anatomy.first_harm_s
        for place in which
        if (anatomy := seen[place]) is not None
        and anatomy.first_harm_s is not None
        and (start_s := record.faults[place].receipt.on_s) is not None
    ]
    return Incident(which, on_s, off_s, until_s, tuple(alerts), first, min(harms, default=None))


def _told_before(history: History, incident: Incident) -> bool:
    """Whether an expected alert was firing when the incident began, and no other came."""
    record = history.record
    before = [
        alert.name
        for alert in record.alerts or []
        if alert.received_s < incident.on_s and (alert.resolved_s is None or alert.resolved_s > incident.on_s)
    ]
    carried = record.listening.carried if record.listening else []
    return incident.first is None and any(name in record.alerts_expected for name in (*before, *carried))


def _asked(histories: Sequence[History]) -> tuple[list[Incident], str]:
    """Return the incidents that can answer, and what is to be said about those that cannot."""
    found = [each for history in histories for each in incidents(history) if history.record.alerts_expected]
    if not any(history.record.alerts_expected for history in histories):
        return [], "target.toml expects no alert of this experiment"
    if not found and not _blind_note(histories):
        return [], "no incident can answer: its start is not known, or an expected alert was firing before"
    return found, _blind_note(histories)


def _blind_note(histories: Sequence[History]) -> str:
    blind = {history.record.run: why for history in histories if (why := why_blind(history))}
    reasons = "; ".join(dict.fromkeys(blind.values()))
    return f"Blind, and of no account here: {', '.join(blind)} ({reasons})." if blind else ""


def _lead(incident: Incident) -> tuple[float, float, float] | None:
    """Return (lead, at least, at most) of one incident (s); infinite where it is censored, None where nothing is."""
    if incident.first is None:
        return None if incident.harm_s is None else (-math.inf, -math.inf, incident.harm_s - incident.until_s)
    if incident.lead_s is None:
        return math.inf, incident.until_s - incident.first.received_s, math.inf
    return incident.lead_s, incident.lead_s, incident.lead_s


def _longest(spans: Sequence[tuple[float, float]], found: Sequence[Incident], *notes: str) -> Measurement:
    """Return the longest of times (s), each with what it is at least: the same unless it is censored."""
    value = max(time for time, _ in spans)
    low = max(least for _, least in spans)
    return Measurement(value, low, value, len(found), "incidents", "s", _said(*notes))


def _said(*parts: str) -> str:
    return " ".join(part for part in parts if part)
