"""Fewer users than are claimed, for want of processors: they can show that it breaks, and not that it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.asked import arrivals_per_s, asked_for, users_here
from harness.claims import Claim
from harness.experiment import load_experiment
from harness.history import History
from harness.judge import judge_claim
from harness.target import Target, Users, find_target
from harness.verdict import Verdict
from tests.fakes.histories import Hang, history

WORDS = {"id": "x", "quote": "x", "line": 1, "claimed": "x", "kind": "strength", "experiment": "users_at_claim"}
AVAILABLE = Claim.model_validate({**WORDS, "check": "availability", "at_least": 0.9})
SERVED = AVAILABLE.model_copy(update={"check": "users_served", "at_least": 900.0})


def run(*troubles: Hang, claimed_users: int | None = 1000) -> History:
    found = history(*troubles, experiment="users_at_claim")
    return replace(found, record=replace(found.record, users=400, think_s=10.0, claimed_users=claimed_users))


def target(per_core: int | None) -> Target:
    v2 = find_target("v2")
    return v2.model_copy(update={"users": Users(claimed=1000, think_s=10.0, per_core=per_core)})


def test_what_holds_at_a_scale_is_not_shown_for_all() -> None:
    for claim in (AVAILABLE, SERVED):
        found = judge_claim(claim, [run()])
        assert found.verdict is Verdict.INCONCLUSIVE
        assert "At a scale of 400 of 1,000 users" in found.because
    assert judge_claim(AVAILABLE, [run(claimed_users=None)]).verdict is Verdict.HELD


def test_what_breaks_at_a_scale_is_refuted() -> None:
    for claim in (AVAILABLE, SERVED):
        found = judge_claim(claim, [run(Hang(5, 20))])
        assert found.verdict is Verdict.REFUTED
        assert "more would not do better" in found.because


def test_users_served_are_told_as_a_share_of_those_claimed() -> None:
    measured = judge_claim(SERVED, [run()]).measurement
    assert measured is not None and measured.value == 1000


def test_the_scale_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load_experiment("users_at_claim")
    for cores, users in ((1, 200), (2, 400), (5, 1000), (64, 1000)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert users_here(target(200)) == users
        record = asked_for(experiment, target(200), run="r", repeat=1, seed=1, started="")
        assert (record.users, record.claimed_users) == (users, 1000 if users < 1000 else None)
        assert arrivals_per_s(experiment, target(200)) == pytest.approx(users / 11)
    assert users_here(target(None)) == 1000
