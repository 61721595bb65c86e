"""What a calibration found: `summary.json`, its goals, and whether they are met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.calibration.edges import Sighting
from harness.summary_schema import GeneratorPart, Part

BIAS_POINTS = 0.1
"""Largest error of availability (percentage points) that a calibrated instrument may show."""

FEWEST_ARRIVALS = 2
"""An edge is blurred by the way to the server, so one arrival at each edge may fall on the wrong side. Where a run is
so small that two arrivals are more than `BIAS_POINTS`, two arrivals are the bound."""

EDGE_MS = 100.0
"""An edge may be off by this and one mean arrival interval."""

OUTAGE_MS = 100.0
"""An outage as long as this must be seen, provided that about ten arrivals are due in it."""


class WayPart(Part):
    """How long (ms) arrivals took from when they were due to the server."""

    p50: float
    p99: float


class LostPart(Part):
    """Lost seconds: bad arrivals divided by the arrival rate."""

    true: float
    measured: float


class FormPart(Part):
    """One run. `true`, `measured` and `bias` (measured minus true) are shares; `bias_bound` is what it may be."""

    form: str
    true: float
    measured: float | None
    bias: float | None
    bias_bound: float
    scheduled: int
    true_good: int
    measured_good: int
    swapped: int
    lost_s: LostPart | None
    false_outages: int
    way_ms: WayPart | None
    generator: GeneratorPart | None
    run: str
    valid: bool
    void_because: list[str]


class OutagePart(Part):
    """One single outage: where it was (run time, s), and by how much (ms) its edges were seen elsewhere."""

    run: str
    form: str
    start_s: float
    lasts_ms: float
    start_error_ms: float | None
    end_error_ms: float | None
    seen: bool


class VerdictPart(Part):
    """A claim about a truth: the threshold, what its verdict must be, and what it was."""

    form: str
    wanted: str
    expected: str
    verdict: str
    right: bool


class EdgesPart(Part):
    """Absolute errors (ms) of the edges of all single outages; null where there are none or one was not found."""

    p50: float | None
    p99: float | None
    bound: float
    count: int


class CalibrationSummary(Part):
    """The whole of `results/calibration/summary.json`; docs/calibration.md says what each key means."""

    schema_version: Literal[1]
    when: str
    command: str
    script: str | None
    seed: int
    rate: float
    valid: bool
    because: list[str]
    forms: list[FormPart]
    edges_ms: EdgesPart
    smallest_outage_ms: float | None
    outages: list[OutagePart]
    verdicts: list[VerdictPart]
    repeated: dict[str, str]
    folder: str
    versions: dict[str, str]
    machine: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes; the key `schema` comes first."""
        found: dict[str, Any] = self.model_dump(mode="json")
        return {"schema": found.pop("schema_version"), **found}

    def write(self, path: Path) -> None:
        """Write it, so that a reader sees the old one or the new one."""
        temporary = path.with_name(path.name + ".new")
        text = json.dumps(self.plain(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def edge_bound_ms(rate: float) -> float:
    """Return by how much (ms) an edge may be off at `rate` arrivals a second."""
    return EDGE_MS + 1000 / rate


def least_outage_ms(rate: float) -> float:
    """Return the length (ms) from which on every outage must be seen: with ten arrivals, three are hardly missed."""
    return max(OUTAGE_MS, 10 * 1000 / rate)


def bias_bound(scheduled: int) -> float:
    """Return the largest allowed bias, as a share, of a run with so many arrivals."""
    return max(BIAS_POINTS / 100, FEWEST_ARRIVALS / scheduled)


def edges_of(sightings: list[Sighting], rate: float) -> EdgesPart:
    """Return the percentiles of all edges; one outage that was not found at all leaves none."""
    errors = [each for one in sightings for each in (one.start_error_ms, one.end_error_ms)]
    found = [abs(error) for error in errors if error is not None]
    bound = edge_bound_ms(rate)
    if not found or len(found) < len(errors):
        return EdgesPart(p50=None, p99=None, bound=bound, count=len(found))
    p50, p99 = np.percentile(found, [50, 99], method="inverted_cdf").tolist()
    return EdgesPart(p50=p50, p99=p99, bound=bound, count=len(found))


def smallest_seen_ms(sightings: list[Sighting]) -> float | None:
    """Return the shortest outage (ms) such that it and all that were longer were seen; None when there is none."""
    smallest: float | None = None
    for one in sorted(sightings, key=lambda s: s.outage.lasts_s, reverse=True):
        if not one.seen:
            break
        smallest = round(one.outage.lasts_s * 1000, 3)
    return smallest


def shortcomings(forms: list[FormPart], edges: EdgesPart, sightings: list[Sighting], rate: float) -> list[str]:
    """Return every goal that was missed, in words; none means that the calibration is valid."""
    reasons = [f"the run {f.form} is void: {reason}" for f in forms for reason in f.void_because]
    # Shares are fractions of the same count; the slack is for their binary rounding only.
    reasons += [
        f"the bias of {f.form} is {100 * f.bias:+.3f} points, more than {100 * f.bias_bound:.3f}"
        for f in forms
        if f.bias is not None and abs(f.bias) > f.bias_bound + 1e-12
    ]
    reasons += [
        f"{f.false_outages} outages were seen in {f.form} that were not there" for f in forms if f.false_outages
    ]
    least_ms = least_outage_ms(rate)
    for one in sightings:
        length_ms = one.outage.lasts_s * 1000
        if not one.seen and length_ms >= least_ms - 0.5:
            at = f"at {one.outage.start_s:.2f} s"
            reasons.append(f"the outage of {length_ms:.0f} ms ({one.outage.form}) {at} was not seen as it was")
    if edges.p99 is not None and edges.p99 > edges.bound:
        reasons.append(f"the edges of outages are off by {edges.p99:.0f} ms (p99), more than {edges.bound:.0f} ms")
    return reasons


def wrong_verdicts(verdicts: list[VerdictPart]) -> list[str]:
    """Return every verdict that is not what the truth demands, in words."""
    return [
        f"'{one.wanted}' of {one.form} was judged {one.verdict}, and it must be {one.expected}"
        for one in verdicts
        if not one.right
    ]
