"""What the autoscaler says about itself: metrics, decisions as JSON, a log line whenever the reason changes."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from targets.parts.autoscaler.decide import Decision
from targets.parts.autoscaler.load import Load

KEPT = 4000  # decisions: 67 minutes of two services each 2 s, 1 MB as JSON

_log = logging.getLogger("autoscaler")


class Record:
    """The metrics of one autoscaler, and its last decisions."""

    def __init__(self, target: float) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began: twice the page for nothing
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._target = target

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"autoscaler_{name}", text, labels, registry=registry)

        self._desired = gauge("desired_replicas", "Replicas that the service should have.", "service")
        self._current = gauge("current_replicas", "Replicas that the engine was told to run.", "service")
        self._ready = gauge("ready_replicas", "Replicas that can serve.", "service")
        self._needed = gauge("needed_replicas", "What the formula came to, before bounds and stabilisation.", "service")
        self._metric = gauge("metric_value", "Requests in flight per ready replica; NaN when unknown.", "service")
        self._in_flight = gauge("in_flight_requests", "Requests in flight at the balancers; NaN when unknown.")
        self._complete = gauge("load_complete", "1 when all balancers answered, else 0.")
        gauge("metric_target", "Requests in flight that a replica should hold.").set(target)
        self._last_round = gauge("last_round_timestamp_seconds", "When the last round ended (s since 1970).")
        self._info = gauge("last_decision_info", "Always 1.", "service", "direction", "reason")
        self._decisions = Counter(
            "autoscaler_decisions_total", "Decisions.", ["service", "direction", "reason"], registry=registry
        )
        self._errors = Counter("autoscaler_errors_total", "What did not answer.", ["source"], registry=registry)
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._last: dict[str, Decision] = {}
        self._troubles: dict[str, str] = {}

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def since(self, moment: float) -> list[dict[str, Any]]:
        """Return the kept decisions that were taken after `moment` (s since 1970), the oldest first."""
        return [decision for decision in self._kept if decision["time"] > moment]

    def trouble(self, source: str, error: str | None) -> None:
        """Count that a source failed, or note (None) that it did not; logged when that is news."""
        if error is not None:
            self._errors.labels(source).inc()
        if error is not None and source not in self._troubles:
            _log.warning("trouble", extra={"source": source, "error": error})
            self._troubles[source] = error
        if error is None and self._troubles.pop(source, None) is not None:
            _log.info("trouble is over", extra={"source": source})

    def load(self, load: Load) -> None:
        """Show the load."""
        self._in_flight.set(math.nan if load.in_flight is None else load.in_flight)
        self._complete.set(load.complete)

    def round_ended(self, wall_s: float) -> None:
        """Show that the loop is alive."""
        self._last_round.set(wall_s)

    def decided(self, wall_s: float, load: Load, decisions: Sequence[tuple[Decision, bool]]) -> None:
        """Keep, count and log decisions, each with whether it was carried out (true where there was nothing to do)."""
        for decision, applied in decisions:
            self._show(decision)
            line = self._line(wall_s, load, decision, applied)
            self._kept.append(line)
            before = self._last.get(decision.service)
            if before is None or before.reason != decision.reason or decision.direction != "none":
                _log.info("decision", extra={key: value for key, value in line.items() if key != "time"})
            if before is not None:
                self._info.remove(before.service, before.direction, before.reason.value)
            self._info.labels(decision.service, decision.direction, decision.reason.value).set(1)
            self._last[decision.service] = decision

    def _show(self, decision: Decision) -> None:
        name = decision.service
        self._desired.labels(name).set(decision.desired)
        self._current.labels(name).set(decision.current)
        self._ready.labels(name).set(decision.ready)
        self._needed.labels(name).set(math.nan if decision.needed is None else decision.needed)
        self._metric.labels(name).set(math.nan if decision.metric is None else decision.metric)
        self._decisions.labels(name, decision.direction, decision.reason.value).inc()

    def _line(self, wall_s: float, load: Load, decision: Decision, applied: bool) -> dict[str, Any]:
        return {
            "time": round(wall_s, 3),
            "service": decision.service,
            "current": decision.current,
            "desired": decision.desired,
            "ready": decision.ready,
            "needed": decision.needed,
            "metric": None if decision.metric is None else round(decision.metric, 3),
            "target": self._target,
            "in_flight": None if load.in_flight is None else round(load.in_flight, 3),
            "direction": decision.direction,
            "reason": decision.reason.value,
            "why": decision.reason.why,
            "applied": applied,
        }
