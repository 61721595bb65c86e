"""The arithmetic of the Kubernetes HorizontalPodAutoscaler, without its cluster: pure, no clock, no I/O.

Source: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/, "Algorithm details",
"Scaling policies" and "Stabilization window"; where the text is silent, `pkg/controller/podautoscaler/` of Kubernetes.
"""

from __future__ import annotations

import math
from collections import deque

TOLERANCE = 0.1  # the default of --horizontal-pod-autoscaler-tolerance


def recommend(load: float, ready: int, current: int, target: float, tolerance: float = TOLERANCE) -> int:
    """Return how many replicas `load` needs: ceil(ready * metric / target), where metric = load / ready.

    `load` and `target` have the same unit, `target` is per replica. `ready` (at least 1) of the `current` replicas
    serve. Returns `current` when metric / target lies within 1 +- `tolerance`; also when more are needed than are ready
    but those that are not ready yet, counted as serving nothing, will be enough.
    """
    ratio = load / ready / target
    if _near(ratio, tolerance):
        return current
    if ratio > 1 and current > ready and load / current / target <= 1 + tolerance:
        return current
    # Rounded: 3 * (10 / 3) / 2.5 is a hair above 4, and the ceiling of that would be a replica too many.
    return math.ceil(round(load / target, 9))


def _near(ratio: float, tolerance: float) -> bool:
    return abs(ratio - 1) <= tolerance + 1e-9  # 1.1 is within 0.1, although 1.1 - 1 > 0.1 in binary


class Window:
    """Scale-down stabilisation: nobody goes below what was recommended at any time in the last `span_s`.

    It only holds back: a high recommendation of the past does not scale up.
    """

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._recommended: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, replicas: int) -> None:
        """Remember a recommendation, and forget those that are older than the window."""
        self._recommended.append((now_s, replicas))
        while self._recommended[0][0] < now_s - self._span_s:
            self._recommended.popleft()

    def hold(self, current: int, wanted: int) -> int:
        """Return `wanted`, or, when that is fewer than `current`, what the window lets `current` go down to."""
        if wanted >= current:
            return wanted
        return min(current, max([wanted, *(replicas for _, replicas in self._recommended)]))


class ScaleUpLimit:
    """The policy {type: Percent, value: percent, periodSeconds: period_s}: so much may be added within a period."""

    def __init__(self, percent: float, period_s: float) -> None:
        self._percent = percent
        self._period_s = period_s
        self._added: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, replicas: int) -> None:
        """Remember that so many replicas were added."""
        self._added.append((now_s, replicas))

    def limit(self, now_s: float, current: int) -> int:
        """Return the most replicas that there may be now, never fewer than there are.

        The share is of what there was when the period began.
        """
        while self._added and self._added[0][0] <= now_s - self._period_s:
            self._added.popleft()
        began_with = max(0, current - sum(replicas for _, replicas in self._added))
        return max(current, math.ceil(round(began_with * (1 + self._percent / 100), 9)))
