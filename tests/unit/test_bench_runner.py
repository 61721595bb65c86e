"""What `make bench` makes of its measurements: medians of clean repeats, and a table that can be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import runner
from tests.bench.figures import Bench, Figure, Goal, Skipped
from tests.bench.gate import Gate, Load, contained_s
from tests.bench.million import struck, write_night

GOAL = Goal("speed", "how fast", "s", high=3)


def bench(values, repeats: int = 3) -> Bench:
    left = iter(values)

    def measure(folder: Path) -> dict[str, float]:
        value = next(left)
        if isinstance(value, Exception):
            raise value
        return {"speed": value}

    return Bench("speed", measure, (GOAL,), repeats=repeats)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Says for each repeat whether somebody else was at work."""
    foreign: list[float] = []
    monkeypatch.setattr(runner.Gate, "load", lambda self: Load(0.0, foreign.pop(0) if foreign else 0.0, None, 0.1))
    return foreign


def only(figures: list[Figure]) -> Figure:
    (figure,) = figures
    return figure


def run(one: Bench) -> Figure:
    return only(runner.run(one, lambda line: None))


def test_the_median_of_clean_repeats_is_measured(machine: list[float]) -> None:
    figure = run(bench([5, 1, 2]))
    assert (figure.measured, figure.met, figure.repeats, figure.contaminated) == (2, True, 3, 0)


def test_a_contaminated_repeat_is_done_again_and_not_counted(machine: list[float]) -> None:
    machine += [0.0, 1.5, 0.0, 0.0]
    figure = run(bench([1, 100, 2, 3]))
    assert (figure.values, figure.contaminated) == ([1, 2, 3], 1)


def test_without_one_clean_repeat_all_are_shown_as_contaminated(machine: list[float]) -> None:
    machine += [1.0] * 5
    figure = run(bench([9, 9, 4, 9, 9]))
    assert (figure.measured, figure.met, figure.contaminated) == (9, False, 5)


def test_what_cannot_be_measured_is_neither_met_nor_missed(machine: list[float]) -> None:
    figure = run(bench([Skipped("wrk is not installed")]))
    assert (figure.measured, figure.met, figure.because) == (None, None, "skipped: wrk is not installed")


def test_what_fails_is_missed_and_says_why(machine: list[float]) -> None:
    figure = run(bench([RuntimeError("it\nbroke")]))
    assert (figure.measured, figure.met, figure.because) == (None, False, "failed: RuntimeError: it broke")


def test_containers_are_foreign_only_where_they_are_not_ours() -> None:
    assert Load(0.0, 1.0, 0.9, None).contaminated(containers=False)
    assert not Load(0.0, 1.0, 0.9, None).contaminated(containers=True)
    assert Load(0.0, 1.5, 0.9, None).contaminated(containers=True)
    assert Load(0.05, 0.0, 0.0, None).contaminated(containers=True)


@pytest.mark.parametrize(
    ("name", "text", "seconds"),
    [
        ("cpuacct/docker/cpuacct.usage", "1500000000\n", 1.5),
        ("docker/cpu.stat", "usage_usec 2500000\nuser_usec 1\n", 2.5),
        ("system.slice/cpu.stat", "usage_usec 3500000\n", 3.5),
    ],
)
def test_the_time_of_containers_is_read_from_either_cgroup_version(
    tmp_path: Path, name: str, text: str, seconds: float
) -> None:
    assert contained_s(tmp_path) is None
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    assert contained_s(tmp_path) == seconds


def test_the_gate_reads_this_machine() -> None:
    gate = Gate()
    sum(range(200_000))
    load = gate.load()
    assert 0 <= load.steal <= 1
    assert load.foreign >= 0


@pytest.mark.parametrize(
    ("goal", "text", "good", "bad"),
    [
        (Goal("a", "", "s", high=3), "at most 3 s", 3, 3.1),
        (Goal("a", "", "ratio", 0.99, 1.01), "0.99 to 1.01", 1, 1.02),
        (Goal("a", "", "ratio", 1, 1), "1 exactly", 1, 0.999),
        (Goal("a", "", "ratio", low=500), "at least 500", 500, 499),
    ],
)
def test_a_goal_says_what_it_wants(goal: Goal, text: str, good: float, bad: float) -> None:
    assert (goal.text, goal.met(good), goal.met(bad)) == (text, True, False)


def test_a_new_figure_takes_the_place_of_the_stored_one(tmp_path: Path, machine: list[float]) -> None:
    path = tmp_path / "summary.json"
    runner.write(path, {}, [run(bench([1, 1, 1])), Figure("b", "other", "", "", 7, "", None, 1, 0)])
    merged = runner.merged(path, [run(bench([2, 2, 2]))], ["other", "speed"])
    assert [(figure.name, figure.measured) for figure in merged] == [("other", 7), ("speed", 2)]
    assert json.loads(path.read_text())["schema"] == 1


def test_the_table_has_a_row_for_each_figure(machine: list[float]) -> None:
    rows = runner.table([run(bench([5, 5, 5])), run(bench([Skipped("no engine")]))]).splitlines()
    assert rows[2].startswith("| how fast | at most 3 s | 5 s | **no** | 3 (0) | speed |")
    assert "| skipped: no engine | – |" in rows[3]
    assert len({row.count("|") for row in rows}) == 1


def test_a_block_is_replaced_and_the_rest_kept() -> None:
    text = "a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nz\n"
    assert runner.between_marks(text, "new\n") == "a\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nz\n"
    with pytest.raises(ValueError, match="no block"):
        runner.between_marks("nothing here", "new")


def test_the_stored_night_is_what_a_report_is_made_of(tmp_path: Path) -> None:
    from harness.conclusion import rejudge

    write_night(tmp_path, 160_000, {"control": None, "database_crash": struck()})
    summary = rejudge(tmp_path)
    control, crash = summary["runs"]
    assert control["scheduled"] == crash["scheduled"] == 80_000
    assert control["availability"]["value"] == 1
    assert crash["faults"][0]["lost_s"] == pytest.approx(30, abs=0.2)
