"""Every metric and label of the harness: name, type, help, labels. Dashboards and rules use nothing else of `chaos_*`.

Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for counters, `_ratio` for shares.

    good          is outcome="ok": right, complete and inside the deadline, counted from the due time
    availability  is ok / all outcomes of `chaos_arrivals_total`; what does not count for it is in `..._apart_total`
    counted       arrivals of the warm-up are in no series, as they are in no verdict
    run           is unique over all campaigns: `<campaign>/<run>`

Counters begin with 0 at the start of their run, so that `increase()` over the whole run misses nothing. A gauge
without an end of its own keeps its last value for Prometheus' lookback: ask for the end with `last_over_time`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PREFIX = "chaos_"
RUN = ("phase", "experiment", "run")
"""The labels of everything that belongs to a run."""

NO_PLACE = "anywhere"
"""The place of users in a run that has no places."""

LATENCY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0)
"""Upper bounds (s) of the latency histogram: every objective of the claims is one of them. `+Inf` follows."""

Kind = Literal["counter", "gauge", "histogram", "summary"]


@dataclass(frozen=True)
class Metric:
    """One metric. `buckets` are the upper bounds of a histogram, `+Inf` not among them.

    Summaries are quantiles alone, without sum and count: those are in the histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """Its name in OpenMetrics, where the `_total` of a counter belongs to the sample and not to the family."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus holds it."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(PREFIX + name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(PREFIX + name, "gauge", text, labels)


def _summary(name: str, text: str, *labels: str) -> Metric:
    return Metric(PREFIX + name, "summary", text, labels)


# Arrivals: what users met.

ARRIVALS = _counter(
    "arrivals_total",
    "Counted arrivals that are over, by outcome: ok is good, anything else (limited, too) is not. "
    "An answer that came after its deadline is outcome=deadline.",
    *RUN, "place", "kind", "outcome",
)  # fmt: skip
SCHEDULED = _counter(
    "arrivals_scheduled_total", "Counted arrivals by the moment at which they were due, sent or not.", *RUN, "place"
)
APART = _counter(
    "arrivals_apart_total",
    "Arrivals that do not count for availability: who=abuser, or who=over_limit in runs older than separate clients.",
    *RUN, "who", "outcome",
)  # fmt: skip
DURATION = Metric(
    PREFIX + "arrival_duration_seconds",
    "histogram",
    "How long users waited for a good answer, from the due time. Its count is the number of good arrivals.",
    (*RUN, "place", "kind"),
    LATENCY_BUCKETS,
)
ANSWERS = _counter(
    "answers_total", "Good answers by the provider that wrote them: fail-overs show in it.", *RUN, "provider"
)

# What was done to the target, and what it did.

FAULT_ACTIVE = _gauge("fault_active", "1 while the fault bites, by its receipt; 0 else.", *RUN, "fault", "target")
EXPERIMENT_ACTIVE = _gauge("experiment_active", "1 from the first counted arrival to the plan's end; 0 else.", *RUN)
REPLICAS = _gauge("replicas", "Instances of a component that ran.", *RUN, "component")
DECISION = _gauge("autoscaler_decision_replicas", "Instances that the autoscaler wanted.", *RUN, "component")
ALERT_FIRING = _gauge(
    "alert_firing", "1 while the target's pager knew of the alert; 0 else.", *RUN, "alertname", "severity"
)

# How a run ended: from its end on.

AVAILABILITY = _gauge("availability_ratio", "Good of scheduled arrivals in the whole run.", *RUN)
AVAILABILITY_LOW = _gauge("availability_low_ratio", "Lower end of the 95 % interval of the availability.", *RUN)
AVAILABILITY_HIGH = _gauge("availability_high_ratio", "Upper end of the 95 % interval of the availability.", *RUN)
LATENCY = _summary(
    "latency_seconds",
    "Exact quantiles of the run's latency: of=scheduled counts a bad arrival as endless (+Inf where that many were "
    "bad), of=good looks at good answers only.",
    *RUN, "quantile", "of",
)  # fmt: skip
_CENSORED = "With censored=true it had not happened when the run ended, and the value is how long was watched."
MITIGATION = _gauge(
    "mitigation_seconds",
    f"From the fault's start until users were served again while it was on. {_CENSORED}",
    *RUN, "fault", "target", "strike", "censored",
)  # fmt: skip
RECOVERY = _gauge(
    "recovery_seconds",
    f"From the fault's end until users were served as before. {_CENSORED}",
    *RUN, "fault", "target", "strike", "censored",
)  # fmt: skip
LOST = _gauge(
    "lost_seconds",
    "Bad arrivals because of the fault, divided by the arrival rate.",
    *RUN, "fault", "target", "strike",
)  # fmt: skip
MESSAGES = _gauge(
    "messages",
    "Acknowledged messages that were looked for after the run: state is acknowledged (all of them), lost, duplicated, "
    "reordered or unchecked.",
    *RUN, "state",
)  # fmt: skip
RUN_VALID = _gauge("run_valid", "1 when the run may be judged, 0 when it is void.", *RUN)
RUN_INFO = _gauge("run_info", "Always 1: which run of which campaign it was.", *RUN, "campaign", "repeat", "seed")

# Campaigns and claims: from the campaign's end on.

CAMPAIGN_INFO = _gauge("campaign_info", "Always 1: a campaign that was judged.", "phase", "campaign", "git", "valid")
CLAIM_VERDICT = _gauge(
    "claim_verdict",
    "1 for the verdict that holds: HELD, REFUTED, INCONCLUSIVE or NOT TESTABLE HERE. kind is strength or weakness.",
    "phase", "campaign", "claim", "experiment", "kind", "verdict",
)  # fmt: skip
CLAIM_MEASURED = _gauge("claim_measured", "What was measured for the claim.", "phase", "campaign", "claim", "unit")
CLAIM_LOW = _gauge("claim_measured_low", "Lower end of its 95 % interval.", "phase", "campaign", "claim", "unit")
CLAIM_HIGH = _gauge("claim_measured_high", "Upper end of its 95 % interval.", "phase", "campaign", "claim", "unit")
CLAIM_BOUND = _gauge(
    "claim_bound",
    "What the claim says: direction is at_least or at_most, check is what was counted for it.",
    "phase", "campaign", "claim", "check", "unit", "direction",
)  # fmt: skip

# The laboratory itself.

LATENESS = _summary(
    "generator_lateness_seconds",
    "How late arrivals of the last 10 s were sent: quantile is 0.5, 0.99 or 1 (the latest).",
    *RUN, "quantile",
)  # fmt: skip
RUN_LATENESS = _summary("run_lateness_seconds", "The same over the whole run, from its end on.", *RUN, "quantile")
PRESSURE = _gauge(
    "machine_pressure_ratio",
    "Share of time in which somebody waited for the resource (cpu, memory, io), from the kernel's PSI.",
    *RUN, "resource",
)  # fmt: skip
MACHINE_BUSY = _gauge("machine_cpu_busy_ratio", "Share of all processors that was busy.", *RUN)
MACHINE_STEAL = _gauge("machine_cpu_steal_ratio", "Share of all processors that the hypervisor took away.", *RUN)
HARNESS_CPU = _counter(
    "harness_cpu_seconds_total",
    "Processor time of the harness in the counted window: process is harness, generator or toxiproxy.",
    *RUN, "process",
)  # fmt: skip
HARNESS_MEMORY = _gauge("harness_memory_bytes", "Resident memory of the harness, by process.", *RUN, "process")
COMPONENT_CPU = _counter(
    "component_cpu_seconds_total", "Processor time of a component in the counted window.", *RUN, "component", "role"
)
COMPONENT_MEMORY = _gauge("component_memory_bytes", "Memory of a component of the target.", *RUN, "component", "role")

METRICS: tuple[Metric, ...] = (
    ARRIVALS, SCHEDULED, APART, DURATION, ANSWERS,
    FAULT_ACTIVE, EXPERIMENT_ACTIVE, REPLICAS, DECISION, ALERT_FIRING,
    AVAILABILITY, AVAILABILITY_LOW, AVAILABILITY_HIGH, LATENCY, MITIGATION, RECOVERY, LOST, MESSAGES, RUN_VALID,
    RUN_INFO,
    CAMPAIGN_INFO, CLAIM_VERDICT, CLAIM_MEASURED, CLAIM_LOW, CLAIM_HIGH, CLAIM_BOUND,
    LATENESS, RUN_LATENESS, PRESSURE, MACHINE_BUSY, MACHINE_STEAL,
    HARNESS_CPU, HARNESS_MEMORY, COMPONENT_CPU, COMPONENT_MEMORY,
)  # fmt: skip
"""All of them."""

BY_NAME = {metric.name: metric for metric in METRICS}
"""All of them, by name."""

SERIES = frozenset(name for metric in METRICS for name in metric.series)
"""The names of all series, as queries use them."""
