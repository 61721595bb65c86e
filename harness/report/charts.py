"""One picture per run: good share and latency over run time, with the fault windows shaded. Inline SVG, no script."""

from __future__ import annotations

import re
from typing import Any

import altair as alt
import vl_convert

from harness.history import History
from harness.report.series import binned, fault_windows, points

WIDTH = 860
GOOD, BAD, FAULT, FAULT_EDGE, POINT, HIGH = "#0f6b66", "#c8371f", "#f5c04a", "#8a5a00", "#9aa5ad", "#a03e86"
WAITS = ["half wait at most (p50)", "95 % wait at most (p95)"]
Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def run_chart(history: History, prefix: str, description: str) -> str:
    """Return the run's picture as an `<svg>` element that scales with the page.

    `prefix` makes its ids unique within the page; `description` is what a screen reader says instead.
    """
    end_s = history.record.duration_s
    chart = alt.vconcat(_availability(history, end_s), _latency(history, end_s), spacing=12)
    chart = chart.resolve_scale(x="shared", color="independent").configure(
        aria=False,  # the figure has one description; thousands of marks read aloud would help nobody
        background="#ffffff",
        font="Arial, Liberation Sans, Helvetica, sans-serif",  # metrics that vl-convert knows, so that nothing overlaps
        view=alt.ViewConfig(stroke="#c9d1d6"),
        axis=alt.AxisConfig(gridColor="#e6eaec", labelColor="#33404a", titleColor="#33404a", labelFontSize=12),
        legend=alt.LegendConfig(orient="top", labelFontSize=12, symbolStrokeWidth=3, title=None),
    )
    return _inlined(vl_convert.vegalite_to_svg(chart.to_json()), prefix, description)


def _availability(history: History, end_s: float) -> Chart:
    rows: list[dict[str, Any]] = [
        {"from": b.start_s, "to": b.end_s, "share": round(b.share, 4), "all": 1}
        for b in binned(history)
        if b.share is not None
    ]
    data = alt.InlineData(values=rows)
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, end_s], nice=False), title=None, axis=alt.Axis(labels=False))
    share = alt.Y("share:Q", scale=alt.Scale(domain=[0, 1.02], nice=False), title="good share", axis=_percent_axis())
    lost = alt.Chart(data).mark_rect(color=BAD, opacity=0.6).encode(x=x, x2="to:Q", y=share, y2="all:Q")
    line = alt.Chart(data).mark_rule(color=GOOD, strokeWidth=2.5).encode(x=x, x2="to:Q", y=share)
    return alt.layer(*_faults(history, labels=True), lost, line).properties(width=WIDTH, height=130)


def _latency(history: History, end_s: float) -> Chart:
    x = alt.X("at:Q", scale=alt.Scale(domain=[0, end_s], nice=False), title="seconds since the run began")
    y = alt.Y("s:Q", title="latency, s", scale=alt.Scale(domainMin=0))
    each = [{"at": at, "s": wait} for at, wait in points(history)]
    dots = (
        alt.Chart(alt.InlineData(values=each))
        .mark_point(color=POINT, size=8, filled=True, opacity=0.6)
        .encode(x=x, y=y)
    )
    rows: list[dict[str, Any]] = []
    for b in binned(history):
        middle = (b.start_s + b.end_s) / 2
        # A bin without a good answer is kept as null: the line must break there, not bridge an outage.
        rows.append({"at": middle, "s": b.p50_s, "which": WAITS[0]})
        rows.append({"at": middle, "s": b.p95_s, "which": WAITS[1]})
    colour = alt.Color("which:N", scale=alt.Scale(domain=WAITS, range=[GOOD, HIGH]))
    lines = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(strokeWidth=2, invalid="break-paths-show-path-domains")
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=alt.StrokeDash("which:N", scale=alt.Scale(domain=WAITS, range=[[1, 0], [5, 3]]), legend=None),
        )
    )
    return alt.layer(*_faults(history, labels=False), dots, lines).properties(width=WIDTH, height=150)


def _faults(history: History, labels: bool) -> list[alt.Chart]:
    """Return the shaded windows; a window that was only planned, not measured, has no edges."""
    rows = [
        {"from": on, "to": off, "label": label if measured else f"{label} (planned)", "measured": measured}
        for on, off, label, measured in fault_windows(history)
    ]
    if not rows:
        return []
    base = alt.Chart(alt.InlineData(values=rows))
    window = base.mark_rect(color=FAULT, opacity=0.3).encode(x="from:Q", x2="to:Q")
    seen = base.transform_filter("datum.measured")
    edges = [
        seen.mark_rule(color=FAULT_EDGE, strokeDash=[4, 3]).encode(x=alt.X(f"{edge}:Q")) for edge in ("from", "to")
    ]
    text = base.mark_text(align="left", baseline="bottom", dx=1, dy=-3, color="#5c3c00", fontSize=12).encode(
        x="from:Q", y=alt.value(0), text="label:N"
    )
    return [window, *edges, *([text] if labels else [])]


def _percent_axis() -> alt.Axis:
    return alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])


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
