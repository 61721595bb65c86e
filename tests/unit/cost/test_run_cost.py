"""What a run cost: counters that begin anew, the counted window, sums over runs, and rows written each second."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.clock import RunClock
from harness.cost import FILE, Meter, Totals, counted, read_cost, summarised, together
from harness.cost_log import CostLog
from tests.fakes.meters import FakeMeters, app_and_proxy

MB = 1_000_000


def row(t_s: float, app_s: float, memory: int | None, busy_s: float | None = None, **more: float) -> dict[str, Any]:
    parts = {"app": [app_s, memory], **{name: [used, memory] for name, used in more.items()}}
    return {"t_s": t_s, "busy_s": busy_s, "components": parts, "harness": {"harness": [app_s / 2, 5 * MB]}}


def test_counters_begin_anew_and_vanish() -> None:
    totals = Totals()
    totals.add([("old", "app", 100.0)])
    totals.add([("old", "app", 101.0), ("new", "app", 0.5)])  # another instance, counted from its start
    totals.add([("old", "app", 0.25), ("new", "app", 0.75)])  # the first was started again
    totals.add([("new", "app", 1.0)])  # and is gone
    totals.add([])
    assert totals.sums == {"app": 1.0 + 0.5 + 0.25 + 0.25 + 0.25}


def test_what_was_there_at_first_counts_from_there_on() -> None:
    totals = Totals()
    totals.add([("old", "app", 100.0)])
    assert totals.sums == {"app": 0.0}


def test_warm_up_and_drain_are_not_counted() -> None:
    rows = [row(t_s, 10.0 + t_s, MB, busy_s=20.0 + 2 * t_s) for t_s in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5)]
    window = counted(rows, duration_s=3.0)
    assert [each["t_s"] for each in window] == [-0.5, 0.5, 1.5, 2.5, 3.5]
    assert [each["components"]["app"][0] for each in window] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert window[-1]["busy_s"] == 8.0
    cost = summarised({"app": "app"}, rows, duration_s=3.0, processors=2)
    assert cost is not None
    assert (cost.seconds, cost.busy_s, cost.components[0].cpu_s, cost.harness[0].cpu_s) == (4.0, 8.0, 4.0, 2.0)


def test_memory_is_the_largest_and_the_mean_of_what_is_known() -> None:
    rows = [row(0, 0, 10 * MB), row(1, 1, 30 * MB), row(2, 2, None)]
    cost = summarised({"app": "frontend"}, rows, duration_s=2, processors=1)
    assert cost is not None
    (app,) = cost.components
    assert (app.role, app.memory_max_bytes, app.memory_mean_bytes) == ("frontend", 30 * MB, 20 * MB)
    assert cost.busy_s is None


def test_a_part_that_came_later_counts_from_its_start() -> None:
    cost = summarised(
        {}, [row(0, 0, MB), row(1, 1, MB, late=0.5), row(2, 2, MB, late=0.75)], duration_s=2, processors=1
    )
    assert cost is not None
    assert [(one.name, one.role, one.cpu_s) for one in cost.components] == [("app", "app", 2.0), ("late", "late", 0.75)]


def test_of_less_than_two_rows_nothing_is_known() -> None:
    assert summarised({}, [], duration_s=2, processors=1) is None
    assert summarised({}, [row(0, 0, MB)], duration_s=2, processors=1) is None


def test_runs_are_added_up_and_their_memory_weighted_by_their_length() -> None:
    short = summarised({}, [row(0, 0, MB, 0.0), row(1, 1, MB, 1.5)], duration_s=1, processors=2)
    long = summarised({}, [row(0, 0, 4 * MB, 0.0), row(2, 5, 4 * MB, 6.0, db=1.0)], duration_s=2, processors=2)
    assert short is not None
    assert long is not None
    both = together([short, long])
    assert both is not None
    app, db = both.components
    assert (both.seconds, both.busy_s, app.cpu_s, db.cpu_s) == (3.0, 7.5, 6.0, 1.0)
    assert (app.memory_max_bytes, app.memory_mean_bytes) == (4 * MB, 3 * MB)
    assert together([]) is None


def machine(root: Path, *, busy: int, own: int) -> Path:
    """A /proc with this process and a generator, in clock ticks."""
    (root / "stat").write_text(f"cpu  {busy} 0 0 1000 0 0 0 0 0 0\n")
    for pid, ticks in ((os.getpid(), own), (7, 3 * own)):
        (root / str(pid)).mkdir(exist_ok=True)
        (root / str(pid) / "stat").write_text(f"{pid} (x) S 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 9 0\n")
        (root / str(pid) / "statm").write_text("900 10 5 1 0 5 0\n")
    return root


def test_rows_are_written_with_target_and_harness_apart(tmp_path: Path) -> None:
    meters = FakeMeters([app_and_proxy(5.0, 50 * MB), app_and_proxy(6.0, 70 * MB)], {"app": "app"})
    log = CostLog(tmp_path, RunClock.starting_in(0), meters, lambda: [7], machine(tmp_path, busy=100, own=10))
    log.look()
    machine(tmp_path, busy=300, own=60)
    log.look()
    roles, (first, second) = read_cost(tmp_path / FILE)
    assert roles == {"app": "app"}
    assert first["components"] == {"app": [0.0, 50 * MB]}
    assert second["components"] == {"app": [1.0, 70 * MB]}
    assert second["busy_s"] == 2.0
    page = os.sysconf("SC_PAGE_SIZE")
    assert second["harness"] == {
        "harness": [0.5, 10 * page],
        "generator": [1.5, 10 * page],
        "toxiproxy": [pytest.approx(0.1), 7 * MB],
    }


def test_the_last_row_is_written_when_the_block_is_left(tmp_path: Path) -> None:
    meters = FakeMeters([app_and_proxy(1.0, MB), app_and_proxy(9.0, MB)])
    with CostLog(tmp_path, RunClock.starting_in(0), meters, list, machine(tmp_path, busy=1, own=1)) as log:
        pass
    assert not log.going_on
    assert meters.closed
    _, rows = read_cost(tmp_path / FILE)
    assert [each["components"]["app"][0] for each in rows] == [0.0, 8.0]


def test_where_the_kernel_says_nothing_the_figures_are_null(tmp_path: Path) -> None:
    log = CostLog(
        tmp_path, RunClock.starting_in(0), FakeMeters([[Meter("a", "app", 1.0, None)]]), list, tmp_path / "no"
    )
    log.look()
    _, (only,) = read_cost(tmp_path / FILE)
    assert (only["busy_s"], only["harness"], only["components"]) == (None, {}, {"app": [0.0, None]})


def test_a_row_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    whole = json.dumps({"roles": {}}) + "\n" + json.dumps(row(0, 0, MB)) + "\n"
    (tmp_path / FILE).write_text(whole + '{"t_s": 1')
    assert len(read_cost(tmp_path / FILE)[1]) == 1
    assert read_cost(tmp_path / "nothing") == ({}, [])
