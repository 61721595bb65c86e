"""Figures of the summary as words: what the templates of both reports use, so that they say the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from harness.wording import percent, trimmed

NONE = "–"


def share(part: dict[str, Any] | None) -> str:
    """Return a share with its interval: '97.9 % (95.2 % to 99.1 %)'."""
    if part is None or part["value"] is None:
        return NONE
    return f"{percent(part['value'])} ({percent(part['low'])} to {percent(part['high'])})"


def percentage(value: float | None) -> str:
    """Return a share as a percentage."""
    return NONE if value is None else percent(value)


def seconds(value: float | None) -> str:
    """Return seconds with at most two decimals."""
    return NONE if value is None else f"{trimmed(value, 2)} s"


def milliseconds(value: float | None) -> str:
    """Return milliseconds: whole ones, or with a decimal where they are few."""
    return NONE if value is None else f"{trimmed(value, 1 if abs(value) < 20 else 0)} ms"


def latency(value: float | None) -> str:
    """Return a latency in ms; none means that fewer arrivals than that percentile were answered well at all."""
    return "no good answer" if value is None else milliseconds(value)


def found(values: list[float | None]) -> str:
    """Return what the probes of a place found, before and after the load."""
    return ", ".join("no answer" if value is None else milliseconds(value) for value in values) or NONE


def whole(value: int | None) -> str:
    """Return a count with thousands separated."""
    return NONE if value is None else f"{value:,}"


def moment(text: str | None) -> str:
    """Return an ISO 8601 moment as people write it: '2026-11-23 10:00:00 UTC'; a word for none."""
    if text is None:
        return "unfinished"
    when = datetime.fromisoformat(text)
    return f"{when:%Y-%m-%d %H:%M:%S} {when.tzname() or ''}".strip()


def window(fault: dict[str, Any]) -> str:
    """Return when a fault was on, as measured, or as planned where nothing measured it."""
    if fault["on_s"] is not None:
        return f"{seconds(fault['on_s'])} to {seconds(fault['off_s']) if fault['off_s'] is not None else 'the end'}"
    planned_off = "the end" if fault["planned_off_s"] is None else seconds(fault["planned_off_s"])
    return f"planned {seconds(fault['planned_on_s'])} to {planned_off}"


def harm(fault: dict[str, Any]) -> str:
    """Return when users first noticed."""
    if fault["lost_s"] is None:
        return NONE
    return "no harm" if fault["first_harm_s"] is None else f"after {seconds(fault['first_harm_s'])}"


def mitigation(fault: dict[str, Any]) -> str:
    """Return how long until the target worked again while the fault was still on."""
    if fault["lost_s"] is None:
        return NONE
    if fault["first_harm_s"] is None:
        return "nothing to mitigate"
    return "never while it was on" if fault["mitigation_censored"] else f"after {seconds(fault['mitigated_after_s'])}"


def recovery(fault: dict[str, Any]) -> str:
    """Return how long after the fault the target worked again."""
    if fault["lost_s"] is None:
        return NONE
    if not fault["recovery_censored"]:
        return "at once" if fault["recovered_after_s"] == 0 else f"after {seconds(fault['recovered_after_s'])}"
    if not fault["watched_s"]:
        return "not watched: the fault lasted to the end of the run"
    return f"not within the {seconds(fault['watched_s'])} that were watched"


def verdict_label(claim: dict[str, Any]) -> str:
    """Return the verdict, with 'UNTESTED' where no experiment exists yet."""
    return "INCONCLUSIVE: UNTESTED" if claim["standing"] == "untested" else str(claim["verdict"])


def verdict_class(label: str) -> str:
    """Return the CSS class of a verdict's label."""
    return "untested" if label.endswith("UNTESTED") else label.lower().replace(" ", "-")


def verdict_mark(label: str) -> str:
    """Return a sign for the verdict, so that colour never stands alone."""
    return {"HELD": "✔", "REFUTED": "✖", "INCONCLUSIVE": "?", "NOT TESTABLE HERE": NONE}.get(label, "!")


def sentence(text: str) -> str:
    """Return `text` with its full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def pairs(values: dict[str, Any]) -> str:
    """Return a dictionary as 'key value, key value'."""
    return ", ".join(f"{key} {_plain(value)}" for key, value in values.items()) or NONE


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return trimmed(value, 3)
    return NONE if value is None else str(value)


def resized(decision: dict[str, Any]) -> str:
    """Return what a decision does to the number of instances: '2 → 4', '2, as before'."""
    before, after = decision["before"], decision["after"]
    change = f"{after}, as before" if before == after else f"{before} → {after}"
    return change if decision["applied"] else f"{change}, not carried out"


def load_on_each(decision: dict[str, Any]) -> str:
    """Return the load that a decision went by, and what it should have been: '8.3, wanted 5'."""
    measured = "unknown" if decision["measured"] is None else trimmed(decision["measured"], 2)
    return measured if decision["wanted"] is None else f"{measured}, wanted {trimmed(decision['wanted'], 2)}"


def reason(decision: dict[str, Any]) -> str:
    """Return why it was decided so: 'above target: more requests per replica than wanted'."""
    word = decision["reason"].replace("_", " ")
    return f"{word}: {decision['why']}" if decision["why"] else word


def cell(text: str) -> str:
    """Return text that may stand in a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def run_in_words(run: dict[str, Any]) -> str:
    """Return a run's picture as a sentence, for those who do not see it."""
    text = (
        f"Good share and latency over the {run['duration_s']:g} seconds of run {run['run']}. "
        f"{percentage(run['availability']['value'])} of {run['scheduled']:,} arrivals were good."
    )
    for fault in run["faults"]:
        text += f" Fault {fault['name']} on {fault['aimed_at']}, {window(fault)}: lost {seconds(fault['lost_s'])},"
        text += f" recovered {recovery(fault)}."
    return text


FILTERS: dict[str, Callable[..., str]] = {
    "share": share,
    "percentage": percentage,
    "seconds": seconds,
    "milliseconds": milliseconds,
    "latency": latency,
    "found": found,
    "whole": whole,
    "moment": moment,
    "window": window,
    "harm": harm,
    "mitigation": mitigation,
    "recovery": recovery,
    "verdict_label": verdict_label,
    "verdict_class": verdict_class,
    "verdict_mark": verdict_mark,
    "resized": resized,
    "load_on_each": load_on_each,
    "reason": reason,
    "sentence": sentence,
    "pairs": pairs,
    "cell": cell,
}
