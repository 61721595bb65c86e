"""From what was recorded of a move to verdicts. Pure: it knows no engine and no clock."""

from __future__ import annotations

import numpy as np

from harness.campaign_record import Git
from harness.history import Arrivals, Bools, Durability, History, Kind
from harness.migration.result import ClaimPart, MessagesPart, MigrationSummary, RoundPart, SpanPart
from harness.migration.steps import Moved
from harness.stats import wilson
from harness.summary_schema import GitPart, SharePart
from harness.verdict import Verdict, worst
from harness.wording import counted

UNAVAILABLE = 503
NOBODY = Durability(0, 0, 0, 0, 0)


def judge(
    history: History, moved: Moved, command: str, *, git: Git, versions: dict[str, str], machine: dict[str, str]
) -> MigrationSummary:
    """Return what was found. A run that is void, or that nobody was affected in, holds nothing."""
    record, users = history.record, history.counted()
    found = record.durability or NOBODY
    source, _, sink = record.phase.partition("-")
    refused = users.ended_s[_meanwhile(users, moved) & (users.status == UNAVAILABLE)]
    claims = [_kept(found), _served(users, moved, record.deadline_s), _switched(users, moved)]
    if record.void_because:
        claims = [claim.model_copy(update={"verdict": Verdict.INCONCLUSIVE}) for claim in claims]
    return MigrationSummary(
        schema_version=1,
        source=source,
        sink=sink,
        when=record.started,
        command=command,
        seed=record.seed,
        rate=record.rate_per_s,
        duration_s=record.duration_s,
        verdict=worst(claim.verdict for claim in claims),
        void_because=record.void_because,
        because=moved.because,
        claims=claims,
        spans=_spans(users, moved, record.deadline_s),
        rounds=[
            RoundPart(
                began_s=round(began_s, 3),
                lasted_s=done.seconds,
                conversations=done.conversations,
                turns=done.turns,
                new=done.new,
                writes_stopped=moved.stopped_s is not None and began_s >= moved.stopped_s,
            )
            for began_s, done in zip(moved.began_s, moved.rounds, strict=True)
        ],
        messages=MessagesPart(**vars(found)),
        **{name: _rounded(getattr(moved, name)) for name in ("stopped_s", "drained_s", "switched_s", "opened_s")},
        moved_in_s=_rounded(moved.switched_s - moved.began_s[0] if moved.switched_s is not None else None),
        writes_held_s=round((moved.opened_s or 0.0) - (moved.stopped_s or 0.0), 3),
        writes_refused=len(refused),
        refused_for_s=round(float(np.ptp(refused)), 3) if len(refused) else 0.0,
        git=GitPart(sha=git.sha, dirty=git.dirty),
        versions=versions,
        machine=machine,
    )


def _kept(found: Durability) -> ClaimPart:
    """Whether every acknowledged message is there; what could not be looked for is no proof of anything."""
    wrong = found.lost + found.duplicated + found.reordered
    measured = (
        f"{found.lost} lost, {found.duplicated} doubled, {found.reordered} out of order of "
        f"{counted(found.acknowledged, 'acknowledged messages')}; {found.unchecked} could not be looked for"
    )
    proven = found.acknowledged > 0 and not found.unchecked
    verdict = Verdict.REFUTED if wrong else Verdict.HELD if proven else Verdict.INCONCLUSIVE
    return ClaimPart(claim="No acknowledged message is lost, doubled or moved", measured=measured, verdict=verdict)


def _served(users: Arrivals, moved: Moved, deadline_s: float) -> ClaimPart:
    """Whether every request that was open while writes were stopped had a good answer: this is 'no downtime'."""
    here = users.select(_meanwhile(users, moved))
    failed = int(np.sum(~here.good(deadline_s)))
    measured = f"{failed} of {counted(len(here), 'requests')} that were open during the stop failed"
    verdict = Verdict.REFUTED if failed else Verdict.HELD if len(here) else Verdict.INCONCLUSIVE
    return ClaimPart(
        claim="No user is refused or kept waiting too long by the move", measured=measured, verdict=verdict
    )


def _switched(users: Arrivals, moved: Moved) -> ClaimPart:
    claim = "Users are switched while they go on"
    if moved.switched_s is None or moved.opened_s is None:
        return ClaimPart(claim=claim, measured=moved.because or "they were not", verdict=Verdict.REFUTED)
    after = int(np.sum(users.due_s > moved.opened_s))
    measured = f"at {moved.switched_s:.1f} s; {counted(after, 'requests')} followed"
    return ClaimPart(claim=claim, measured=measured, verdict=Verdict.HELD if after else Verdict.INCONCLUSIVE)


def _meanwhile(users: Arrivals, moved: Moved) -> Bools:
    """True for requests that were open while writes were stopped, those that never ended included."""
    if moved.stopped_s is None or moved.opened_s is None:
        return np.zeros(len(users), dtype=np.bool_)
    ended_before = users.ended_s < moved.stopped_s  # False where there is no end
    return np.asarray((users.due_s <= moved.opened_s) & ~ended_before, dtype=np.bool_)


def _spans(users: Arrivals, moved: Moved, deadline_s: float) -> list[SpanPart]:
    open_then = _meanwhile(users, moved)
    if moved.stopped_s is None:
        return [_span("all of it", users, deadline_s)]
    before = ~open_then & (users.due_s <= moved.stopped_s)
    writes = users.kind != Kind.READ.value
    return [
        _span("all of it", users, deadline_s),
        _span("before the stop", users.select(before), deadline_s),
        _span("open during the stop: writes", users.select(open_then & writes), deadline_s),
        _span("open during the stop: reads", users.select(open_then & ~writes), deadline_s),
        _span("after it", users.select(~open_then & ~before), deadline_s),
    ]


def _span(name: str, users: Arrivals, deadline_s: float) -> SpanPart:
    good = users.good(deadline_s)
    share = SharePart(value=None, low=None, high=None)
    if len(users):
        interval = wilson(int(good.sum()), len(users))
        share = SharePart(value=interval.value, low=interval.low, high=interval.high)
    took_ms = 1000 * (users.ended_s - users.due_s)[good]
    p50, p95 = np.percentile(took_ms, [50, 95]).tolist() if len(took_ms) else (None, None)
    return SpanPart(
        name=name,
        arrivals=len(users),
        failed=int(np.sum(~good)),
        availability=share,
        p50_ms=_rounded(p50),
        p95_ms=_rounded(p95),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
