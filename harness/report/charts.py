"""One picture per run: good share and latency over run time, with the fault windows shaded. Inline SVG, no script.

The pictures are Vega-Lite specifications (https://vega.github.io/vega-lite/docs/) written out as they are: a library
that writes them would take longer to import, check and copy them than it takes to draw them.
"""

from __future__ import annotations

import re
from typing import Any

import vl_convert

from harness.history import History
from harness.report.alerts import alert_marks
from harness.report.series import Bin, binned, fault_windows, points
from harness.report.size import decision_moments, size_panels
from harness.report.vega import BAD, FAULT, FAULT_EDGE, GOOD, HIGH, LETTER, POINT, WIDTH, Spec, layer, time_axis

VEGA_LITE = "6.4"
WAITS = ["half wait at most (p50)", "95 % wait at most (p95)"]

CONFIG: Spec = {
    "aria": False,  # the figure has one description; thousands of marks read aloud would help nobody
    "background": "#ffffff",
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",  # metrics that vl-convert knows, so that nothing overlaps
    "view": {"stroke": "#c9d1d6"},
    "axis": {"gridColor": "#e6eaec", "labelColor": "#33404a", "titleColor": "#33404a", "labelFontSize": 12},
    "legend": {"orient": "top", "labelFontSize": 12, "symbolStrokeWidth": 3, "title": None},
}


def run_chart(history: History, prefix: str, description: str) -> str:
    """Return the run's picture as an `<svg>` element that scales with the page.

    `prefix` makes its ids unique within the page; `description` is what a screen reader says instead.
    """
    bins = binned(history)
    faults = _faults(history, labels=False)
    spec = {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE}.json",
        "config": CONFIG,
        "vconcat": [_availability(history, bins), _latency(history, bins), *size_panels(history, faults)],
        "spacing": 12,
        "resolve": {"scale": {"x": "shared", "color": "independent"}},
    }
    return _inlined(vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE), prefix, description)


def _availability(history: History, bins: list[Bin]) -> Spec:
    rows = [
        {"from": b.start_s, "to": b.end_s, "share": round(b.share, 4), "all": 1} for b in bins if b.share is not None
    ]
    x = time_axis("from", history, title=None) | {"axis": {"labels": False}}
    axis = {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]}
    scale = {"domain": [0, 1.02], "nice": False}
    y = {"field": "share", "type": "quantitative", "scale": scale, "title": "good share", "axis": axis}
    bar = {"x": x, "x2": {"field": "to"}, "y": y}
    lost = layer(rows, {"type": "rect", "color": BAD, "opacity": 0.6}, bar | {"y2": {"field": "all"}})
    line = layer(rows, {"type": "rule", "color": GOOD, "strokeWidth": 2.5}, bar)
    return {"width": WIDTH, "height": 130, "layer": [*_faults(history, labels=True), lost, line, *alert_marks(history)]}


def _latency(history: History, bins: list[Bin]) -> Spec:
    x = time_axis("at", history, title="seconds since the run began")
    y = {"field": "s", "type": "quantitative", "title": "latency, s", "scale": {"domainMin": 0}}
    each = [{"at": at, "s": wait} for at, wait in points(history)]
    dots = layer(each, {"type": "point", "color": POINT, "size": 8, "filled": True, "opacity": 0.6}, {"x": x, "y": y})
    # A bin without a good answer is kept as null: the line must break there, not bridge an outage.
    rows = [
        {"at": (b.start_s + b.end_s) / 2, "s": wait, "which": which}
        for b in bins
        for which, wait in zip(WAITS, (b.p50_s, b.p95_s), strict=True)
    ]
    which = {"field": "which", "type": "nominal"}
    lines = layer(
        rows,
        {"type": "line", "strokeWidth": 2, "invalid": "break-paths-show-path-domains"},
        {
            "x": x,
            "y": y,
            "color": which | {"scale": {"domain": WAITS, "range": [GOOD, HIGH]}},
            "strokeDash": which | {"scale": {"domain": WAITS, "range": [[1, 0], [5, 3]]}, "legend": None},
        },
    )
    under = [*_faults(history, labels=False), *decision_moments(history)]
    return {"width": WIDTH, "height": 150, "layer": [*under, dots, lines]}


def _faults(history: History, labels: bool) -> list[Spec]:
    """Return the shaded windows; a window that was only planned, not measured, has no edges."""
    rows = [
        {"from": on, "to": off, "label": label if measured else f"{label} (planned)", "measured": measured}
        for on, off, label, measured in fault_windows(history)
    ]
    if not rows:
        return []
    at = {"field": "from", "type": "quantitative"}
    layers = [layer(rows, {"type": "rect", "color": FAULT, "opacity": 0.3}, {"x": at, "x2": {"field": "to"}})]
    for edge in ("from", "to"):
        rule = {"type": "rule", "color": FAULT_EDGE, "strokeDash": [4, 3]}
        edges = layer(rows, rule, {"x": {"field": edge, "type": "quantitative"}})
        layers.append(edges | {"transform": [{"filter": "datum.measured"}]})
    if labels:
        text = {"type": "text", "align": "left", "baseline": "bottom", "dx": 1, "dy": -3, "color": "#5c3c00"}
        where = {"x": at, "y": {"value": 0}, "text": {"field": "label", "type": "nominal"}}
        layers.append(layer(_with_room(rows, history.record.duration_s), text | {"fontSize": 12}, where))
    return layers


def _with_room(rows: list[dict[str, Any]], duration_s: float) -> list[dict[str, Any]]:
    """Return the rows whose label does not run into the one before it; the report's table names them all."""
    kept: list[dict[str, Any]] = []
    free_s = 0.0
    for row in sorted(rows, key=lambda row: float(row["from"])):
        if row["from"] >= free_s:
            kept.append(row)
            free_s = row["from"] + len(row["label"]) * LETTER * duration_s / WIDTH
    return kept


def _inlined(svg: str, prefix: str, description: str) -> str:
    """Make a stand-alone SVG fit to stand in a page beside others: ids of its own, a description, no fixed size."""
    names: dict[str, str] = {}
    for found in re.findall(r'\bid="([^"]+)"', svg):
        names.setdefault(found, f"{prefix}-{len(names)}")
    for old, new in names.items():
        svg = svg.replace(f'id="{old}"', f'id="{new}"').replace(f"url(#{old})", f"url(#{new})")
        svg = svg.replace(f'href="#{old}"', f'href="#{new}"')
    head, rest = svg.split(">", 1)
    view = re.search(r'viewBox="[^"]+"', head)
    label = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    box = view.group(0) if view else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{label}">{rest}'
