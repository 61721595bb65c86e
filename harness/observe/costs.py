"""What a run cost, as series and as points: the figures of `cost.jsonl` in the counted window, see `harness.cost`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.cost import counted, window
from harness.observe import names
from harness.observe.points import Point
from harness.observe.series import Axis, Series

Labels = Mapping[str, str]
_KINDS = (
    ("components", names.COMPONENT_CPU, names.COMPONENT_MEMORY),
    ("harness", names.HARNESS_CPU, names.HARNESS_MEMORY),
)


def cost_series(
    roles: Mapping[str, str], rows: Sequence[Mapping[str, Any]], duration_s: float, axis: Axis, labels: Labels
) -> Iterator[Series]:
    """Yield processor time and memory of each part, at the moments of the rows."""
    rows = counted(rows, duration_s)
    for key, cpu, memory in _KINDS:
        for part in dict.fromkeys(part for row in rows for part in row[key]):
            named = {**labels, **_names(key, part, roles)}
            mine = [(row["t_s"], *row[key].get(part, (0.0, None))) for row in rows]
            yield Series(cpu, named, *axis.said([(t_s, used) for t_s, used, _ in mine]))
            held = [(t_s, float(size)) for t_s, _, size in mine if size is not None]
            if held:
                yield Series(memory, named, *axis.said(held))


def cost_points(
    roles: Mapping[str, str], rows: Sequence[Mapping[str, Any]], duration_s: float, labels: Labels
) -> Iterator[Point]:
    """Yield the same as it stands after the last row; nothing before the counted window has begun."""
    if not rows or rows[-1]["t_s"] <= 0:
        return
    begin, end = window(rows, duration_s)  # who asks each second must not be made to look at all of a long run
    for row in counted([rows[begin], rows[end]], duration_s)[-1:]:
        for key, cpu, memory in _KINDS:
            for part, (used, size) in row[key].items():
                named = {**labels, **_names(key, part, roles)}
                yield Point(cpu, named, used)
                if size is not None:
                    yield Point(memory, named, size)


def _names(key: str, part: str, roles: Mapping[str, str]) -> Labels:
    return {"process": part} if key == "harness" else {"component": part, "role": roles.get(part, part)}
