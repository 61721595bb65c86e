"""From what was seen to how many replicas each service gets, and why: no I/O, the time is an argument."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from targets.parts.autoscaler.hpa import ScaleUpLimit, Window, recommend
from targets.parts.autoscaler.load import Load
from targets.parts.autoscaler.settings import Policy


class Reason(StrEnum):
    """Why a service gets the replicas that it gets. The first five change the number; the others keep it."""

    ABOVE_TARGET = "above_target"
    BELOW_TARGET = "below_target"
    BALANCING = "balancing"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    ON_TARGET = "on_target"
    AT_MAXIMUM = "at_maximum"
    AT_MINIMUM = "at_minimum"
    STABILISING = "stabilising"
    LIMITED = "limited"
    NO_METRICS = "no_metrics"
    PARTIAL_METRICS = "partial_metrics"
    NO_READY_REPLICA = "no_ready_replica"
    DISABLED = "disabled"

    @property
    def why(self) -> str:
        """The reason as people say it."""
        return _WHY[self]


_WHY = {
    Reason.ABOVE_TARGET: "more requests per replica than wanted",
    Reason.BELOW_TARGET: "fewer requests per replica than wanted, for the whole stabilisation window",
    Reason.BALANCING: "the load fits, but the zones differ in size",
    Reason.BELOW_MINIMUM: "somebody else set fewer than allowed",
    Reason.ABOVE_MAXIMUM: "somebody else set more than allowed",
    Reason.ON_TARGET: "so many are right for the load",
    Reason.AT_MAXIMUM: "needs more than it may get",
    Reason.AT_MINIMUM: "needs fewer than it must keep",
    Reason.STABILISING: "needs fewer, but not for long enough",
    Reason.LIMITED: "needs more, but so many were added just now",
    Reason.NO_METRICS: "no balancer answered",
    Reason.PARTIAL_METRICS: "would shrink, but a balancer did not answer",
    Reason.NO_READY_REPLICA: "its zone is away, or it is starting",
    Reason.DISABLED: "somebody set it to 0",
}


@dataclass(frozen=True)
class Seen:
    """A service as it is: replicas that the engine is to run, and those that can serve."""

    service: str
    replicas: int
    ready: int


@dataclass(frozen=True)
class Decision:
    """What a service gets. `metric` is requests in flight per ready replica over all zones, None when unknown.

    `needed` is what the formula came to before bounds, limits and stabilisation; None where it was not asked.
    """

    service: str
    current: int
    desired: int
    ready: int
    metric: float | None
    needed: int | None
    reason: Reason

    @property
    def direction(self) -> str:
        """`up`, `down` or `none`."""
        return "up" if self.desired > self.current else "down" if self.desired < self.current else "none"


@dataclass(frozen=True)
class _Whole:
    """The app over all its living zones. `needed` is per zone; None, as `metric`, when the load is not known."""

    living: tuple[Seen, ...]
    metric: float | None = None
    needed: int | None = None
    change: int = 0  # replicas that the app needs more than it has

    @classmethod
    def of(cls, services: Sequence[Seen], load: Load, policy: Policy) -> _Whole:
        living = tuple(one for one in services if one.replicas > 0 and one.ready > 0)
        if load.in_flight is None or not living:
            return cls(living)
        ready, current = sum(one.ready for one in living), sum(one.replicas for one in living)
        needed = recommend(load.in_flight, ready, current, policy.target, policy.tolerance)
        return cls(living, load.in_flight / ready, math.ceil(needed / len(living)), needed - current)


class Decider:
    """Decides for all services together. It remembers what it recommended and added, and nothing else."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._windows: dict[str, Window] = {}
        self._limits: dict[str, ScaleUpLimit] = {}

    def decide(self, now_s: float, services: Sequence[Seen], load: Load) -> list[Decision]:
        """Return a decision for each service. `now_s` is any clock that does not go back."""
        whole = _Whole.of(services, load, self._policy)
        decisions = []
        for one in services:
            desired, reason = self._paced(now_s, one, *self._recommended(one, load, whole))
            known = (whole.metric, whole.needed) if one in whole.living else (None, None)
            decisions.append(Decision(one.service, one.replicas, desired, one.ready, *known, reason))
        return decisions

    def scaled(self, now_s: float, decision: Decision) -> None:
        """Remember that the decision was carried out."""
        if decision.direction == "up":
            self._limits[decision.service].add(now_s, decision.desired - decision.current)

    def _recommended(self, one: Seen, load: Load, whole: _Whole) -> tuple[int, Reason]:
        """How many replicas the service should have, were there no yesterday."""
        low, high = self._policy.minimum, self._policy.maximum
        if one not in whole.living:
            return one.replicas, Reason.NO_READY_REPLICA if one.replicas else Reason.DISABLED
        if not low <= one.replicas <= high:
            return (low, Reason.BELOW_MINIMUM) if one.replicas < low else (high, Reason.ABOVE_MAXIMUM)
        if whole.needed is None:
            return one.replicas, Reason.NO_METRICS
        return self._by_load(one, load, whole.needed, whole.change)

    def _by_load(self, one: Seen, load: Load, needed: int, change: int) -> tuple[int, Reason]:
        bounded = min(max(needed, self._policy.minimum), self._policy.maximum)
        if bounded == one.replicas:
            at_bound = Reason.AT_MAXIMUM if needed > bounded else Reason.AT_MINIMUM
            return bounded, Reason.ON_TARGET if needed == bounded else at_bound
        if bounded > one.replicas:
            return bounded, Reason.ABOVE_TARGET if change > 0 else Reason.BALANCING
        if not load.complete:
            return one.replicas, Reason.PARTIAL_METRICS
        return bounded, Reason.BELOW_TARGET if change < 0 else Reason.BALANCING

    def _paced(self, now_s: float, one: Seen, recommended: int, reason: Reason) -> tuple[int, Reason]:
        """Apply stabilisation and limit; bounds that somebody else broke are mended at once."""
        name, current = one.service, one.replicas
        if name not in self._windows:  # seen for the first time: as if what is there had been right until now
            self._windows[name] = Window(self._policy.stabilise_s)
            self._windows[name].add(now_s, current)
            self._limits[name] = ScaleUpLimit(self._policy.scale_up_percent, self._policy.scale_up_period_s)
        # Where there is nothing to go by, what is there is recommended: the window begins when there is again.
        self._windows[name].add(now_s, recommended)
        if recommended == current or reason in {Reason.BELOW_MINIMUM, Reason.ABOVE_MAXIMUM}:
            return recommended, reason
        if recommended < current:
            desired, held = self._windows[name].hold(current, recommended), Reason.STABILISING
        else:
            desired, held = min(recommended, self._limits[name].limit(now_s, current)), Reason.LIMITED
        return (desired, reason) if desired != current else (current, held)
