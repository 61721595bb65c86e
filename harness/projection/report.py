"""`results/projection/<phase>.json` and `.md`: the projection, with what it rests on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.projection.project import Projection, Swing
from harness.provenance import git_state
from harness.stored import write_whole
from harness.summary import finite


def write_projection(folder: Path, projection: Projection, campaigns: Sequence[str]) -> Path:
    """Write both files; return the Markdown file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(finite(as_data(projection, campaigns)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / f"{projection.phase}.json", data)
    write_whole(folder / f"{projection.phase}.md", as_markdown(projection, campaigns))
    return folder / f"{projection.phase}.md"


def as_data(projection: Projection, campaigns: Sequence[str]) -> dict[str, Any]:
    """Return the projection as what `json.dumps` takes; docs/projection.md says what each key means."""
    git, p = git_state(), projection
    return {
        "schema": 1,
        "phase": p.phase,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": {"sha": git.sha, "dirty": git.dirty},
        "campaigns": list(campaigns),
        "years": p.years,
        "seed": p.seed,
        "availability": dict(zip(("mean", "low", "high"), p.availability, strict=True)),
        "minutes_lost_a_year": dict(zip(("mean", "low", "high"), p.minutes, strict=True)),
        "background": {"bad": p.quiet.bad, "of": p.quiet.total, "unseen_minutes": p.unseen_minutes},
        "what_if": {"rate": p.what_if.rate, "length": p.what_if.length, "once": p.what_if.once},
        "incidents": [_row(swing) for swing in p.swings],
        "not_measured": [{"id": incident.id, "what": incident.what, "because": why} for incident, why in p.missing],
        "claims": [
            {
                "id": one.claim.id,
                "claimed": one.claim.claimed,
                "at_least": one.claim.at_least,
                "chance": one.chance,
                "chance_with_unseen": one.cautious,
                "projected_verdict": one.verdict.value,
            }
            for one in p.claims
        ],
    }


def _row(swing: Swing) -> dict[str, Any]:
    incident, row = swing.row.incident, swing.row
    return {
        "id": incident.id,
        "what": incident.what,
        "experiment": row.experiment,
        "times": row.times,
        "per_year": incident.per_year.model_dump(),
        "minutes": incident.minutes.model_dump() if incident.minutes else None,
        "severity": incident.severity,
        "assumed": incident.assumed,
        "source": incident.source,
        "costs": [asdict(cost) for cost in row.costs],
        "minutes_lost_a_year": {"mean": swing.minutes, "low": swing.minutes_low, "high": swing.minutes_high},
    }


def as_markdown(projection: Projection, campaigns: Sequence[str]) -> str:
    """Return the report for people."""
    p = projection
    mean, low, high = p.availability
    minutes, least, most = p.minutes
    lines = [
        f"# A year of {p.phase}, projected",
        "",
        f"**A projection, not a measurement**: {p.years:,} years drawn from what runs measured and from how often "
        "incidents strike elsewhere (`harness/projection/incidents.toml`). It knows only the incidents below.",
        "",
        f"Availability {_percent(mean)} on average; 95 % of years between {_percent(low)} and {_percent(high)}. "
        f"Lost: {minutes:,.0f} minutes a year on average, 95 % of years between {least:,.0f} and {most:,.0f}.",
        "",
        *_claims(p),
        "## What eats the budget",
        "",
        "| incident | a year | lasts (median) | lost once | and of each second | minutes a year | at its range's ends "
        "| measured by |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(swing) for swing in p.swings),
        "",
    ]
    if p.missing:
        lines += ["Not measured, and so not counted:", ""]
        lines += [f"* {incident.what}: {why}." for incident, why in p.missing]
        lines.append("")
    lines += _background(p)
    if any(swing.row.incident.assumed for swing in p.swings):
        lines += ["\\* Rate or length is assumed: nobody was found who measured it.", ""]
    lines += ["## Sources", ""]
    lines += [f"* {swing.row.incident.what}: {swing.row.incident.source}." for swing in p.swings]
    lines += ["", f"Measured in: {', '.join(campaigns)}. Seed {p.seed}.", ""]
    return "\n".join(lines)


def _claims(p: Projection) -> list[str]:
    if not p.claims:
        return []
    lines = [
        "| claim | a year is that good with a chance of | with all that was not seen | projected |",
        "|---|---|---|---|",
        *(f"| {one.claim.claimed} | {one.chance:.1%} | {one.cautious:.1%} | {one.verdict.value} |" for one in p.claims),
    ]
    return [*lines, ""]


def _background(p: Projection) -> list[str]:
    if p.quiet.total == 0:
        return ["There is no valid run without a fault: failures without any incident are not counted.", ""]
    return [
        f"Without any fault {p.quiet.bad} of {p.quiet.total:,} requests failed. Failures too rare for so few requests "
        f"could add up to {p.unseen_minutes or 0:,.0f} minutes a year. "
        "More control runs (`make control`) bring that down.",
        "",
    ]


def _line(swing: Swing) -> str:
    incident, costs = swing.row.incident, swing.row.costs
    once = sum(cost.once_s for cost in costs) / len(costs)
    share = sum(cost.share for cost in costs) / len(costs)
    rate = incident.per_year
    often = f"{rate.likely:g} ({rate.low:g} to {rate.high:g})" + (
        f" x {swing.row.times}" if swing.row.times > 1 else ""
    )
    lasts = f"{incident.minutes.median:g} min" if incident.minutes else "until mended"
    runs = f"{swing.row.experiment}, {len(costs)} run{'s' if len(costs) > 1 else ''}"
    mark = " \\*" if incident.assumed else ""
    ends = f"{swing.minutes_low:,.1f} to {swing.minutes_high:,.1f}"
    loses = f"{once:.1f} s | {share:.1%} | {swing.minutes:,.1f} | {ends}"
    return f"| {incident.what}{mark} | {often} | {lasts} | {loses} | {runs} |"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %" if share < 0.999 else f"{100 * share:.6g} %"
