"""The schedule of a game day: the same for the same seed, by the yearly rates, within the limits, and never crowded."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from harness.errors import ConfigError, NothingToBreak
from harness.experiment import At, Experiment
from harness.faults.crash import Crash
from harness.faults.link_down import LinkDown
from harness.faults.partition import Partition
from harness.faults.provider_error import ProviderError
from harness.faults.rolling_deploy import RollingDeploy
from harness.gameday.blast import beyond_limits, reaches
from harness.gameday.plan import as_data, plan_day
from harness.gameday.schedule import Kind, Pace, chances, draw, drawable
from harness.projection.incidents import load_incidents
from harness.target import find_target
from tests.fakes.incidents import incident

V1, V2, V3 = map(find_target, ("v1", "v2", "v3"))


def kinds(**per_year: float) -> list[Kind]:
    strikes = (At(0, Crash(role="app"), lasts_s=12),)
    return [Kind(incident(name, rate), "any", strikes, rate) for name, rate in per_year.items()]


def test_the_same_seed_draws_the_same_day_and_another_one_another() -> None:
    def day(seed: int) -> list[tuple[float, str]]:
        drawn = draw(kinds(a=5.0, b=3.0), Pace(), duration_s=1800, seed=seed)
        return [(one.t_s, one.kind.incident.id) for one in drawn]

    assert day(1) == day(1) != day(2)


def test_incidents_come_as_often_as_their_yearly_rates_say() -> None:
    given = kinds(often=90.0, seldom=9.0, hardly=1.0)
    drawn = draw(given, Pace(1, 0), duration_s=80_000, seed=3)
    counts = Counter(one.kind.incident.id for one in drawn)
    total = len(drawn)
    assert total > 5000
    for kind, chance in zip(given, chances(given), strict=True):
        spread = (total * chance * (1 - chance)) ** 0.5
        assert abs(counts[kind.incident.id] - total * chance) < 4 * spread
    evenly = Counter(one.kind.incident.id for one in draw(given, Pace(1, 0, evenly=True), duration_s=8000, seed=3))
    assert min(evenly.values()) > sum(evenly.values()) / 4


def test_waits_are_as_long_on_average_as_was_asked() -> None:
    drawn = draw(kinds(a=1.0), Pace(quiet_s=20, wait_s=30), duration_s=80_000, seed=5)
    each = [late.t_s - early.t_s - 12 - 20 for early, late in pairwise(drawn)]
    assert min(each) >= -0.01  # planned to the millisecond
    assert sum(each) / len(each) == pytest.approx(30, rel=0.1)


@pytest.mark.parametrize("seed", range(20))
def test_quiet_is_planned_before_between_and_after(seed: int) -> None:
    drawn = draw(kinds(a=1.0), Pace(quiet_s=25, wait_s=5), duration_s=300, seed=seed)
    ends = [one.t_s + one.kind.lasts_s for one in drawn]
    assert drawn[0].t_s >= 25
    assert all(late.t_s - end >= 25 - 0.01 for late, end in zip(drawn[1:], ends, strict=False))
    assert ends[-1] + 25 <= 300
    assert [one.number for one in drawn] == list(range(1, len(drawn) + 1))


def test_the_first_experiment_that_the_target_has_stands_for_an_incident() -> None:
    found, left_out = drawable(load_incidents(), V1)
    by = {kind.incident.id: kind for kind in found}
    # v1 has a single database, and a deploy of it by name only.
    assert (by["database-lost"].experiment, by["deploy"].experiment) == ("database_crash", "app_crash")
    assert "role 'second-provider'" in left_out["two-providers-away"]
    assert "bad_deploy_errors" in left_out["bad-deploy"]
    assert {*by} | {*left_out} == {row.id for row in load_incidents()}
    by = {kind.incident.id: kind for kind in drawable(load_incidents(), V3)[0]}
    assert by["database-lost"].experiment == "database_primary_crash"
    assert by["server-lost"].per_year == pytest.approx(3 * 0.55)
    assert [at.t_s for at in by["two-providers-away"].strikes] == [0, 0]


def test_what_goes_beyond_the_limits_is_left_out_and_it_is_said_why() -> None:
    both = Experiment(timeline=(At(3, Crash(role="cache")),))
    found, left_out = drawable([incident("all-caches", 1.0)], V3, lambda name: both)
    assert found == []
    assert "several zones" in left_out["all-caches"]
    _, left_out = drawable([incident("nothing", 1.0)], V3, lambda name: Experiment())
    assert "it has no fault" in left_out["nothing"]
    _, left_out = drawable([incident("elsewhere", 1.0, per="satellite")], V3, lambda name: both)
    assert "satellite" in left_out["elsewhere"]


def test_never_the_majority_of_a_quorum_and_never_several_zones() -> None:
    assert "several zones" in beyond_limits([Crash(role="database", only="majority")], V3)
    assert beyond_limits([Crash(role="database", only="primary")], V3) == ""
    # Which of them is the primary nobody knows beforehand: the worst case counts.
    two = [Crash(role="database", only="primary"), Crash(zone_of="database")]
    assert "several zones" in beyond_limits(two, V3)
    together = V3.model_copy(
        update={"components": {n: p.model_copy(update={"zone": "a"}) for n, p in V3.components.items()}}
    )
    assert "majority of the role database (2 of 3)" in beyond_limits(
        [Crash(role="database", only="majority")], together
    )
    assert beyond_limits([Crash(zone_of="database")], V3) == ""


def test_providers_and_deploys_take_nothing_of_the_targets_own_away() -> None:
    assert beyond_limits([ProviderError(role="provider"), ProviderError(role="second-provider")], V3) == ""
    assert reaches(RollingDeploy(role="app"), V3) == [frozenset()]
    assert reaches(RollingDeploy(role="app"), V1) == [frozenset({"app"})]
    assert reaches(LinkDown(link="cache"), V1) == [frozenset({"cache"})]
    assert reaches(Partition(("a", "b")), V3)[0] >= {"app-a", "database-a"}
    with pytest.raises(NothingToBreak, match="only one"):
        reaches(Crash(role="database", only="primary"), V1)


def test_a_plan_says_what_it_draws_from_and_how_to_repeat_it() -> None:
    day = plan_day("v2", 30, 4, Pace(quiet_s=10), burn=5)
    data = as_data(day)
    assert data["command"] == "make gameday PHASE=v2 MINUTES=30 SEED=4 QUIET=10 BURN=5"
    assert data["budget"]["allowed"] == pytest.approx(0.01 * 36_000 * 5)
    assert sum(row["chance"] for row in data["drawn_from"]) == pytest.approx(1)
    assert sum(row["drawn"] for row in data["drawn_from"]) == len(data["drawn"]) > 10
    assert day.experiment().strikes()[0].t_s == data["drawn"][0]["planned_s"]
    assert data["times_faster"] > 1000


def test_a_day_too_short_for_any_incident_is_refused() -> None:
    with pytest.raises(ConfigError, match="QUIET=10"):
        plan_day("v1", 1, 1, Pace(quiet_s=60))


def test_the_right_alerts_of_the_day_are_those_of_what_is_drawn() -> None:
    day = plan_day("v3", 60, 1, Pace(), claimed=0.999)
    expected = {alert for one in day.drawn for alert in V3.expected_alerts(one.kind.experiment)}
    assert {*day.target_today().expected_alerts("gameday")} == expected != set()
