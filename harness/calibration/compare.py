"""The truth of a run beside what the chain's summary says about it: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from harness.calibration.chain import WayThere
from harness.calibration.edges import CALM, Sighting, found_outages, sightings
from harness.calibration.result import FormPart, LostPart, OutagePart, WayPart, bias_bound, edge_bound_ms
from harness.calibration.script import Script
from harness.calibration.truth import bad_share, true_good, true_outages
from harness.history import Bools, Floats, History
from harness.summary_schema import GeneratorPart

LEAST_CLEAR_S = 0.3
"""Good time (s) that an outage needs on both sides for its edges to be compared."""


@dataclass(frozen=True)
class Truth:
    """A run's script, the due times (s) of all its arrivals and which of them are counted."""

    script: Script
    due_s: Floats
    counted: Bools

    def good(self) -> Bools:
        """Return which of the counted arrivals are good in truth."""
        return true_good(self.due_s, self.script)[self.counted]


class Compared(NamedTuple):
    """One run: its figures, its outages as rows, and what was seen of them."""

    form: FormPart
    rows: list[OutagePart]
    sightings: list[Sighting]


def compare(truth: Truth, history: History, run: dict[str, Any], way: WayThere | None) -> Compared:
    """Compare a run; `run` is its entry in the summary of the chain. A void run has no measured figures."""
    seen, strange = _look(truth.script, history)
    form = _form(truth, history, run, way)
    rows = [_row(run["run"], one) for one in seen]
    return Compared(form.model_copy(update={"false_outages": strange}), rows, seen)


def _look(script: Script, history: History) -> tuple[list[Sighting], int]:
    """Return what was seen of each true outage, and how many outages were seen where nothing was scripted."""
    if not history.record.valid:
        return [], 0
    arrivals, rate = history.counted(), history.record.rate_per_s
    found = found_outages(arrivals.due_s, arrivals.good(script.deadline_s), script.duration_s)
    # Edges are only clear where good times on both sides are longer than what the search takes for one outage.
    outages = true_outages(script, clear_s=max(LEAST_CLEAR_S, 4 * CALM / rate))
    cuts = [edge for e in script.episodes for edge in (e.start_s, e.end_s)]

    def scripted(start_s: float, end_s: float) -> bool:
        moments = [start_s, (start_s + end_s) / 2, end_s, *(cut for cut in cuts if start_s <= cut <= end_s)]
        return any(bad_share(script, moment) > 0 for moment in moments)

    strange = sum(not scripted(one.start_s, one.end_s) for one in found)
    return sightings(outages, found, edge_bound_ms(rate)), strange


def _form(truth: Truth, history: History, run: dict[str, Any], way: WayThere | None) -> FormPart:
    """Put the truth beside what the summary of the chain says."""
    true = truth.good()
    scheduled, good, valid = run["scheduled"], int(np.count_nonzero(true)), run["valid"]
    measured = run["availability"]["value"] if valid else None
    lost = run["faults"][0]["lost_s"] if valid and len(run["faults"]) == 1 else None
    true_lost = (scheduled - good) / history.record.rate_per_s
    return FormPart(
        form=truth.script.name,
        true=good / scheduled,
        measured=measured,
        bias=None if measured is None else measured - good / scheduled,
        bias_bound=bias_bound(scheduled),
        scheduled=scheduled,
        true_good=good,
        measured_good=run["good"],
        swapped=int(np.count_nonzero(true != history.counted().good(truth.script.deadline_s))),
        lost_s=None if lost is None else LostPart(true=true_lost, measured=lost),
        false_outages=0,
        way_ms=WayPart(**vars(way)) if way else None,
        generator=GeneratorPart(**run["generator"]) if run["generator"] else None,
        run=run["run"],
        valid=valid,
        void_because=run["void_because"],
    )


def _row(run: str, one: Sighting) -> OutagePart:
    return OutagePart(
        run=run,
        form=one.outage.form,
        start_s=round(one.outage.start_s, 6),
        lasts_ms=round(one.outage.lasts_s * 1000, 3),
        start_error_ms=one.start_error_ms,
        end_error_ms=one.end_error_ms,
        seen=one.seen,
    )
