"""Figures of comparison.json as words: what both reports use, so that they say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.compare.paired import Finding
from harness.report.words import FILTERS as REPORT_FILTERS
from harness.report.words import NONE, seconds, share
from harness.wording import percent, reach, trimmed

MARKS = {
    "HELD": "✔",
    "REFUTED": "✖",
    "INCONCLUSIVE": "?",
    "NOT TESTABLE HERE": NONE,
    "NO CLAIM": "·",
    "UNTESTED": "!",
}
SIGNS = {Finding.BETTER: "▲", Finding.NO_BETTER: "=", Finding.NOT_SHOWN: "≈", Finding.WORSE: "▼"}


def figures(cell: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (name, value) of each figure of a measured cell that has one."""
    found = [("Available", share(cell["availability"]))]
    if cell["lost_s"] is not None:
        found += [("Lost", seconds(cell["lost_s"])), ("Mitigated", _mitigated(cell)), ("Recovered", _recovered(cell))]
    found.append(("p95", latency(cell["p95_s"])))
    if cell["messages"] is not None:
        found.append(("Messages lost", f"{cell['messages']['lost']:,} of {cell['messages']['acknowledged']:,}"))
    if cell["alerts"]["delay_s"] is not None:
        found += [("Alert", _delay(cell["alerts"]["delay_s"])), ("Alert's lead", _lead(cell["alerts"]["lead_s"]))]
    return found


def latency(measured: dict[str, Any] | None) -> str:
    """Return a latency (s) of a measurement; an endless one means that too few were answered well."""
    if measured is None:
        return NONE
    if "endless" in measured:
        return "no good answer"
    return seconds(measured["value"])


def latencies(pair: dict[str, Any] | None) -> str:
    """Return 'p50 0.8 s, p95 1.2 s' of a place."""
    if pair is None:
        return "not measured"
    return f"p50 {latency(pair['p50'])}, p95 {latency(pair['p95'])}"


def _mitigated(cell: dict[str, Any]) -> str:
    if not cell["harmed"]:
        return "nothing to mitigate"
    time = cell["mitigated"]
    return "never while it was on" if time["value"] is None else f"after {seconds(time['value'])}"


def _recovered(cell: dict[str, Any]) -> str:
    time = cell["recovered"]
    if time["value"] is None:
        return f"not within the {seconds(time['watched_s'])} watched" if time["watched_s"] else "not watched"
    return "at once" if time["value"] <= 0 else f"after {seconds(time['value'])}"


def _delay(measured: dict[str, Any]) -> str:
    if measured["value"] is None and "endless" not in measured:
        return measured["because"] or NONE
    return "never while watched" if "endless" in measured else f"after {seconds(measured['value'])}"


def _lead(measured: dict[str, Any] | None) -> str:
    if measured is None:
        return NONE
    if "endless" in measured:
        return "nobody was harmed" if measured["endless"] == "up" else "harm, and no alert"
    if measured["value"] is None:
        return measured["because"] or NONE
    return f"{seconds(abs(measured['value']))} {'before' if measured['value'] >= 0 else 'after'} the first harm"


def against(compared: dict[str, Any]) -> str:
    """Return how a cell did against the version before: 'no better than v1'."""
    if compared["finding"] is None:
        return f"not compared: {compared['because']}"
    return f"{SIGNS[Finding(compared['finding'])]} {_than(compared['finding'], compared['phase'])}"


def _than(finding: str, phase: str) -> str:
    joined = finding if finding.endswith(("better", "worse")) else f"{finding} better"
    return f"{joined} than {phase}"


def evidence(compared: dict[str, Any]) -> str:
    """Return the differences behind it with their intervals: 'availability +0 % (...)'."""
    parts = []
    change = compared["availability"]
    if change is not None:
        parts.append(f"availability {_points(change['value'])} points{_between(change, _points)}, {_paired(change)}")
    slower = compared["p95"]
    if slower is not None:
        parts.append(f"p95 {_signed(slower['value'])} s{_between(slower, _signed)}")
    if compared["note"]:
        parts.append(compared["note"])
    return "; ".join(parts)


def _paired(change: dict[str, Any]) -> str:
    if change["pairs"] == 0:
        return "not paired"
    return "one pair" if change["pairs"] == 1 else f"{change['pairs']} pairs"


def _between(change: dict[str, Any], say: Callable[[float], str]) -> str:
    if change["low"] is None or change["high"] is None:
        return ""
    return f" ({say(change['low'])} to {say(change['high'])})"


def _points(value: float) -> str:
    return _signed(100 * value)


def _signed(value: float) -> str:
    text = trimmed(abs(value), 2)
    return "0" if text == "0" else f"{'−' if value < 0 else '+'}{text}"


def years(three: dict[str, Any] | None) -> str:
    """Return a projected share: '99.4 % (99.1 % to 99.7 %)'."""
    return NONE if three is None else f"{percent(three['mean'])} ({percent(three['low'])} to {percent(three['high'])})"


def amount(three: dict[str, Any], unit: str) -> str:
    """Return a projected amount: '51 h (29 to 81 h)'; null at an end means that there is none."""
    if three["low"] is None or three["high"] is None:
        return f"{_number(three['mean'])} {unit} (without bound on one side)"
    digits = 0 if three["mean"] is not None and abs(three["mean"]) >= 100 else 2
    return f"{_number(three['mean'])} {unit} ({reach(round(three['low'], digits), round(three['high'], digits), unit)})"


def _number(value: float | None) -> str:
    return "endless" if value is None else trimmed(value, 0 if abs(value) >= 100 else 2)


def dollars(value: float | None) -> str:
    """Return a sum; null is one without end: it never pays."""
    return "never" if value is None else f"${trimmed(value, 2 if abs(value) < 10 else 0)}"


def dollars_spread(three: dict[str, Any]) -> str:
    """Return a sum with its interval; null: there is no nine to pay for, or no end of them."""
    return f"{dollars(three['mean'])} ({dollars(three['low'])} to {dollars(three['high'])})"


def verdict_mark(label: str) -> str:
    """Return a sign for the label, so that colour never stands alone."""
    return MARKS.get(label, "!")


def verdict_class(label: str) -> str:
    """Return the CSS class of a label."""
    return label.lower().replace(" ", "-")


FILTERS: dict[str, Callable[..., Any]] = REPORT_FILTERS | {
    "figures": figures,
    "latencies": latencies,
    "against": against,
    "evidence": evidence,
    "years": years,
    "amount": amount,
    "dollars": dollars,
    "dollars_spread": dollars_spread,
    "verdict_mark": verdict_mark,
    "verdict_class": verdict_class,
}
