"""Series on the wall clock: a metric with its labels, and values at moments that are never twice the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.history import Floats
from harness.observe.names import Metric

STEP_S = 1.0
HELD_S = 5.0
"""How long (s) what is known only at an end is repeated from there on."""

Moments = npt.NDArray[np.int64]
"""Milliseconds since 1970, rising: Prometheus knows nothing finer."""


@dataclass(frozen=True)
class Series:
    """One series. `suffix` is `_bucket`, `_count` or `_sum` of a histogram, '' else.

    Raises ValueError for other labels than the metric has, and for moments that do not rise.
    """

    metric: Metric
    labels: Mapping[str, str]
    at_ms: Moments
    values: Floats
    suffix: str = ""

    def __post_init__(self) -> None:
        wanted = (*self.metric.labels, "le") if self.suffix == "_bucket" else self.metric.labels
        if set(self.labels) != set(wanted):
            raise ValueError(f"{self.metric.name} has the labels {sorted(wanted)}, not {sorted(self.labels)}")
        if len(self.at_ms) != len(self.values) or np.any(np.diff(self.at_ms) <= 0):
            raise ValueError(f"the moments of {self.name} do not rise, or are not as many as its values")

    @property
    def name(self) -> str:
        """The name under which Prometheus holds it."""
        return self.metric.name + self.suffix


@dataclass(frozen=True)
class Axis:
    """The time axis of a run: a sample each second from `from_s` to `until_s` (run times); `t0_s` is s since 1970."""

    t0_s: float
    from_s: float
    until_s: float

    def ms(self, run_s: float) -> int:
        """Return the moment of a run time (s)."""
        return round((self.t0_s + run_s) * 1000)

    @property
    def grid_s(self) -> Floats:
        """Run times (s) of all samples: whole seconds of the run, and the last of them not before `until_s`."""
        return np.arange(np.floor(self.from_s), np.ceil(self.until_s) + STEP_S / 2, STEP_S)

    @property
    def grid(self) -> Moments:
        """The moments of all samples."""
        return self._moments(self.grid_s)

    def counted(self, times_s: Floats) -> Floats:
        """Return how many of the run times are over at each sample."""
        return np.searchsorted(np.sort(times_s), self.grid_s, side="right").astype(np.float64)

    def windows(self, windows: Iterable[tuple[float, float]]) -> tuple[Moments, Floats]:
        """Return 1 from each start until its end (run times), 0 else, with a sample right at every change."""
        spans = [(self.ms(start), self.ms(end)) for start, end in windows]
        at = np.union1d(self.grid, np.array([edge for span in spans for edge in span], dtype=np.int64))
        on = np.zeros(len(at))
        for start, end in spans:
            on[(at >= start) & (at < end)] = 1.0
        return at, on

    def steps(self, changes: Sequence[tuple[float, float]]) -> tuple[Moments, Floats]:
        """Return what was last said at each sample, from the first of the `changes` (run time, value) on."""
        known, values = self.said(changes)
        at = np.union1d(self.grid, known)
        at = at[at >= known[0]]
        return at, values[np.searchsorted(known, at, side="right") - 1]

    def said(self, values: Sequence[tuple[float, float]]) -> tuple[Moments, Floats]:
        """Return values at their own moments (run time, value); of two in one millisecond, the last."""
        at = {self.ms(at_s): value for at_s, value in sorted(values)}
        return np.array(list(at), dtype=np.int64), np.array(list(at.values()), dtype=np.float64)

    def held(self, value: float, from_s: float) -> tuple[Moments, Floats]:
        """Return a value that is known from a run time (s) on, for as long as such values are repeated."""
        at = self._moments(from_s + np.arange(0, HELD_S + STEP_S / 2, STEP_S))
        return at, np.full(len(at), float(value))

    def _moments(self, run_s: Floats) -> Moments:
        return np.round((self.t0_s + run_s) * 1000).astype(np.int64)
