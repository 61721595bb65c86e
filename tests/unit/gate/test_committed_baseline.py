"""The baseline in the repository asks what the experiments ask today: else `make verify` would refuse it."""

from __future__ import annotations

import pytest

from harness.experiment import Rate, load_experiment
from harness.gate.baseline import BASELINES, read_baseline
from harness.gate.commands import DEFAULT_EXPERIMENTS, FIRST_LOOK, split
from harness.gate.metrics import METRICS
from harness.target import find_target

BASELINE = read_baseline(BASELINES / "v1.json")


def test_it_holds_what_is_run_by_default() -> None:
    assert list(BASELINE.experiments) == split(DEFAULT_EXPERIMENTS)
    assert all(len(found.runs) == BASELINE.repeats >= FIRST_LOOK for found in BASELINE.experiments.values())
    assert find_target("v1").phase == BASELINE.phase


@pytest.mark.parametrize("name", list(BASELINE.experiments))
def test_it_asks_what_the_experiment_asks(name: str) -> None:
    experiment, asks = load_experiment(name), BASELINE.experiments[name].asks
    assert isinstance(experiment.load, Rate) and asks["rate_per_s"] == experiment.load.per_s
    for field in ("warmup_s", "duration_s", "deadline_s"):
        assert asks[field] == getattr(experiment, field)
    planned = [
        [at.fault.name, at.fault.aimed_at, at.t_s, at.lasts_s and at.t_s + at.lasts_s] for at in experiment.strikes()
    ]
    assert asks["faults"] == planned


def test_every_run_has_every_figure() -> None:
    names = {metric.name for metric in METRICS}
    assert all(set(run.figures) == names for found in BASELINE.experiments.values() for run in found.runs)
