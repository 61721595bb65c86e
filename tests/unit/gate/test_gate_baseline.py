"""The committed file: what goes in comes out, and only equal questions are compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.gate.baseline import asked, machine_differs, make_baseline, read_baseline, write_baseline
from harness.gate.commands import chosen, judge, split
from harness.gate.decide import Outcome
from harness.gate.figures import run_figures
from harness.gate.measure import Measured
from harness.history import History, Pressure, Stretch, Way
from tests.fakes.histories import Hang, Trouble, campaign, fault, history
from tests.fakes.simulated_v1 import SimulatedV1

MACHINE = {"cores": "2", "processor": "AMD EPYC", "memory_gib": "23.5"}


def runs(version: SimulatedV1, seed: int, repeats: int = 3) -> list[History]:
    random, found = np.random.default_rng(seed), []
    for name in ("control", "app_crash"):
        for repeat in range(1, repeats + 1):
            run = version.run(name, repeat, random)
            found.append(replace(run, record=replace(run.record, seed=100 + repeat)))
    return found


def measured(histories: list[History], tmp_path: Path, machine: dict[str, str] = MACHINE) -> Measured:
    record = replace(campaign(), experiments=("control", "app_crash"), repeats=3, machine=machine)
    return Measured(tmp_path, record, histories, [], dict.fromkeys(record.experiments, 3))


def test_a_baseline_survives_its_file_and_has_one_line_per_run(tmp_path: Path) -> None:
    found = measured(runs(SimulatedV1(), 1), tmp_path)
    baseline = make_baseline(found.record, found.histories, note="A quiet machine.")
    path = tmp_path / "v1.json"
    write_baseline(path, baseline)
    assert read_baseline(path) == baseline
    text = path.read_text(encoding="utf-8")
    assert sum('"figures"' in line for line in text.splitlines()) == 6
    assert json.loads(text)["schema"] == 1
    assert len(text) < 8000


def test_the_same_target_again_is_no_regression_and_a_slower_one_is(tmp_path: Path) -> None:
    before = measured(runs(SimulatedV1(), 1), tmp_path)
    baseline = make_baseline(before.record, before.histories)
    assert judge(baseline, before).outcome is Outcome.NO_REGRESSION
    slower = judge(baseline, measured(runs(SimulatedV1(database_s=0.05), 2), tmp_path))
    assert slower.outcome is Outcome.WORSE


def test_another_machine_concludes_nothing_and_says_so(tmp_path: Path) -> None:
    before = measured(runs(SimulatedV1(), 1), tmp_path)
    baseline = make_baseline(before.record, before.histories)
    slower = measured(runs(SimulatedV1(database_s=0.05), 2), tmp_path, {**MACHINE, "cores": "4"})
    report = judge(baseline, slower)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert "cores: 2 then, 4 now" in report.doubts[0]


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({}, 0),
        ({"memory_gib": "23.1"}, 0),
        ({"memory_gib": "15.6"}, 1),
        ({"cores": "4"}, 1),
        ({"processor": "Xeon", "cores": "8"}, 2),
        ({"processor": ""}, 1),
    ],
)
def test_machines_differ_in_what_times_depend_on(changed: dict[str, str], differs: int) -> None:
    assert len(machine_differs(MACHINE, {**MACHINE, **changed})) == differs


def test_how_busy_the_machine_was_is_told_and_decides_nothing(tmp_path: Path) -> None:
    busy = Pressure(38, 0.5, 0.9, 0.0, 0.0, 0.8, 0.0, 0.0, 0.1)
    pressed = [replace(h, record=replace(h.record, pressure=busy)) for h in runs(SimulatedV1(), 1)]
    baseline = make_baseline(measured(pressed, tmp_path).record, pressed)
    assert baseline.experiments["control"].runs[0].cpu_pressure == 0.5
    report = judge(baseline, measured(runs(SimulatedV1(), 1), tmp_path))
    assert report.facts["waiting for a processor (PSI)"] == "50% of the time then, unknown now"
    assert report.outcome is Outcome.NO_REGRESSION


def test_a_missing_run_is_named_and_keeps_the_gate_from_passing(tmp_path: Path) -> None:
    before = measured(runs(SimulatedV1(), 1), tmp_path)
    baseline = make_baseline(before.record, before.histories)
    report = judge(baseline, measured(before.histories[:-1], tmp_path))
    assert report.outcome is Outcome.INCONCLUSIVE
    assert list(report.doubts) == ["app_crash: 2 of 3 pairs can be compared."]


def test_an_experiment_that_asks_something_else_is_refused(tmp_path: Path) -> None:
    before = measured(runs(SimulatedV1(), 1), tmp_path)
    baseline = make_baseline(before.record, before.histories)
    changed = [replace(h, record=replace(h.record, deadline_s=5.0)) for h in before.histories]
    with pytest.raises(ConfigError, match="asked something else"):
        judge(baseline, measured(changed, tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "there is no baseline yet"),
        ("", "Invalid JSON"),
        ("[]", "make baseline"),
        ('{"schema": 2}', "schema"),
        ('{"schema": 1, "phase": "v1", "colour": "red"}', "make baseline"),
    ],
)
def test_a_broken_baseline_is_one_clear_message(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "v1.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=says) as caught:
        read_baseline(path)
    assert "make baseline" in str(caught.value)


def test_experiments_are_chosen_by_name(tmp_path: Path) -> None:
    baseline = make_baseline(measured([], tmp_path).record, runs(SimulatedV1(), 1))
    assert chosen(baseline, [], tmp_path) == ["control", "app_crash"]
    assert chosen(baseline, split("app_crash, app_crash"), tmp_path) == ["app_crash"]
    with pytest.raises(ConfigError, match="Did you mean 'control'"):
        chosen(baseline, ["contrl"], tmp_path)


def test_figures_of_a_run_are_what_was_written_down() -> None:
    figures = run_figures(history(Trouble(8, 12, after_s=0.5), faults=[fault(8, 12)], latency_s=0.6, spread=0.0001))
    assert figures["lost_s"] == pytest.approx(4, abs=0.8)
    assert figures["failure_wait_s"] == pytest.approx(0.5)
    assert figures["chat_p50_s"] == pytest.approx(0.6, rel=0.01)
    assert figures["availability"] == pytest.approx(1 - 4 / 38, abs=0.02)
    assert figures["messages_lost"] == 0


def test_a_target_that_never_recovers_counts_with_the_time_watched() -> None:
    figures = run_figures(history(Trouble(8, 38), faults=[fault(8, 20)]))
    assert figures["recovery_s"] == pytest.approx(18)


def test_hanging_counts_up_to_the_deadline() -> None:
    figures = run_figures(history(Hang(5, 38), faults=[fault(5, 38)]))
    assert figures["failure_wait_s"] == pytest.approx(10)


def test_a_run_without_failures_has_no_failure_to_wait_for() -> None:
    figures = run_figures(history())
    assert figures["failure_wait_s"] is None
    assert figures["recovery_s"] is None


def test_what_was_measured_later_joins_what_was_measured_before(tmp_path: Path) -> None:
    whole = measured(runs(SimulatedV1(), 1, repeats=6), tmp_path)
    baseline = make_baseline(replace(whole.record, repeats=6), whole.histories)
    again = runs(SimulatedV1(), 2, repeats=6)
    first = measured([run for run in again if run.record.repeat <= 3], tmp_path / "first")
    later = measured([run for run in again if run.record.repeat > 3 and run.record.experiment == "control"], tmp_path)
    both = first.and_also(replace(later, asked={"control": 3}))
    assert both.folders == (tmp_path / "first", tmp_path)
    report = judge(baseline, both)
    assert not report.doubts
    assert {c.experiment: c.pairs for c in report.comparisons} == {"control": 6, "app_crash": 3}
    assert str(tmp_path / "first") in report.facts["evidence"]
    missing = judge(baseline, replace(both, asked={"control": 6, "app_crash": 6}))
    assert missing.doubts == ["app_crash: 3 of 6 pairs can be compared."]


def test_a_load_that_changes_or_comes_from_elsewhere_is_another_question() -> None:
    plain = history(experiment="control").record
    spike = replace(plain, stretches=[Stretch(10.0, 0.0, 6.0), Stretch(100.0, 6.0, 26.0)])
    world = replace(plain, ways=[Way("tokyo", 145.3, [145.0, 146.0])])
    abused = replace(plain, abuser_per_s=50.0)
    questions = [asked(record) for record in (plain, spike, world, abused)]
    assert all(one != other for k, one in enumerate(questions) for other in questions[:k])
    assert asked(replace(world, ways=[Way("tokyo", 145.3, [None, 150.0])])) == asked(world)
