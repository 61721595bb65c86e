"""What an experiment asks of a target: how many arrivals when, and what of that is written down before anything ran."""

from __future__ import annotations

import os

from harness.experiment import ClaimedUsers, Experiment, Segment
from harness.history import RunRecord, Stretch
from harness.target import Target


def arrivals_per_s(experiment: Experiment, target: Target) -> float:
    """Return how many arrivals a second its users make on this target, on average."""
    segments = segments_of(experiment, target)
    if len(segments) == 1:
        return segments[0].per_s
    return sum(each.per_s * each.lasts_s for each in segments) / experiment.duration_s


def segments_of(experiment: Experiment, target: Target) -> tuple[Segment, ...]:
    """Return the stretches of one rate each that its load consists of on this target."""
    return experiment.load.segments(users_here(target), target.users.think_s, experiment.duration_s)


def users_here(target: Target) -> int:
    """Return how many simultaneous users stand for those that are claimed of the target, on this machine."""
    return target.users.on(os.cpu_count() or 1)


def asked_for(experiment: Experiment, target: Target, *, run: str, repeat: int, seed: int, started: str) -> RunRecord:
    """Return the record of a run of which nothing is known yet but what was asked for."""
    users, load = target.users, experiment.load
    claimed = isinstance(load, ClaimedUsers)
    times = load.times if isinstance(load, ClaimedUsers) else 0.0
    return RunRecord(
        schema=1,
        run=run,
        phase=target.phase,
        experiment=experiment.name,
        hypothesis=experiment.hypothesis,
        repeat=repeat,
        seed=seed,
        started=started,
        rate_per_s=arrivals_per_s(experiment, target),
        users=round(times * users_here(target)) if claimed else None,
        claimed_users=round(times * users.claimed) if claimed and users_here(target) < users.claimed else None,
        think_s=users.think_s if claimed else None,
        deadline_s=experiment.deadline_s,
        warmup_s=experiment.warmup_s,
        duration_s=experiment.duration_s,
        shares={"chat": experiment.mix.chat, "stream": experiment.mix.stream, "read": experiment.mix.read},
        faults=[],
        durability=None,
        generator=None,
        void_because=[],
        clients=experiment.clients,
        alerts_expected=list(target.expected_alerts(experiment.name)),
        stretches=_stretches(experiment, target),
        abuser_per_s=experiment.abuser.per_s if experiment.abuser is not None else None,
    )


def _stretches(experiment: Experiment, target: Target) -> list[Stretch]:
    """When which rate was planned; nothing where it is one and the same."""
    found, from_s = [], 0.0
    for segment in segments_of(experiment, target):
        found.append(Stretch(segment.per_s, from_s, from_s + segment.lasts_s))
        from_s += segment.lasts_s
    return found if len(found) > 1 else []
