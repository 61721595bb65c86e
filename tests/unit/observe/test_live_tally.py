"""What is counted while a run goes on is what its record has in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.arrivals import ABUSER
from harness.history import Arrivals, History, Kind, Outcome
from harness.load.plan import Plan
from harness.load.rawlog import RawLog, Record
from harness.load.rows import KINDS
from harness.observe import names
from harness.observe.arrivals import arrival_series
from harness.observe.points import Point, last_points
from harness.observe.series import Axis
from harness.observe.tally import Tally
from harness.places import PLACES
from tests.fakes.histories import Trouble, history
from tests.fakes.observed import abused, crashed

LABELS = dict.fromkeys(names.RUN, "x")
COUNTED = (names.ARRIVALS, names.SCHEDULED, names.APART, names.DURATION, names.ANSWERS)


def plan_of(arrivals: Arrivals) -> Plan:
    words = list(PLACES)
    place, abuser = arrivals.place, arrivals.client_class
    return Plan(
        due_s=arrivals.due_s,
        kind=np.array([KINDS.index(Kind(kind)) for kind in arrivals.kind], dtype=np.int8),
        counted=arrivals.counted,
        fresh=np.zeros(len(arrivals), dtype=np.bool_),
        pick=np.zeros(len(arrivals)),
        place=None if place is None else np.array([words.index(word) for word in place], dtype=np.int8),
        abuser=None if abuser is None else np.asarray(abuser == ABUSER, dtype=np.bool_),
    )


def write_raw(path: Path, arrivals: Arrivals, upto_s: float, since_s: float = -np.inf) -> None:
    log = RawLog(path)
    for k in np.argsort(arrivals.ended_s):
        if since_s < arrivals.ended_s[k] <= upto_s:
            log.add(
                Record(
                    int(arrivals.seq[k]), Kind(arrivals.kind[k]), float(arrivals.sent_s[k]), None,
                    float(arrivals.ended_s[k]), Outcome(arrivals.outcome[k]), provider=arrivals.provider[k],
                )
            )  # fmt: skip
    log.close()


def counts(points: list[Point]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (point.metric.name + point.suffix, frozenset(point.labels.items())): point.value
        for point in points
        if point.metric in COUNTED and point.value
    }


def late() -> History:
    """Answers that are right and come after the deadline."""
    return history(Trouble(5.0, 9.0, Outcome.OK, after_s=10.5), clients=10)


@pytest.mark.parametrize("make", [crashed, abused, late])
def test_the_same_in_the_end(tmp_path: Path, make: Callable[[], History]) -> None:
    made = make()
    path, record = tmp_path / "raw.jsonl", made.record
    tally = Tally([path], plan_of(made.arrivals), record.deadline_s)
    tally.look(-3.0)
    begun = counts(list(tally.points(LABELS, -3.0)))
    assert begun == {}, "nothing was counted before anything was there"
    write_raw(path, made.arrivals, 20.0)
    tally.look(20.0)
    half = counts(list(tally.points(LABELS, 20.0)))
    write_raw(path, made.arrivals, np.inf, since_s=20.0)
    tally.look(60.0)
    whole = counts(list(tally.points(LABELS, 60.0)))
    axis = Axis(0.0, -4.0, 60.0)
    final = counts(last_points(arrival_series(made, axis, LABELS)))
    assert whole.keys() == final.keys()
    for key, value in final.items():
        assert whole[key] == pytest.approx(value)
        assert half.get(key, 0.0) <= value
    assert 0 < sum(half.values()) < sum(final.values())


def test_everything_that_may_come_begins_at_nothing(tmp_path: Path) -> None:
    made = history(clients=10)
    tally = Tally([tmp_path / "raw.jsonl"], plan_of(made.arrivals), 10.0)
    points = list(tally.points(LABELS, -3.0))
    outcomes = {point.labels["outcome"] for point in points if point.metric is names.ARRIVALS}
    assert outcomes == {outcome.value for outcome in Outcome}
    assert all(point.value == 0 for point in points)


def test_lateness_is_of_the_last_seconds(tmp_path: Path) -> None:
    made = history(clients=10)
    path = tmp_path / "raw.jsonl"
    tally = Tally([path], plan_of(made.arrivals), 10.0)
    write_raw(path, made.arrivals, 20.0)
    tally.look(20.0)
    late_s = {p.labels["quantile"]: p.value for p in tally.points(LABELS, 20.0) if p.metric is names.LATENESS}
    assert late_s == {"0.5": pytest.approx(0.001), "0.99": pytest.approx(0.001), "1": pytest.approx(0.001)}
    tally.look(31.0)
    assert not [p for p in tally.points(LABELS, 31.0) if p.metric is names.LATENESS]
