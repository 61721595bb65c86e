"""Experiments: what can be said, and what cannot be constructed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.experiment import (
    Abuser,
    At,
    ClaimedUsers,
    Every,
    Experiment,
    Mix,
    Rate,
    Segment,
    Spike,
    Steps,
    known_experiments,
    load_experiment,
)
from harness.faults.crash import Crash
from harness.run import arrivals_per_s
from harness.target import find_target

ISSUE = (
    "control app_crash database_crash database_slow database_black_hole cache_down cache_wiped "
    "provider_outage provider_slow provider_truncates users_at_claim database_primary_crash cache_primary_crash "
    "zone_outage zone_partition traffic_spike rolling_deploy abusive_client edge_outage autoscaler_crash "
    "provider_storm two_providers_outage "
    "users_of_the_world capacity app_hangs database_two_nodes_lost document_store_gateway_crash monitoring_outage"
)


def test_every_experiment_of_the_plan_loads_with_its_hypothesis() -> None:
    assert set(ISSUE.split()) <= set(known_experiments())
    for name in known_experiments():
        experiment = load_experiment(name)
        assert experiment.name == name
        assert len(experiment.hypothesis) > 20


def test_the_control_comes_first_and_has_no_fault() -> None:
    assert known_experiments()[0] == "control"
    assert load_experiment("control").strikes() == ()


def test_no_experiment_names_a_phase() -> None:
    for path in (Path(__file__).parents[2] / "experiments").glob("*.py"):
        text = path.read_text().lower()
        assert not any(phase in text for phase in ("v1", "v2", "v3", "v4")), path


def test_faulty_experiments_leave_a_baseline_and_a_recovery() -> None:
    for name in known_experiments():
        experiment = load_experiment(name)
        for strike in experiment.strikes():
            assert strike.t_s >= 5
            assert experiment.duration_s - (strike.t_s + (strike.lasts_s or 0)) >= 5


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"Did you mean 'app_crash'\? Known: abusive_client, all_providers, all_providers"
    ):
        load_experiment("app_crush")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"""H."""\nEXPERIMENT = Experimnt()\n', "line 2: NameError"),
        ('"""H."""\nthis is no python at all\n', "line 2: SyntaxError"),
        ('"""H."""\n', "defines no EXPERIMENT"),
        ("from harness.experiment import Experiment\nEXPERIMENT = Experiment()\n", "has no docstring"),
        (
            '"""H."""\nfrom harness.experiment import *\nfrom harness.faults.crash import Crash\n\n'
            "EXPERIMENT = Experiment(timeline=(At(-1, Crash(role='app')),))\n",
            "line 5: ValueError: a fault strikes at or after 0 s",
        ),
        (
            '"""H."""\nfrom harness.experiment import *\nfrom harness.faults.crash import Crash\n'
            "EXPERIMENT = Experiment(timeline=(At(3, Crash()),))\n",
            "line 4: ValueError: Crash needs a role, a zone or a region",
        ),
    ],
)
def test_a_broken_file_gives_file_line_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_experiment("mine", tmp_path)
    assert str(tmp_path / "mine.py") in str(caught.value)
    assert expected in str(caught.value)


def test_every_expands_to_single_strikes_in_order() -> None:
    crash = Crash(role="app")
    experiment = Experiment(timeline=(Every(10, crash, times=3, start_s=5), At(1, crash)), duration_s=40)
    assert [at.t_s for at in experiment.strikes()] == [1, 5, 15, 25]


def test_a_fault_may_not_outlast_its_experiment() -> None:
    with pytest.raises(ValueError, match="after the experiment does"):
        Experiment(timeline=(At(30, Crash(role="app"), lasts_s=20),), duration_s=40)


def test_users_become_arrivals_by_littles_law() -> None:
    assert ClaimedUsers(response_s=2.0).per_s(users=120, think_s=10.0) == pytest.approx(10.0)


@pytest.mark.parametrize("wrong", [0, -1, 100_000])
def test_rates_out_of_bounds_cannot_be_constructed(wrong: float) -> None:
    with pytest.raises(ValueError, match="arrivals a second"):
        Rate(wrong)


def test_shares_must_add_up() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        Mix(chat=0.5, stream=0.5, read=0.5)
    with pytest.raises(ValueError, match="at least one turn"):
        Mix(turns=0.5)


def test_a_spike_and_steps_are_stretches_of_one_rate_each() -> None:
    spike = Spike(per_s=10, times=10, at_s=6, lasts_s=20).segments(100, 10.0, 34.0)
    assert spike == (Segment(10, 6), Segment(100, 20), Segment(10, 8))
    assert Steps((5, 10), each_s=4).segments(100, 10.0, 8.0) == (Segment(5, 4), Segment(10, 4))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: Experiment(load=Spike(10, 10, at_s=6, lasts_s=20), duration_s=26), "the spike ends at 26 s"),
        (lambda: Experiment(load=Steps((5, 10), each_s=4), duration_s=9), "2 steps of 4 s last 8 s, not 9 s"),
        (lambda: Spike(1000, 10, 1, 1), "a spike's rate"),
        (lambda: Spike(10, 1, 1, 1), "Spike.times"),
        (lambda: Steps((5, -1), each_s=4), "a rate"),
        (lambda: Experiment(clients=0), "clients"),
        (lambda: Experiment(abuser=Abuser(per_s=0)), "Abuser.per_s"),
        (lambda: Experiment(abuser=Abuser(10, at_s=30, lasts_s=20)), "the abuser is there until 50 s"),
        (lambda: Experiment(abuser=Abuser(10, at_s=38)), "the abuser is there until"),
    ],
)
def test_loads_that_cannot_be_are_refused(build: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: Steps(rates=5, each_s=1),  # type: ignore[arg-type]
        lambda: Experiment(places="tokyo"),  # type: ignore[arg-type]
        lambda: Experiment(abuser=10),  # type: ignore[arg-type]
        lambda: Experiment(clients=2.5),  # type: ignore[arg-type]
        lambda: Experiment(load=20),  # type: ignore[arg-type]
    ],
)
def test_words_of_the_wrong_kind_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        build()


def test_the_rate_of_a_load_that_changes_is_its_mean() -> None:
    target = find_target("v1")
    spike = Experiment(load=Spike(per_s=10, times=10, at_s=6, lasts_s=20), duration_s=34)
    assert arrivals_per_s(spike, target) == pytest.approx((14 * 10 + 20 * 100) / 34)
    assert arrivals_per_s(Experiment(load=ClaimedUsers()), target) == ClaimedUsers().per_s(100, 10.0)
