"""The schema of `summary.json`: these models are it.

`docs/summary.schema.json` is generated from them (`python -m harness.summary_schema` writes it anew) and
`docs/summary-schema.md` says what each figure means.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.claims import Standing
from harness.verdict import Verdict

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "summary.schema.json"


class Part(BaseModel):
    """A part of the summary: nothing may be in it that the schema does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class GitPart(Part):
    """The commit the harness ran from."""

    sha: str
    dirty: bool


class CalibrationPart(Part):
    """The calibration that covers the campaign; `path` is relative to the results folder."""

    path: str
    when: str
    rate: float
    valid: bool


class SharePart(Part):
    """A share with its 95 % interval; null where nothing was scheduled."""

    value: float | None
    low: float | None
    high: float | None


class LatencyPart(Part):
    """Percentiles in milliseconds; null where fewer arrivals than that got a good answer at all."""

    p50: float | None
    p95: float | None
    p99: float | None


class FaultPart(Part):
    """One fault: its receipt and its anatomy. Times in seconds, of the run or after the moment that the key names."""

    name: str
    aimed_at: str
    on_s: float | None
    off_s: float | None
    receipt: Literal["confirmed", "mismatch", "missing"]
    lost_s: float | None
    mitigated_after_s: float | None
    recovered_after_s: float | None
    first_harm_s: float | None
    degraded_share: float | None
    watched_s: float | None
    mitigation_censored: bool
    recovery_censored: bool
    planned_on_s: float
    planned_off_s: float | None
    healed: bool
    requested: dict[str, Any]
    delivered: dict[str, Any]
    evidence: list[str]


class DurabilityPart(Part):
    """Acknowledged messages, looked for again after the run."""

    acknowledged: int
    lost: int
    duplicated: int
    reordered: int
    unchecked: int


class GeneratorPart(Part):
    """How well the load generator did."""

    lateness_ms_p99: float | None
    unsent: int
    planned: int
    started: int
    recorded: int
    lateness_ms_p50: float | None
    lateness_ms_max: float | None
    in_flight_max: int
    cpu_share: float | None
    loop_lag_ms_p99: float | None = None
    loop_lag_ms_max: float | None = None


class PressurePart(Part):
    """How busy the machine was: shares from 0 to 1, null where the kernel does not say."""

    seconds: int
    cpu_some_avg: float | None
    cpu_some_max: float | None
    memory_some_avg: float | None
    io_some_avg: float | None
    cpu_busy_share: float | None
    steal_share: float | None
    steal_max: float | None
    generator_cpu_share: float | None


class PlacePart(Part):
    """How the users of one place fared, and how far away (ms) they were: as asked for, and as probes found it.

    `lost_s` is how many seconds' worth of the place's arrivals were not served well in the whole of the run.
    """

    place: str
    rtt_ms: float
    added_ms: list[float | None]
    scheduled: int
    good: int
    availability: SharePart
    lost_s: float | None = None  # summaries of before do not have it
    latency_ms: LatencyPart
    good_latency_ms: LatencyPart


class StepPart(Part):
    """How users fared in a stretch of the run with one planned rate (arrivals a second); times in s of the run."""

    per_s: float
    from_s: float
    until_s: float
    scheduled: int
    good: int
    availability: SharePart
    latency_ms: LatencyPart


class AbuserPart(Part):
    """What became of the client who sent far too much; `limited_share` is the share answered 429."""

    per_s: float
    scheduled: int
    good: int
    limited: int
    limited_share: SharePart
    outcomes: dict[str, int]


class ReplicaPart(Part):
    """From `t_s` (s of the run) on, `count` instances of a component ran."""

    t_s: float
    component: str
    count: int


class DecisionPart(Part):
    """At `t_s` (s of the run) `component` decided that `of` is to run `after` instances instead of `before`, and why.

    `measured` is the load that it went by and `wanted` what that should be; null where it did not say.
    """

    t_s: float
    component: str
    of: str
    before: int
    after: int
    reason: str
    why: str
    measured: float | None
    wanted: float | None
    applied: bool


class AlertPart(Part):
    """One instance of an alert; times in s of the run. `resolved_s` is null where its end was not heard."""

    name: str
    severity: str
    labels: dict[str, str]
    starts_s: float
    received_s: float
    resolved_s: float | None


class IncidentPart(Part):
    """Faults that were on together, and the alerts of it; times in s, of the run or from the moment the key names."""

    faults: list[str]
    on_s: float
    off_s: float
    watched_s: float
    first: str | None
    delay_s: float | None
    lead_s: float | None
    harmed: bool
    alerts: int
    resolved_after_s: float | None
    others: list[str]


class AlertingPart(Part):
    """What a pager was told in the run; `fired` is null where that is not known, because the run is blind."""

    expected: list[str]
    fired: list[AlertPart] | None
    blind_because: str
    carried: list[str]
    silent: list[list[float]]
    incidents: list[IncidentPart]


class PartCostPart(Part):
    """What one part used: processor time (s), its share of the machine, memory (bytes, all instances together)."""

    name: str
    role: str
    cpu_s: float
    share: float
    memory_max_bytes: int | None
    memory_mean_bytes: int | None


class CostPart(Part):
    """What was used in `seconds` of counted windows, by the target and by the harness; `busy_s` by whoever it was."""

    seconds: float
    processors: int
    busy_s: float | None
    components: list[PartCostPart]
    harness: list[PartCostPart]


def _none(value: object) -> bool:
    return not value


class RunPart(Part):
    """One run of one experiment. Keys with a default are only there where there is something to say."""

    run: str
    experiment: str
    hypothesis: str
    repeat: int
    seed: int
    started: str
    rate_per_s: float
    users: int | None
    duration_s: float
    deadline_s: float
    scheduled: int
    good: int
    limited: int
    availability: SharePart
    latency_ms: LatencyPart
    good_latency_ms: LatencyPart
    outcomes: dict[str, int]
    faults: list[FaultPart]
    durability: DurabilityPart | None
    generator: GeneratorPart | None
    pressure: PressurePart | None
    valid: bool
    void_because: list[str]
    clients: int | None = Field(default=None, exclude_if=_none)
    places: list[PlacePart] = Field(default_factory=list, exclude_if=_none)
    steps: list[StepPart] = Field(default_factory=list, exclude_if=_none)
    abuser: AbuserPart | None = Field(default=None, exclude_if=_none)
    replicas: list[ReplicaPart] = Field(default_factory=list, exclude_if=_none)
    decisions: list[DecisionPart] = Field(default_factory=list, exclude_if=_none)
    notes: list[str] = Field(default_factory=list, exclude_if=_none)
    alerting: AlertingPart | None = Field(default=None, exclude_if=_none)
    cost: CostPart | None = Field(default=None, exclude_if=_none)
    overloaded: list[str] = Field(default_factory=list, exclude_if=_none)


class MeasuredPart(Part):
    """What was measured for a claim, in `unit`; `text` is the same as a sentence."""

    value: float | None
    low: float | None
    high: float | None
    unit: str
    count: int
    of: str
    text: str


class ClaimPart(Part):
    """One claim and what may be said about it."""

    id: str
    quote: str
    line: int
    claimed: str
    kind: Literal["strength", "weakness"]
    standing: Standing
    experiment: str | None
    wanted: str | None
    measured: MeasuredPart | None
    verdict: Verdict
    because: str
    runs: list[str]
    overloaded: list[str] = Field(default_factory=list, exclude_if=_none)


class Summary(Part):
    """The whole of `summary.json`."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    campaign: str
    phase: str
    started: str
    finished: str | None
    git: GitPart
    seed: int
    repeats: int
    command: str
    versions: dict[str, str]
    machine: dict[str, str]
    runs: list[RunPart]
    claims: list[ClaimPart]
    left_out: dict[str, str]
    repeated: dict[str, str]
    afresh: dict[str, str] = Field(default={})
    calibration: CalibrationPart | None
    void_because: list[str]
    valid: bool
    verdict: Verdict
    cost: CostPart | None = Field(default=None, exclude_if=_none)


def schema_text() -> str:
    """Return the JSON Schema of `summary.json` as it is committed in `docs/summary.schema.json`."""
    schema = Summary.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
