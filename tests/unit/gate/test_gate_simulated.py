"""The gate against a simulated v1 whose truth is known: unchanged it passes, worsened it is caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.gate.decide import Finding, Outcome, compare_all, conclude
from tests.fakes.simulated_v1 import SimulatedV1, verification

V1 = SimulatedV1()


def outcome_of(after: SimulatedV1, seed: int) -> tuple[Outcome, set[str]]:
    comparisons = compare_all(verification(V1, after, seed))
    worse = {f"{c.experiment}.{c.metric.name}" for c in comparisons if c.finding is Finding.WORSE}
    return conclude(comparisons, []), worse


@pytest.mark.parametrize("noise", [0.005, 0.03, 0.06])
def test_twenty_unchanged_pairs_raise_at_most_one_alarm(noise: float) -> None:
    same = replace(V1, noise=noise)
    alarms = [conclude(compare_all(verification(same, same, seed)), []) is Outcome.WORSE for seed in range(20)]
    assert sum(alarms) <= 1


def test_most_unchanged_pairs_pass_and_are_not_merely_inconclusive() -> None:
    outcomes = [outcome_of(V1, seed)[0] for seed in range(100, 115)]
    assert outcomes.count(Outcome.NO_REGRESSION) >= 8


@pytest.mark.parametrize("database_s", [0.01, 0.1, 0.4])
def test_a_slower_database_link_is_caught(database_s: float) -> None:
    for seed in range(5):
        outcome, worse = outcome_of(replace(V1, database_s=database_s), seed)
        assert outcome is Outcome.WORSE
        assert "control.read_p50_s" in worse


def test_a_provider_time_out_of_30_s_is_caught() -> None:
    for seed in range(5):
        outcome, worse = outcome_of(replace(V1, stream_timeout_s=30.0), seed)
        assert outcome is Outcome.WORSE
        assert "provider_hangs.failure_wait_s" in worse


def test_an_app_that_boots_later_is_caught() -> None:
    outcome, worse = outcome_of(replace(V1, boot_s=8.0), 1)
    assert outcome is Outcome.WORSE
    assert {"app_crash.lost_s", "app_crash.recovery_s"} <= worse


def test_an_improvement_is_no_alarm() -> None:
    slow = replace(V1, database_s=0.1, boot_s=8.0, stream_timeout_s=30.0)
    comparisons = compare_all(verification(slow, V1, seed=3))
    assert conclude(comparisons, []) is Outcome.NO_REGRESSION
