"""Counts the arrivals of a run while it goes on, from `raw.jsonl` as it grows, as `arrivals.parquet` will have them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from harness.history import Bools, Floats, Kind, Outcome
from harness.load.plan import Plan
from harness.load.progress import Tail
from harness.observe import names
from harness.observe.arrivals import LATELY_S, QUANTILES
from harness.observe.points import Point
from harness.places import PLACES

Labels = Mapping[str, str]


class Tally:
    """What is known so far of the counted arrivals of a plan. `paths` are the files of all workers.

    Everybody is a client of their own, so that a 429 for one of the users counts as any other failure does; only
    records that are older than that (`harness.checks.base.scheduled`) count it apart.
    """

    def __init__(self, paths: Sequence[Path], plan: Plan, deadline_s: float) -> None:
        self._tails = [Tail(path) for path in paths]
        self._deadline_s = deadline_s
        self._due_s, self._counted = plan.due_s, plan.counted
        self._abuser: Bools = np.zeros(len(plan), dtype=np.bool_) if plan.abuser is None else plan.abuser
        words = [names.NO_PLACE] if plan.place is None else list(PLACES)
        self._place = np.zeros(len(plan), dtype=np.int8) if plan.place is None else plan.place
        self._words = words
        users = plan.counted & ~self._abuser
        self._due_by_place: dict[str, Floats] = {
            word: due for k, word in enumerate(words) if len(due := plan.due_s[users & (self._place == k)])
        }
        # All that may come is there from the beginning, at 0: Prometheus does not see a series' first step.
        self._ended = Counter(
            {(place, kind, outcome.value): 0 for place in self._due_by_place for kind in Kind for outcome in Outcome}
        )
        self._abuse: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._waits = {
            (place, kind): [0] * (len(names.LATENCY_BUCKETS) + 1) for place in self._due_by_place for kind in Kind
        }
        self._waited_s: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._late: deque[tuple[float, float]] = deque()

    def look(self, now_s: float) -> None:
        """Take what has been written since the last look, at run time `now_s`."""
        for tail in self._tails:
            for record in tail.new():
                if self._counted[record["seq"]]:
                    self._take(record, now_s)
        while self._late and self._late[0][0] < now_s - LATELY_S:
            self._late.popleft()

    def _take(self, record: Mapping[str, Any], now_s: float) -> None:
        seq, outcome, ended_s = record["seq"], record["outcome"], record["ended_s"]
        due_s = float(self._due_s[seq])
        wait_s = self._deadline_s if ended_s is None else ended_s - due_s
        if outcome == Outcome.OK.value and wait_s > self._deadline_s:
            outcome = Outcome.DEADLINE.value
        if self._abuser[seq]:
            self._abuse[outcome] += 1
            return
        if record["sent_s"] is not None:
            self._late.append((now_s, max(0.0, record["sent_s"] - due_s)))
        place, kind = self._words[self._place[seq]], record["kind"]
        self._ended[place, kind, outcome] += 1
        if outcome == Outcome.OK.value:
            self._waits[place, kind][bisect_left(names.LATENCY_BUCKETS, wait_s)] += 1
            self._waited_s[place, kind] += wait_s
            if record["provider"]:
                self._answers[record["provider"]] += 1

    def points(self, labels: Labels, now_s: float) -> Iterator[Point]:
        """Yield everything that is counted so far, with the run's `labels`."""
        for place, due_s in self._due_by_place.items():
            due = float(np.searchsorted(due_s, now_s, side="right"))
            yield Point(names.SCHEDULED, {**labels, "place": place}, due)
        for (place, kind, outcome), count in self._ended.items():
            yield Point(names.ARRIVALS, {**labels, "place": place, "kind": kind, "outcome": outcome}, count)
        for outcome, count in self._abuse.items():
            yield Point(names.APART, {**labels, "who": "abuser", "outcome": outcome}, count)
        for provider, count in self._answers.items():
            yield Point(names.ANSWERS, {**labels, "provider": provider}, count)
        for (place, kind), counts in self._waits.items():
            yield from self._histogram({**labels, "place": place, "kind": kind}, counts, self._waited_s[place, kind])
        if self._late:
            found = np.percentile([late for _, late in self._late], list(QUANTILES.values())).tolist()
            for word, value in zip(QUANTILES, found, strict=True):
                yield Point(names.LATENESS, {**labels, "quantile": word}, value)

    @staticmethod
    def _histogram(labels: Labels, counts: Sequence[int], waited_s: float) -> Iterator[Point]:
        so_far = list(accumulate(counts))
        bounds = [*map(str, names.LATENCY_BUCKETS), "+Inf"]
        for bound, count in zip(bounds, so_far, strict=True):
            yield Point(names.DURATION, {**labels, "le": bound}, count, "_bucket")
        yield Point(names.DURATION, labels, so_far[-1], "_count")
        yield Point(names.DURATION, labels, waited_s, "_sum")
