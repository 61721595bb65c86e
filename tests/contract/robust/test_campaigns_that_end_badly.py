"""kill -9, signals and a full disk at every point of a campaign: nothing recorded is lost, nothing stays unhealed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from harness.conclusion import finish_campaign, rejudge
from tests.printed import rest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@contextmanager
def lab(results: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A campaign that has reached its point; it is not there any more afterwards."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.lab", str(results), *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            seen = ""
            for line in process.stdout:
                seen += line
                if line.startswith("AT "):
                    break
            else:
                raise AssertionError(seen)
            yield process
        finally:
            process.kill()


def locusts(results: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        if str(results) in (process.info["environ"] or {}).get("HARNESS_LOAD_FOLDER", ""):
            found.append(process)
    return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def campaigns(results: Path) -> list[Path]:
    return sorted(results.glob("v1-*"))


def summary_of(folder: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((folder / "summary.json").read_text())


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("summary.json", "report.md", "report.html")]


@pytest.mark.parametrize("point", ["fault on", "audit", "down"])
def test_what_a_killed_harness_had_recorded_is_judged_inconclusive(tmp_path: Path, point: str) -> None:
    with lab(tmp_path, point) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    deadline = time.monotonic() + 10
    while locusts(tmp_path):
        assert time.monotonic() < deadline, "the load generator outlived its harness"
        time.sleep(0.05)
    (folder,) = campaigns(tmp_path)

    assert finish_campaign(folder)

    summary = summary_of(folder)
    assert (tmp_path / "latest").resolve() == folder
    assert summary["valid"] is False and "was killed" in summary["void_because"][0]
    assert {c["verdict"] for c in summary["claims"]} <= {"INCONCLUSIVE", "NOT TESTABLE HERE"}
    assert len(summary["runs"]) == 1
    if point != "down":
        run = summary["runs"][0]
        assert run["valid"] is False and run["scheduled"] == 75
        assert run["scheduled"] - run["outcomes"].get("unsent", 0) > 0
        assert run["faults"][0]["healed"] is (point == "audit")
    written = outputs(folder)
    rejudge(folder)
    assert outputs(folder) == written
    assert finish_campaign(folder) == []


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("images", signal.SIGTERM),
        ("recovery", signal.SIGHUP),
        ("judging", signal.SIGINT),
    ],
)
def test_signals_heal_keep_and_take_down_wherever_they_come(tmp_path: Path, point: str, number: signal.Signals) -> None:
    with lab(tmp_path, point) as process:
        process.send_signal(number)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)  # somebody is impatient
        out = rest(process, 30)
    assert process.returncode == 130, out
    assert "Traceback" not in out
    assert not (tmp_path / "bites").exists() and not (tmp_path / "up").exists() and not locusts(tmp_path)
    if point == "images":
        assert campaigns(tmp_path) == []
        return
    (folder,) = campaigns(tmp_path)
    assert len(summary_of(folder)["runs"]) == 1
    assert finish_campaign(folder) == []


@pytest.mark.parametrize("point", ["fault on", "down"])
def test_a_disk_that_fills_up_heals_takes_down_and_says_so(tmp_path: Path, point: str) -> None:
    with lab(tmp_path, point, "full") as process:
        out = rest(process, 30)
    assert process.returncode == 2, out
    assert "No space left on device" in out and "make recover" in out
    assert "Traceback" not in out
    assert not (tmp_path / "bites").exists() and not (tmp_path / "up").exists() and not locusts(tmp_path)
    (folder,) = campaigns(tmp_path)
    assert finish_campaign(folder), "once there is room, the record is finished"
    summary = summary_of(folder)
    assert summary["valid"] is False and len(summary["runs"]) == 1


def test_a_killed_load_generator_voids_its_run_and_keeps_what_it_had_written(tmp_path: Path) -> None:
    with lab(tmp_path, "fault on", "go on") as process:
        (generator,) = locusts(tmp_path)
        generator.kill()
        out = rest(process, 60)
    assert process.returncode == 2, out
    assert "killed by SIGKILL" in out and "Traceback" not in out
    assert not (tmp_path / "bites").exists() and not (tmp_path / "up").exists()
    (folder,) = campaigns(tmp_path)
    run = summary_of(folder)["runs"][0]
    assert run["valid"] is False and 0 < run["outcomes"]["unsent"] < run["scheduled"]
