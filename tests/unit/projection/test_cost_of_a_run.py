"""What a run says that an incident costs: once, and for as long as it lasts."""

from __future__ import annotations

import pytest

from harness.projection.incidents import Incident, Range
from harness.projection.measured import background, cost_of, costed
from harness.target import find_target
from tests.fakes.histories import Trouble, fault, history

OUTAGE = Incident(
    id="storm",
    what="A storm",
    experiments=("storm", "wind"),
    per_year=Range(likely=1, low=1, high=1),
    source="made up for this test",
)


def test_a_fault_that_is_never_mitigated_costs_as_long_as_it_lasts_and_nothing_more() -> None:
    cost = cost_of(history(Trouble(10, 20), faults=[fault(10, 20)]), lasts=True)
    assert cost is not None
    assert cost.bad == cost.total > 50
    assert cost.once_s == pytest.approx(0.0, abs=0.3)


def test_a_switch_over_costs_once_and_then_nothing_more() -> None:
    cost = cost_of(history(Trouble(10, 14), faults=[fault(10, 30)]), lasts=True)
    assert cost is not None
    assert cost.once_s == pytest.approx(4.0, abs=0.3)
    assert cost.bad == 0
    assert cost.total > 100


def test_an_incident_that_the_target_mends_costs_all_that_was_lost() -> None:
    cost = cost_of(history(Trouble(10, 14), faults=[fault(10, 13)]), lasts=False)
    assert cost is not None
    assert cost.once_s == pytest.approx(4.0, abs=0.3)
    assert (cost.total, cost.share) == (0, 0.0)


def test_the_first_experiment_with_a_valid_run_counts_and_the_others_are_said_to_be_missing() -> None:
    good = history(Trouble(10, 14), faults=[fault(10, 13)])
    found, missing = costed([OUTAGE], {"wind": [good]}, find_target("v1"))
    assert [row.experiment for row in found] == ["wind"]
    assert not missing
    found, missing = costed([OUTAGE], {}, find_target("v1"))
    assert not found
    assert "storm or wind" in missing[0][1]


def test_an_incident_of_a_role_strikes_each_of_its_components() -> None:
    run = history(Trouble(10, 14), faults=[fault(10, 13)])
    found, _ = costed([OUTAGE.model_copy(update={"per": "app"})], {"storm": [run]}, find_target("v2"))
    assert found[0].times == 2
    _, missing = costed([OUTAGE.model_copy(update={"per": "moon"})], {"storm": [run]}, find_target("v2"))
    assert "moon" in missing[0][1]


def test_the_background_counts_failures_without_a_fault_only() -> None:
    quiet = background([history(Trouble(10, 11)), history(Trouble(10, 20), faults=[fault(10, 20)])])
    assert 5 < quiet.bad < 50
    assert quiet.ratio == pytest.approx(quiet.bad / quiet.total)
