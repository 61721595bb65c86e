"""What a campaign cost, as rows of a table, and what is said beside verdicts of an overloaded machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.report.words import NONE
from harness.wording import counted, trimmed

OTHERS = "everything else on this machine"


def cost_rows(cost: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the components, the parts of the harness, and what the engine, the kernel and all others used beside them.

    `of` says whose part it is.
    """
    rows = [{**part, "of": "target"} for part in cost["components"]]
    rows += [{**part, "of": "harness"} for part in cost["harness"]]
    if cost["busy_s"] is not None:
        left_s = max(0.0, cost["busy_s"] - sum(row["cpu_s"] for row in rows))
        share = left_s / (cost["seconds"] * cost["processors"])
        none = dict.fromkeys(("memory_max_bytes", "memory_mean_bytes"))
        rows.append({"name": OTHERS, "role": NONE, "of": NONE, "cpu_s": left_s, "share": share, **none})
    return rows


def cost_total(cost: dict[str, Any]) -> str:
    """Return what the target and the harness used, as a sentence."""
    target_s, harness_s = (sum(part["cpu_s"] for part in cost[whose]) for whose in ("components", "harness"))
    return (
        f"In {trimmed(cost['seconds'], 0)} s of counted time the target used {trimmed(target_s, 1)} s of a processor "
        f"and the harness {trimmed(harness_s, 1)} s, of {counted(cost['processors'], 'processors')}"
    )


def megabytes(value: int | None) -> str:
    """Return bytes as megabytes."""
    return NONE if value is None else f"{trimmed(value / 1e6, 1 if value < 20e6 else 0)} MB"


def overloaded_runs(claim: dict[str, Any]) -> str:
    """Return what must be said beside a verdict that rests on runs of an overloaded machine; '' where none was."""
    runs = claim.get("overloaded", [])
    if not runs:
        return ""
    return f"The machine was overloaded in {', '.join(runs)}: this may be the machine, and not the target."


FILTERS: dict[str, Callable[..., Any]] = {
    "cost_rows": cost_rows,
    "cost_total": cost_total,
    "megabytes": megabytes,
    "overloaded_runs": overloaded_runs,
}
