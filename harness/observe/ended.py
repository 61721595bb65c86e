"""What is known once a run is over: the figures of its part of the summary, from the run's end on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from harness.history import RunRecord
from harness.observe import names
from harness.observe.series import Axis, Series
from harness.summary_schema import FaultPart, RunPart

Labels = Mapping[str, str]
Known = tuple[names.Metric, Labels, float | None]
"""A metric, the labels that it has beside those of the run, and its value; None is not known and has no series."""


def series_of_end(record: RunRecord, part: RunPart, axis: Axis, labels: Labels, campaign: str) -> Iterator[Series]:
    """Yield what the summary knows about a run, from the axis' end on."""
    told = {"campaign": campaign, "repeat": str(record.repeat), "seed": str(record.seed)}
    known: list[Known] = [
        (names.RUN_INFO, told, 1.0),
        (names.RUN_VALID, {}, float(part.valid)),
        (names.AVAILABILITY, {}, part.availability.value),
        (names.AVAILABILITY_LOW, {}, part.availability.low),
        (names.AVAILABILITY_HIGH, {}, part.availability.high),
        *_latency(part),
        *_generator(part),
        *(
            (names.MESSAGES, {"state": state}, float(count))
            for state, count in (part.durability.model_dump() if part.durability else {}).items()
        ),
        *(known for strike, fault in enumerate(part.faults, start=1) for known in _fault(strike, fault, record)),
    ]
    for metric, more, value in known:
        if value is not None:
            yield Series(metric, {**labels, **more}, *axis.held(value, axis.until_s))


def _latency(part: RunPart) -> Iterator[Known]:
    """Where so many arrivals were bad that a quantile has no end, it is endless; without arrivals, unknown."""
    endless = None if part.availability.value is None else math.inf
    for of, figures, otherwise in (("scheduled", part.latency_ms, endless), ("good", part.good_latency_ms, None)):
        for quantile, value_ms in (("0.5", figures.p50), ("0.95", figures.p95), ("0.99", figures.p99)):
            yield names.LATENCY, {"quantile": quantile, "of": of}, otherwise if value_ms is None else value_ms / 1000


def _generator(part: RunPart) -> Iterator[Known]:
    late = part.generator
    if late is None:
        return
    figures = (("0.5", late.lateness_ms_p50), ("0.99", late.lateness_ms_p99), ("1", late.lateness_ms_max))
    for quantile, value_ms in figures:
        yield names.RUN_LATENESS, {"quantile": quantile}, None if value_ms is None else value_ms / 1000


def _fault(strike: int, fault: FaultPart, record: RunRecord) -> Iterator[Known]:
    """What did not happen in time is censored: how long it was waited for is known, and nothing more."""
    about = {"fault": fault.name, "target": fault.aimed_at, "strike": str(strike)}
    off_s = record.duration_s if fault.off_s is None else fault.off_s
    was_on_s = None if fault.on_s is None else off_s - fault.on_s
    yield names.LOST, about, fault.lost_s
    for metric, value, censored, watched_s in (
        (names.MITIGATION, fault.mitigated_after_s, fault.mitigation_censored, was_on_s),
        (names.RECOVERY, fault.recovered_after_s, fault.recovery_censored, fault.watched_s),
    ):
        yield metric, {**about, "censored": "true" if censored else "false"}, watched_s if censored else value
