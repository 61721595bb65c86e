"""What the API says about itself: Prometheus metrics and JSON logs. All names are in this file."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from targets.chat.errors import ChatError, ProviderError
from targets.chat.fitness import Fitness
from targets.chat.schemas import Readiness
from targets.chat.vitals import ContainerMemory, LoopLag

SLOW_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 45)  # around the 5 s claim
FAST_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4)
RECENT_CALLS, RECENT_S = 20, 60.0  # what `/v1/ready` calls recent

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class Telemetry:
    """The metrics of one app, in a registry of their own, so that several apps can live in one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began: twice the page for nothing
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(ContainerMemory())
        self.requests = Counter(
            "chat_http_requests_total", "HTTP responses.", ["method", "route", "status"], registry=registry
        )
        for status in ("200", "500", "502", "503", "504"):  # a series that begins above 0 hides its first rise
            self.requests.labels("POST", "/v1/chat", status)
        self.request_seconds = Histogram(
            "chat_http_request_duration_seconds",
            "From the request to the last byte of its response, streams included.",
            ["method", "route", "status"],
            buckets=SLOW_BUCKETS_S,
            registry=registry,
        )
        self.in_flight = Gauge("chat_http_requests_in_flight", "Requests being answered.", registry=registry)
        self.limits = Counter(
            "chat_rate_limit_decisions_total",
            "Requests by what the rate limiter said: allowed, limited, unknown (it could not be asked; they pass).",
            ["outcome"],
            registry=registry,
        )
        self.streams = Counter(
            "chat_streams_total",
            "Streams by how they ended: done, error, disconnected.",
            ["outcome"],
            registry=registry,
        )
        self.provider_calls = Counter(
            "chat_provider_calls_total", "Calls to AI providers.", ["provider", "outcome"], registry=registry
        )
        self.provider_seconds = Histogram(
            "chat_provider_call_duration_seconds",
            "From the call to the end of the answer.",
            ["provider", "outcome"],
            buckets=SLOW_BUCKETS_S,
            registry=registry,
        )
        self.first_token_seconds = Histogram(
            "chat_provider_first_token_seconds",
            "From the call to the first words of a streamed answer.",
            ["provider"],
            buckets=SLOW_BUCKETS_S,
            registry=registry,
        )
        self.attempts = Counter(
            "chat_provider_attempts_total",
            "Questions put to one AI provider, by how they ended (targets/chat/resilience).",
            ["provider", "outcome"],
            registry=registry,
        )
        self.attempt_seconds = Histogram(
            "chat_provider_attempt_duration_seconds",
            "From the question to one AI provider to the end of its answer.",
            ["provider", "outcome"],
            buckets=SLOW_BUCKETS_S,
            registry=registry,
        )
        self.failovers = Counter(
            "chat_provider_failovers_total",
            "Questions that went on to another AI provider, by the outcome at the one before ('open': not asked).",
            ["from_provider", "to_provider", "reason"],
            registry=registry,
        )
        self.failovers_denied = Counter(
            "chat_provider_failovers_denied_total",
            "Questions that would have gone on to this AI provider, had the budget of fail-overs allowed it.",
            ["provider"],
            registry=registry,
        )
        self.provider_rank = Gauge(
            "chat_provider_rank",
            "The place of an AI provider in the order in which they are asked; 1 is the first.",
            ["provider"],
            registry=registry,
        )
        self.retries = Counter(
            "chat_provider_retries_total",
            "Questions to be repeated at the same AI provider, by what the retry budget said: granted, denied.",
            ["provider", "decision"],
            registry=registry,
        )
        self.breaker_state = Gauge(
            "chat_provider_breaker_state",
            "1 for the state that the breaker of an AI provider is in: closed, open, half_open.",
            ["provider", "state"],
            registry=registry,
        )
        self.breaker_transitions = Counter(
            "chat_provider_breaker_transitions_total",
            "Changes of the breaker of an AI provider, by the state that it went to.",
            ["provider", "state"],
            registry=registry,
        )
        self.cache = Counter(
            "chat_cache_operations_total",
            "Cache operations: get (hit, miss, stale, error), put (ok, error).",
            ["operation", "outcome"],
            registry=registry,
        )
        self.store_seconds = Histogram(
            "chat_store_operation_duration_seconds",
            "Operations on the database, waiting for a connection included.",
            ["operation", "outcome"],
            buckets=FAST_BUCKETS_S,
            registry=registry,
        )
        self.messages = Counter("chat_messages_stored_total", "Messages made durable.", registry=registry)
        self._ready = Gauge("chat_ready", "Whether it could serve when it was last asked.", registry=registry)
        self._ready.set(1)
        self._dependencies = Gauge(
            "chat_dependency_up", "Whether a dependency was well then.", ["dependency"], registry=registry
        )
        self.loop_lag = LoopLag()
        lag = Gauge("chat_event_loop_lag_seconds", "The worst of the last 4 s.", registry=registry)
        lag.set_function(self.loop_lag.worst_s)
        self.recent = RecentCalls()
        self.fitness = Fitness()

    def saw(self, state: Readiness) -> None:
        """Show how the server and its dependencies are. Before that 1 stands: nothing speaks against it."""
        self._ready.set(state.status == "ready")
        for name, dependency in state.dependencies.items():
            self._dependencies.labels(name).set(dependency.ok)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    @contextmanager
    def store(self, operation: str) -> Iterator[None]:
        """Time an operation on the store. A client's mistake that the store found out is no error of the store."""
        started, outcome = time.perf_counter(), "error"
        try:
            yield
            outcome = "ok"
        except ChatError as error:
            outcome = "ok" if error.status < 500 else "error"
            raise
        finally:
            self.store_seconds.labels(operation, outcome).observe(time.perf_counter() - started)

    @contextmanager
    def provider(self, name: str) -> Iterator[None]:
        """Time a call to a provider and count how it ended; 'cancelled' when the client went away."""
        started, outcome = time.perf_counter(), "cancelled"
        try:
            yield
            outcome = "ok"
        except ProviderError as error:
            outcome = error.outcome
            raise
        except Exception:
            outcome = "error"
            raise
        finally:
            self.provider_calls.labels(name, outcome).inc()
            self.provider_seconds.labels(name, outcome).observe(time.perf_counter() - started)
            if outcome != "cancelled":
                self.recent.add(outcome == "ok")


class RecentCalls:
    """How the last provider calls went: what can be said about a provider without paying for one more call."""

    def __init__(self) -> None:
        self._calls: deque[tuple[float, bool]] = deque(maxlen=RECENT_CALLS)

    def add(self, good: bool) -> None:
        """Remember a call that has ended."""
        self._calls.append((time.monotonic(), good))

    def counts(self) -> tuple[int, int]:
        """Return how many calls ended in the last minute (of the last 20) and how many of them failed."""
        recent = [good for moment, good in self._calls if time.monotonic() - moment <= RECENT_S]
        return len(recent), recent.count(False)


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, request_id, and what was passed as `extra`."""

    _own = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line.update({key: value for key, value in vars(record).items() if key not in self._own})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json(level: str = "INFO") -> None:
    """Send our own logs, and the warnings of the libraries that talk to the network, to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name, at in {"chat": level, "psycopg": "ERROR"}.items():  # the pool's warnings repeat what we log ourselves
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(at)
        logger.propagate = False
