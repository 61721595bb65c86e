"""Synthetic histories: a run without Docker, load or clock, in which the truth is known because it was written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from harness.campaign_record import CampaignRecord, Git
from harness.claims import Claim
from harness.history import (
    Arrivals,
    Bools,
    Durability,
    FaultRecord,
    Generator,
    History,
    Kind,
    Outcome,
    Receipt,
    RunRecord,
)

RATE, DURATION_S, DEADLINE_S = 20.0, 38.0, 10.0


@dataclass(frozen=True)
class Trouble:
    """Arrivals due from `start_s` to `end_s` end with `outcome` after `after_s`: this `share` of those of `kinds`."""

    start_s: float
    end_s: float
    outcome: Outcome = Outcome.HTTP_ERROR
    after_s: float = 0.05
    kinds: tuple[Kind, ...] = tuple(Kind)
    share: float = 1.0


@dataclass(frozen=True)
class Hang(Trouble):
    """Arrivals due in the window wait until its end and are then answered, unless their deadline passes before."""


def fault(
    on_s: float | None = 8.0,
    off_s: float | None = 20.0,
    *,
    name: str = "crash",
    aimed_at: str = "role database",
    status: str = "confirmed",
    healed: bool = True,
    planned_off_s: float | None = 20.0,
    **delivered: Any,
) -> FaultRecord:
    """A fault whose receipt says when it was on."""
    evidence = [f"The container of {aimed_at} was seen dead and alive again."]
    receipt = Receipt(status, {"down_s": 12}, delivered, on_s, off_s, evidence)
    return FaultRecord(name, aimed_at, 8.0, planned_off_s, healed, receipt)


def history(
    *troubles: Trouble,
    faults: Sequence[FaultRecord] = (),
    experiment: str = "control",
    repeat: int = 1,
    seed: int = 7,
    rate: float = RATE,
    duration_s: float = DURATION_S,
    latency_s: float = 0.6,
    spread: float = 0.3,
    **record: Any,
) -> History:
    """A run of `rate` arrivals a second, answered after a log-normal latency, except for the troubles."""
    arrivals = _answered(rate, duration_s, latency_s, spread, seed + 1000 * repeat)
    for index, trouble in enumerate(troubles):
        arrivals = _troubled(arrivals, trouble, np.random.default_rng([seed, repeat, index]))
    run = RunRecord(
        schema=1,
        run=f"{experiment}-{repeat}",
        phase="v1",
        experiment=experiment,
        hypothesis=f"What {experiment} asks.",
        repeat=repeat,
        seed=seed,
        started="2026-11-23T10:00:00+00:00",
        rate_per_s=rate,
        users=None,
        think_s=None,
        deadline_s=DEADLINE_S,
        warmup_s=3.0,
        duration_s=duration_s,
        shares={"chat": 0.5, "stream": 0.3, "read": 0.2},
        faults=list(faults),
        durability=Durability(acknowledged=500, lost=0, duplicated=0, reordered=0, unchecked=0),
        generator=Generator(len(arrivals), len(arrivals), len(arrivals), 0, 1.1, 4.2, 9.9, 40, 0.2),
        void_because=[],
    )
    return History(replace(run, **record), arrivals)


def _answered(rate: float, duration_s: float, latency_s: float, spread: float, seed: int) -> Arrivals:
    random = np.random.default_rng(seed)
    warm = np.sort(random.uniform(-3, 0, int(3 * rate)))
    due = np.concatenate((warm, np.sort(random.uniform(0, duration_s, round(rate * duration_s)))))
    size = len(due)
    kinds = np.array([kind.value for kind in Kind], dtype=object)
    names = np.array([f"id-{seq}" for seq in range(size)], dtype=object)
    return Arrivals(
        seq=np.arange(size),
        kind=kinds[random.choice(3, size, p=[0.5, 0.3, 0.2])],
        counted=due >= 0,
        due_s=due,
        sent_s=due + 0.001,
        first_byte_s=due + 0.1,
        ended_s=due + latency_s * random.lognormal(0, spread, size),
        outcome=np.full(size, Outcome.OK.value, dtype=object),
        status=np.full(size, 200),
        conversation_id=names,
        user_message_id=names,
        assistant_message_id=names,
        provider=np.full(size, "openai", dtype=object),
        detail=np.full(size, "", dtype=object),
    )


def _troubled(arrivals: Arrivals, trouble: Trouble, random: np.random.Generator) -> Arrivals:
    hit: Bools = (arrivals.due_s >= trouble.start_s) & (arrivals.due_s < trouble.end_s)
    hit &= np.isin(arrivals.kind.astype(str), [kind.value for kind in trouble.kinds])
    hit &= random.random(len(arrivals)) < trouble.share
    outcome, ended = arrivals.outcome.copy(), arrivals.ended_s.copy()
    if isinstance(trouble, Hang):
        usual = arrivals.ended_s - arrivals.due_s
        ended[hit] = trouble.end_s + usual[hit]
        late = hit & (ended > arrivals.due_s + DEADLINE_S)
        outcome[late], ended[late] = Outcome.DEADLINE.value, arrivals.due_s[late] + DEADLINE_S
    else:
        outcome[hit], ended[hit] = trouble.outcome.value, arrivals.due_s[hit] + trouble.after_s
    return replace(arrivals, outcome=outcome, ended_s=ended)


def campaign(**changes: Any) -> CampaignRecord:
    """The record of a finished campaign."""
    record = CampaignRecord(
        schema=1,
        campaign="2026-11-23T10-00-00-v1",
        phase="v1",
        started="2026-11-23T10:00:00+00:00",
        finished="2026-11-23T10:11:00+00:00",
        git=Git(sha="77594a0c1f7be1a2d0c2b6f5b1ad7e9d5f2b4c31", dirty=False),
        seed=7,
        repeats=1,
        command="make experiment PHASE=v1 SEED=7",
        experiments=("control",),
        versions={"python": "3.11.7", "docker": "20.10.24", "locust": "2.47.0"},
        machine={"cores": "2", "memory_gib": "7.6", "kernel": "6.1.0"},
        runs=("control-1",),
    )
    return replace(record, **changes)


def claim(**changes: Any) -> Claim:
    """The claim that nothing works while the database is down."""
    fields: dict[str, Any] = {
        "id": "a-claim",
        "quote": "tudo para",
        "line": 48,
        "claimed": "Nothing works.",
        "kind": "weakness",
        "experiment": "database_crash",
        "check": "availability_under_fault",
        "at_most": 0.05,
    }
    return Claim(**{**fields, **changes})
