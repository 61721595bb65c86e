"""The machine's pressure: shares from the kernel's own counters, nulls where it has none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.clock import RunClock
from harness.pressure import FILE, PressureLog, Reading, between, read_now, read_rows, summarised

PID = 41


def machine(root: Path, *, cpu_us: int = 0, memory_us: int = 0, busy: int = 0, idle: int = 0, steal: int = 0) -> Path:
    """A /proc with one process that has used 30 ticks in user and 20 in kernel mode."""
    for name, total in (("cpu", cpu_us), ("memory", memory_us), ("io", 0)):
        path = root / "pressure" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{who} avg10=1.00 avg60=1.00 avg300=1.00 total={total}" for who in ("some", "full")]
        path.write_text("\n".join(lines) + "\n")
    (root / "stat").write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\n")
    (root / str(PID)).mkdir(exist_ok=True)
    (root / str(PID) / "stat").write_text(f"{PID} (loc) ust) S 1 {PID} {PID} 0 -1 0 0 0 0 0 30 20 0 0 20 0 1 0 9 0\n")
    return root


def at(second: float, reading: Reading) -> Reading:
    return Reading(second, reading.stalled_us, reading.ticks, reading.generator_ticks)


def test_shares_are_differences_of_counters(tmp_path: Path) -> None:
    before = at(10.0, read_now(machine(tmp_path, cpu_us=5_000_000, busy=100, idle=100), [PID]))
    proc = machine(tmp_path, cpu_us=6_000_000, memory_us=500_000, busy=250, idle=130, steal=20)
    after = at(12.0, read_now(proc, [PID]))
    shares = between(before, after)
    assert shares["cpu_some"] == shares["cpu_full"] == 0.5  # 1 s of 2
    assert shares["memory_some"] == 0.25
    assert shares["io_some"] == 0.0
    assert shares["cpu_busy"] == pytest.approx(0.85)  # 170 of 200 ticks
    assert shares["steal"] == pytest.approx(0.1)
    assert shares["generator_cpu"] == 0.0
    assert before.generator_ticks == 50


def test_where_the_kernel_says_nothing_the_figure_is_null(tmp_path: Path) -> None:
    empty = read_now(tmp_path, [PID])
    assert set(between(at(1, empty), at(2, empty)).values()) == {None}
    totals = summarised([between(at(1, empty), at(2, empty))])
    assert totals is not None
    assert (totals.seconds, totals.cpu_some_avg, totals.steal_share, totals.generator_cpu_share) == (
        1,
        None,
        None,
        None,
    )
    assert summarised([]) is None


def test_a_process_that_ended_between_two_looks_gives_no_share(tmp_path: Path) -> None:
    proc = machine(tmp_path)
    before = at(1, read_now(proc, [PID]))
    assert between(before, at(2, read_now(proc, [])))["generator_cpu"] is None
    fewer = Reading(2.0, before.stalled_us, before.ticks, 20)
    assert between(before, fewer)["generator_cpu"] is None


def test_the_summary_is_means_and_maxima_of_what_is_known() -> None:
    rows = [
        {"t_s": 1.0, "cpu_some": 0.2, "cpu_busy": 0.5, "steal": 0.0, "generator_cpu": 0.1},
        {"t_s": 2.0, "cpu_some": 0.6, "cpu_busy": 1.0, "steal": 0.2, "generator_cpu": None},
    ]
    totals = summarised(rows)
    assert totals is not None
    assert (totals.seconds, totals.cpu_some_avg, totals.cpu_some_max) == (2, 0.4, 0.6)
    assert (totals.cpu_busy_share, totals.steal_share, totals.steal_max) == (0.75, 0.1, 0.2)
    assert totals.generator_cpu_share == 0.1
    assert totals.memory_some_avg is None


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / FILE
    assert read_rows(path) == []
    path.write_text(json.dumps({"t_s": 1.0}) + "\n" + '{"t_s": 2.')
    assert read_rows(path) == [{"t_s": 1.0}]


def test_rows_are_written_while_the_block_lasts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.pressure.EVERY_S", 0.05)
    clock = RunClock.starting_in(0)
    with PressureLog(tmp_path, clock, lambda: [PID], machine(tmp_path / "proc")):
        deadline = time.monotonic() + 5
        while len(read_rows(tmp_path / FILE)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    rows = read_rows(tmp_path / FILE)
    assert [row["t_s"] for row in rows] == sorted(row["t_s"] for row in rows)
    assert all(row["cpu_some"] == 0.0 for row in rows)


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    with PressureLog(tmp_path / "nowhere", RunClock.starting_in(0), list):
        pass
    assert read_rows(tmp_path / "nowhere" / FILE) == []
