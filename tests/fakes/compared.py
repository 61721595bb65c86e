"""Stored campaigns of v1 and v2 in which it is known which is better, where, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from harness.campaign import run_seed
from harness.claims import load_claims
from harness.experiment import known_experiments
from harness.history import History, Way
from harness.places import PLACES
from harness.target import find_target
from tests.fakes.histories import Trouble, fault, history
from tests.fakes.stored import stored_campaign

WAYS = [Way(place.name, place.rtt_ms, [None, None]) for place in PLACES.values()]
MADE = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def away(*troubles: Trouble, phase: str, experiment: str, **changes: object) -> History:
    """A run with a fault from 8 to 20 s."""
    given = {"faults": [fault()], "seed": run_seed(1, experiment, 1), "phase": phase, "experiment": experiment}
    return history(*troubles, **{**given, **changes})  # type: ignore[arg-type]


def calm(phase: str, experiment: str = "control", **changes: object) -> History:
    """A run without one."""
    return away(phase=phase, experiment=experiment, **{"faults": [], **changes})


def from_everywhere(phase: str, latency_s: float, **changes: object) -> History:
    """A run whose users come from all places in turn, as far away as they are."""
    run = calm(phase, "users_of_the_world", latency_s=latency_s, ways=WAYS, **changes)
    places = np.array([list(PLACES)[seq % len(PLACES)] for seq in run.arrivals.seq], dtype=object)
    return replace(run, arrivals=replace(run.arrivals, place=places))


def store(root: Path, phase: str, number: int, runs: Sequence[History], **changes: object) -> Path:
    """Write a campaign of a phase with the claims of today; `number` is the hour at which it began."""
    claims = load_claims(find_target(phase).folder / "claims.toml", known_experiments())
    started = f"2026-11-23T{number:02d}:00:00+00:00"
    given = {"phase": phase, "started": started, "seed": 1, **changes}
    return stored_campaign(root / f"{phase}-{number:02d}", claims, runs, **given)


def two_versions(root: Path) -> None:
    """v1 loses the provider and v2 does not; v2 is slower everywhere; the spike of v2 was another one."""
    down = Trouble(8, 21)
    v1 = [
        calm("v1"),
        away(down, phase="v1", experiment="provider_outage"),
        away(down, phase="v1", experiment="database_crash"),
        calm("v1", "traffic_spike", rate=24.0),
        from_everywhere("v1", 0.5),
    ]
    v2 = [
        calm("v2"),
        away(phase="v2", experiment="provider_outage"),
        away(down, phase="v2", experiment="database_crash"),
        calm("v2", "traffic_spike", rate=40.0),
        from_everywhere("v2", 0.9),
    ]
    store(root, "v1", 1, v1)
    store(root, "v2", 2, v2, left_out={"app_crash": "There is none to crash."})
