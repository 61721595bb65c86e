"""What a migration found: `migration.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from harness.stored import write_whole
from harness.summary_schema import GitPart, Part, SharePart
from harness.verdict import Verdict


class ClaimPart(Part):
    """What was claimed of the move, what was measured, and the verdict."""

    claim: str
    measured: str
    verdict: Verdict


class SpanPart(Part):
    """The users of one stretch of the run: how many arrivals, how many good, and how long good answers took (ms)."""

    name: str
    arrivals: int
    failed: int
    availability: SharePart
    p50_ms: float | None
    p95_ms: float | None


class RoundPart(Part):
    """A round of the copy; `began_s` is run time, `lasted_s` of copying alone. `new` were not there before."""

    began_s: float
    lasted_s: float
    conversations: int
    turns: int
    new: int
    writes_stopped: bool


class MessagesPart(Part):
    """Acknowledged messages, looked for where users are in the end."""

    acknowledged: int
    lost: int
    duplicated: int
    reordered: int
    unchecked: int


class MigrationSummary(Part):
    """The whole of `migration.json`; docs/migration.md says what each key means. Times are run times (s)."""

    schema_version: Literal[1]
    source: str
    sink: str
    when: str
    command: str
    seed: int
    rate: float
    duration_s: float
    verdict: Verdict
    void_because: list[str]
    because: str
    claims: list[ClaimPart]
    spans: list[SpanPart]
    rounds: list[RoundPart]
    messages: MessagesPart
    stopped_s: float | None
    drained_s: float | None
    switched_s: float | None
    opened_s: float | None
    moved_in_s: float | None
    writes_held_s: float
    writes_refused: int
    refused_for_s: float
    git: GitPart
    versions: dict[str, str]
    machine: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """Return it as what `json.dumps` takes; the key `schema` comes first."""
        found: dict[str, Any] = self.model_dump(mode="json")
        return {"schema": found.pop("schema_version"), **found}

    def write(self, path: Path) -> None:
        """Write it as `migration.json`."""
        write_whole(path, json.dumps(self.plain(), indent=2, ensure_ascii=False) + "\n")
