"""The panels about a target that changes its own size: instances, decisions with their reasons, the load behind them.

They stand below the latency, on its time axis. Nothing is drawn where nobody counted and nobody said what it decided.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from statistics import median
from typing import Any

from harness.history import History
from harness.report.series import replicas, steps_of
from harness.report.vega import GOOD, HIGH, LETTER, WIDTH, Spec, layer, time_axis
from harness.scaling import Decision

SEEN, ASKED_FOR = "instances running", "instances decided on"
MEASURED, WANTED = "load measured", "load wanted"
UP, DOWN = "triangle-up", "triangle-down"
INSTANCES_HIGH, LOAD_HIGH = 110, 80
SILENCE = 4  # times the usual time between two decisions
LABELS_AT = (104, 88, 72)  # from the top: the lower half, for lines end up high


def size_panels(history: History, faults: list[Spec]) -> list[Spec]:
    """Return the panels; `faults` are the layers that shade what was struck."""
    panels = [panel for panel in (_instances(history), _load(history)) if panel is not None]
    for panel in panels:
        panel["layer"] = [*faults, *decision_moments(history), *panel["layer"]]
    return panels


def changes(history: History) -> list[dict[str, Any]]:
    """Return each moment (`at`, s) in the counted window at which a number was changed, by one or several decisions.

    `before` and `after` are of all that is decided on together; `label` says both, and why.
    """
    moved = []
    total: dict[str, int] = {}
    for at_s, each in groupby(history.record.decisions, lambda one: one.t_s):
        taken = list(each)
        new = [one for one in taken if one.after != one.before]
        before = sum((total | {one.of: one.before for one in taken}).values())
        total |= {one.of: one.after for one in taken}
        if new and 0 <= at_s <= history.record.duration_s:
            after = sum(total.values())
            label = f"{before} \N{RIGHTWARDS ARROW} {after}: {'; '.join(dict.fromkeys(map(_reason, new)))}"
            moved.append({"at": at_s, "before": before, "after": after, "label": label})
    return moved


def decided(history: History) -> list[tuple[float, int]]:
    """Return (from when, s; how many) instances were decided on, all together; up to the end of the run."""
    return steps_of([(one.t_s, one.of, one.after) for one in history.record.decisions], history.record.duration_s)


def _reason(one: Decision) -> str:
    return one.reason.replace("_", " ") + ("" if one.applied else " (not carried out)")


def _instances(history: History) -> Spec | None:
    lines = {SEEN: replicas(history), ASKED_FOR: decided(history)}
    rows = [{"at": at, "count": count, "which": which} for which, steps in lines.items() for at, count in steps]
    if not rows:
        return None
    x = time_axis("at", history, title=None if history.record.decisions else "seconds since the run began")
    axis = {"tickMinStep": 1, "format": "d", "title": "app instances"}
    y = {"field": "count", "type": "quantitative", "scale": {"domainMin": 0}, "axis": axis}
    mark = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5}
    steps = layer(rows, mark, {"x": x, "y": y} | _told_apart([which for which in lines if lines[which]]))
    moved = changes(history)
    signs = [row | {"sign": UP if row["after"] >= row["before"] else DOWN} for row in moved]
    shape = {"field": "sign", "type": "nominal", "scale": None}
    point = {"type": "point", "filled": True, "size": 70, "color": HIGH, "opacity": 1}
    marks = layer(signs, point, {"x": x, "y": y | {"field": "after"}, "shape": shape})
    return {
        "width": WIDTH,
        "height": INSTANCES_HIGH,
        "layer": [steps, marks, *_labels(moved, history.record.duration_s)],
    }


def _labels(moved: list[dict[str, Any]], duration_s: float) -> list[Spec]:
    """Return the reasons, in as many lines as they need and there are; what has no room is in the table only."""
    kept: list[dict[str, Any]] = []
    free_s = dict.fromkeys(LABELS_AT, 0.0)
    for row in moved:
        wide_s = len(row["label"]) * LETTER * duration_s / WIDTH
        at_s = max(0.0, min(row["at"], duration_s - wide_s))
        y = next((y for y in LABELS_AT if free_s[y] <= at_s), None)
        if y is not None:
            kept.append(row | {"from": at_s, "y": y})
            free_s[y] = at_s + wide_s
    text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "color": HIGH, "fontSize": 12}
    where = {"x": {"field": "from", "type": "quantitative"}, "text": {"field": "label"}}
    return [layer([row for row in kept if row["y"] == y], text, where | {"y": {"value": y}}) for y in LABELS_AT if kept]


def _load(history: History) -> Spec | None:
    """Return the load that the decisions went by, a line for each component that they are about, and what is wanted."""
    rows = [
        {"at": at_s, "of": of, "load": load, "which": which}
        for of, decisions in _by_subject(history).items()
        for which, known in (
            (MEASURED, [one.measured for one in decisions]),
            (WANTED, [one.wanted for one in decisions]),
        )
        for at_s, load in with_silences([one.t_s for one in decisions], known)
    ]
    shown = [which for which in (MEASURED, WANTED) if any(r["which"] == which and r["load"] is not None for r in rows)]
    if not shown:
        return None
    x = time_axis("at", history, title="seconds since the run began")
    y = {"field": "load", "type": "quantitative", "title": "load on each", "scale": {"domainMin": 0}}
    # What is not known is kept as null: the line must break there.
    point = {"size": 14, "filled": True}  # one between two silences would not be seen otherwise
    mark = {"type": "line", "strokeWidth": 2, "point": point, "invalid": "break-paths-show-path-domains"}
    lines = layer(rows, mark, {"x": x, "y": y, "detail": {"field": "of"}} | _told_apart(shown))
    return {"width": WIDTH, "height": LOAD_HIGH, "layer": [lines]}


def with_silences(at_s: list[float], values: list[float | None]) -> list[tuple[float, float | None]]:
    """Return the values with an unknown one in each silence: a gap of more than four times what is usual."""
    gaps = [later - sooner for sooner, later in pairwise(at_s)]
    usual_s = median(gaps) if gaps else 0.0
    silent = [((a + b) / 2, None) for a, b in pairwise(at_s) if b - a > SILENCE * usual_s]
    return sorted([*zip(at_s, values, strict=True), *silent], key=lambda each: each[0])


def _by_subject(history: History) -> dict[str, list[Decision]]:
    found: dict[str, list[Decision]] = {}
    for one in history.record.decisions:
        if 0 <= one.t_s <= history.record.duration_s:
            found.setdefault(f"{one.component} {one.of}", []).append(one)
    return found


def decision_moments(history: History) -> list[Spec]:
    """Return the upright lines that show, in every panel, when a number was changed."""
    moved = changes(history)
    rule = {"type": "rule", "color": HIGH, "strokeWidth": 1, "opacity": 0.5}
    return [layer(moved, rule, {"x": {"field": "at", "type": "quantitative"}})] if moved else []


def _told_apart(domain: list[str]) -> Spec:
    """Return how the first line and the second are told apart: by colour, and by dashes."""
    which = {"field": "which", "type": "nominal"}
    colours = {SEEN: GOOD, ASKED_FOR: HIGH, MEASURED: GOOD, WANTED: HIGH}
    dashes = {SEEN: [1, 0], ASKED_FOR: [5, 3], MEASURED: [1, 0], WANTED: [5, 3]}
    return {
        "color": which | {"scale": {"domain": domain, "range": [colours[one] for one in domain]}},
        "strokeDash": which | {"scale": {"domain": domain, "range": [dashes[one] for one in domain]}, "legend": None},
    }
