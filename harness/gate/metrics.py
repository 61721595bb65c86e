"""What the gate compares: every metric with its unit, its bad direction, and the margin below which nobody would care.

A margin is the larger of an absolute and a relative difference. It is part of the decision: a target is *worse* when
the whole interval of the paired differences lies beyond the margin. Latencies are compared as ratios: what slows a
target multiplies them, and on a linear scale a large and uneven worsening would be its own noise. Reasons for the
figures are in `docs/gate.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Where(StrEnum):
    """In which experiments a metric is judged; it is recorded in all of them."""

    CALM = "without a fault"
    FAULT = "with a fault"
    ALL = "always"


@dataclass(frozen=True)
class Metric:
    """One figure per run. `absolute` is in `unit`, `relative` a share of the baseline's mean; the larger counts.

    `as_ratio`: pairs are compared by the logarithm of after / before.
    """

    name: str
    unit: str
    says: str
    absolute: float
    relative: float = 0.0
    lower_is_worse: bool = False
    where: Where = Where.ALL
    as_ratio: bool = False

    def declared_margin(self, before: float) -> float:
        """Return the margin for a baseline whose mean is `before`, in the metric's unit."""
        return max(self.absolute, self.relative * abs(before))


METRICS: tuple[Metric, ...] = (
    Metric("availability", "share", "good / scheduled", 0.005, lower_is_worse=True, where=Where.CALM),
    Metric("read_p50_s", "s", "median latency of reads", 0.003, 0.10, where=Where.CALM, as_ratio=True),
    Metric("read_p95_s", "s", "95th percentile of reads", 0.012, 0.25, where=Where.CALM, as_ratio=True),
    Metric("chat_p50_s", "s", "median latency of plain chats", 0.020, 0.02, where=Where.CALM, as_ratio=True),
    Metric("chat_p95_s", "s", "95th percentile of plain chats", 0.060, 0.05, where=Where.CALM, as_ratio=True),
    Metric(
        "first_byte_p50_s", "s", "median time to a stream's first byte", 0.020, 0.04, where=Where.CALM, as_ratio=True
    ),
    Metric("lost_s", "s", "bad arrivals / arrival rate", 1.0, 0.10, where=Where.FAULT),
    Metric("recovery_s", "s", "longest recovery, at most the time watched", 1.0, 0.25, where=Where.FAULT),
    Metric("wait_mean_s", "s", "mean time until an arrival was over, well or not", 0.25, 0.10, where=Where.FAULT),
    Metric("failure_wait_s", "s", "mean time until a bad arrival was over", 0.5, 0.10, where=Where.FAULT),
    Metric("messages_lost", "messages", "acknowledged and not found again", 0.0),
)
