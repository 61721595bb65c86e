"""What the panels of a run's picture share: how wide they are, their colours, and the axis of time."""

from __future__ import annotations

from typing import Any

from harness.history import History

WIDTH = 860
LETTER = 6.5  # about how wide a letter of a label is, in the same units
GOOD, BAD, FAULT, FAULT_EDGE, POINT, HIGH = "#0f6b66", "#c8371f", "#f5c04a", "#8a5a00", "#9aa5ad", "#a03e86"
Spec = dict[str, Any]


def layer(rows: list[dict[str, Any]], mark: Spec, encoding: Spec) -> Spec:
    """Return a layer that draws each row as a mark."""
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def time_axis(name: str, history: History, title: str | None) -> Spec:
    """Return the x axis, which reaches over the whole run; `name` is the rows' key for the moment (s)."""
    scale = {"domain": [0, history.record.duration_s], "nice": False}
    return {"field": name, "type": "quantitative", "scale": scale, "title": title}
