"""Arrivals as counters and histograms, second by second: what users met, and what is counted apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from harness.arrivals import ABUSER
from harness.checks.base import ends, scheduled
from harness.history import Arrivals, Bools, Floats, History, Outcome, Strings
from harness.observe import names
from harness.observe.series import Axis, Series

LATELY_S = 10.0
QUANTILES = {"0.5": 50.0, "0.99": 99.0, "1": 100.0}
Labels = Mapping[str, str]


def last_end(history: History) -> float:
    """Return the run time (s) at which the last counted arrival was over."""
    over = ends(history.counted(), history.record.deadline_s)
    return float(np.max(over, initial=history.record.duration_s))


def arrival_series(history: History, axis: Axis, labels: Labels) -> Iterator[Series]:
    """Yield everything that is counted in arrivals. `labels` are those of the run.

    Their totals are those of `summary.json`: ok is `good`, all outcomes together are what availability divides by.
    """
    users, deadline_s = scheduled(history), history.record.deadline_s
    good, over = users.good(deadline_s), ends(users, deadline_s)
    outcome = outcomes(users, good)
    place = np.full(len(users), names.NO_PLACE, dtype=object) if users.place is None else users.place
    wait = over - users.due_s
    for where, here in _groups(place):
        mine = {**labels, "place": where}
        yield _counter(names.SCHEDULED, mine, axis, users.due_s[here])
        for kind, asked in _groups(users.kind, here):
            yield from _by_outcome(mine, kind, axis, over[asked], outcome[asked])
            answered = asked & good
            yield from _histogram(names.DURATION, {**mine, "kind": kind}, axis, over[answered], wait[answered])
    for provider, answered in _groups(users.provider, good):
        if provider:
            yield _counter(names.ANSWERS, {**labels, "provider": provider}, axis, over[answered])
    yield from _apart(history, axis, labels)
    yield from _lateness(users, axis, labels)


def outcomes(arrivals: Arrivals, good: Bools) -> Strings:
    """Return the outcome of each arrival as metrics have it: an answer that was right but late is one no more."""
    late = arrivals.ok & ~good
    return np.where(late, Outcome.DEADLINE.value, arrivals.outcome).astype(object)


def _groups(column: Strings, among: Bools | None = None) -> Iterator[tuple[str, Bools]]:
    """Yield each word of a column, and where it stands."""
    for word in sorted(set(column if among is None else column[among])):
        here = column == word
        yield str(word), np.asarray(here if among is None else here & among, dtype=np.bool_)


def _counter(metric: names.Metric, labels: Labels, axis: Axis, times_s: Floats) -> Series:
    return Series(metric, labels, axis.grid, axis.counted(times_s))


def _by_outcome(labels: Labels, kind: str, axis: Axis, over: Floats, outcome: Strings) -> Iterator[Series]:
    """Good has a series also where nothing was: a share of nothing is 0 and not unknown."""
    for word in sorted({Outcome.OK.value, *outcome}):
        yield _counter(names.ARRIVALS, {**labels, "kind": kind, "outcome": word}, axis, over[outcome == word])


def _histogram(metric: names.Metric, labels: Labels, axis: Axis, over: Floats, wait: Floats) -> Iterator[Series]:
    order = np.argsort(over, kind="stable")
    over, wait = over[order], wait[order]
    so_far = np.searchsorted(over, axis.grid_s, side="right")
    for bound in metric.buckets:
        inside = np.concatenate(([0], np.cumsum(wait <= bound)))[so_far].astype(np.float64)
        yield Series(metric, {**labels, "le": f"{bound}"}, axis.grid, inside, "_bucket")
    yield Series(metric, {**labels, "le": "+Inf"}, axis.grid, so_far.astype(np.float64), "_bucket")
    yield Series(metric, labels, axis.grid, so_far.astype(np.float64), "_count")
    yield Series(metric, labels, axis.grid, np.concatenate(([0.0], np.cumsum(wait)))[so_far], "_sum")


def _apart(history: History, axis: Axis, labels: Labels) -> Iterator[Series]:
    """What `scheduled` leaves out of the counted arrivals."""
    counted, deadline_s = history.counted(), history.record.deadline_s
    abuser = np.zeros(len(counted), dtype=np.bool_)
    if counted.client_class is not None:
        abuser = np.asarray(counted.client_class == ABUSER, dtype=np.bool_)
    over_limit = ~abuser & (counted.outcome == Outcome.LIMITED.value) & (history.record.clients is None)
    over, outcome = ends(counted, deadline_s), outcomes(counted, counted.good(deadline_s))
    for who, these in (("abuser", abuser), ("over_limit", over_limit)):
        for word, here in _groups(outcome, np.asarray(these, dtype=np.bool_)):
            yield _counter(names.APART, {**labels, "who": who, "outcome": word}, axis, over[here])


def _lateness(arrivals: Arrivals, axis: Axis, labels: Labels) -> Iterator[Series]:
    sent = ~np.isnan(arrivals.sent_s)
    order = np.argsort(arrivals.sent_s[sent], kind="stable")
    sent_s = arrivals.sent_s[sent][order]
    late_s = np.maximum(0.0, sent_s - arrivals.due_s[sent][order])
    until = np.searchsorted(sent_s, axis.grid_s, side="right")
    since = np.searchsorted(sent_s, axis.grid_s - LATELY_S, side="right")
    known = np.flatnonzero(until > since)
    if len(known) == 0:
        return
    found = np.array([np.percentile(late_s[since[k] : until[k]], list(QUANTILES.values())) for k in known])
    for column, word in enumerate(QUANTILES):
        yield Series(names.LATENESS, {**labels, "quantile": word}, axis.grid[known], found[:, column])
