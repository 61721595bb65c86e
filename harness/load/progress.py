"""How the run goes, for the live view: reads `raw.jsonl` while it grows."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.history import Floats, Outcome


@dataclass(frozen=True)
class Progress:
    """The last `window_s` seconds of run time, and the totals since the plan began.

    `outcomes` counts arrivals that ended within the window, `due` those that were due in it. `availability` is OK
    among all that ended in the window (429 left out), None when nothing did. Latencies (ms) are those of OK answers
    from their due times, None when there is none. `in_flight` grows while a target hangs.
    """

    window_s: float
    outcomes: dict[str, int]
    due: int
    availability: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None
    planned_total: int
    due_total: int
    ended_total: int
    good_total: int

    @property
    def in_flight(self) -> int:
        """Arrivals that are due and have not ended."""
        return max(0, self.due_total - self.ended_total)


class Tail:
    """Follows a growing file of JSON lines, from wherever the last look ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[dict[str, Any]]:
        """Return the objects of the lines that were completed since the last call."""
        if not self._path.is_file():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            block = file.read()
        whole = block[: block.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


class Watch:
    """Keeps what ended lately. `due_s` are the due times (s) of the plan, in order."""

    def __init__(self, paths: Sequence[Path], due_s: Floats) -> None:
        self._tails = [Tail(path) for path in paths]
        self._due_s = due_s
        self._lately: deque[tuple[float, str, float]] = deque()
        self._ended = 0
        self._good = 0

    def look(self, now_s: float, window_s: float) -> Progress:
        """Return the progress at run time `now_s`. A window must not be longer than those asked for before."""
        for record in (record for tail in self._tails for record in tail.new()):
            self._ended += 1
            self._good += record["outcome"] == Outcome.OK.value
            if record["ended_s"] is not None:
                latency = record["ended_s"] - float(self._due_s[record["seq"]])
                self._lately.append((record["ended_s"], record["outcome"], latency))
        if len(self._tails) > 1:  # each is in order, all together are not
            self._lately = deque(sorted(self._lately))
        while self._lately and self._lately[0][0] < now_s - window_s:
            self._lately.popleft()
        outcomes = Counter(outcome for _, outcome, _ in self._lately)
        latencies = [latency * 1000 for _, outcome, latency in self._lately if outcome == Outcome.OK.value]
        p50, p95 = np.percentile(latencies, [50, 95]).tolist() if latencies else (None, None)
        served = outcomes.total() - outcomes[Outcome.LIMITED.value]
        before, until = np.searchsorted(self._due_s, [now_s - window_s, now_s], side="right").tolist()
        return Progress(
            window_s=window_s,
            outcomes=dict(outcomes),
            due=until - before,
            availability=outcomes[Outcome.OK.value] / served if served else None,
            latency_ms_p50=p50,
            latency_ms_p95=p95,
            planned_total=len(self._due_s),
            due_total=until,
            ended_total=self._ended,
            good_total=self._good,
        )
