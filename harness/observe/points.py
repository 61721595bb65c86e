"""Metrics as they stand now, for prometheus-client to print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric as Family

from harness.observe.names import METRICS, Metric
from harness.observe.series import Series


@dataclass(frozen=True)
class Point:
    """One series as it stands now. `suffix` is `_bucket`, `_count` or `_sum` of a histogram, '' else."""

    metric: Metric
    labels: Mapping[str, str]
    value: float
    suffix: str = ""


def last_points(series: Iterable[Series]) -> list[Point]:
    """Return how each series ends."""
    return [Point(one.metric, one.labels, float(one.values[-1]), one.suffix) for one in series]


def families(points: Iterable[Point]) -> Iterator[Family]:
    """Yield the points by metric, in the order of `names.METRICS`."""
    by_metric: dict[str, Family] = {}
    for point in points:
        metric = point.metric
        family = by_metric.setdefault(metric.name, Family(metric.family, metric.help, metric.kind))
        family.add_sample(metric.name + point.suffix, dict(point.labels), point.value)
    yield from (by_metric[metric.name] for metric in METRICS if metric.name in by_metric)
