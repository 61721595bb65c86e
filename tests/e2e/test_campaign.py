"""A few whole campaigns against the real v1: verdicts at the end, and nothing left behind however it ended."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import psutil
import pytest

from harness.engine.residue import dirty, residue, snapshot
from tests.e2e.campaigns import done, harness, read_until
from tests.printed import rest

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    """The engine, which must be as it was when the test is over."""
    client = docker.from_env()
    before = snapshot(client)
    yield client
    done(Path("/nonexistent"), "recover")  # so that one failing test does not spoil the next
    left = residue(before, snapshot(client))
    client.close()
    assert left == []


def locusts(results: Path) -> list[psutil.Process]:
    """Load generators that work in a folder of these results; other people's are none of our business."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if "locust" in (process.info["cmdline"] or []) and (process.info["cwd"] or "").startswith(str(results)):
            found.append(process)
    return found


def summary_of(results: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((results / "latest" / "summary.json").read_text())


def test_a_database_crash_costs_what_it_lasts_and_loses_nothing(engine: docker.DockerClient, tmp_path: Path) -> None:
    code, out = done(tmp_path, "experiment", "v1", "--experiment", "database_crash", "--seed", "7")
    assert code == 0, out
    summary = summary_of(tmp_path)
    run = summary["runs"][0]
    fault = run["faults"][0]
    away = fault["off_s"] - fault["on_s"]
    assert summary["valid"] and run["valid"]
    assert fault["receipt"] == "confirmed"
    assert 0.7 * away <= fault["lost_s"] <= 1.5 * away
    assert fault["mitigated_after_s"] is None
    assert run["durability"]["acknowledged"] > 100
    assert run["durability"]["lost"] == run["durability"]["duplicated"] == 0
    assert run["generator"]["unsent"] == 0
    verdicts = {claim["id"]: claim["verdict"] for claim in summary["claims"]}
    assert verdicts["database-down"] == "HELD"
    assert summary["command"] == "make experiment PHASE=v1 EXPERIMENT=database_crash SEED=7 REPEATS=1"
    folder = (tmp_path / "latest").resolve()
    assert {"manifest.json", "report.md", "report.html", "summary.json", "logs", "runs"} <= {
        p.name for p in folder.iterdir()
    }
    events = [json.loads(line) for line in (folder / "runs" / run["run"] / "events.jsonl").read_text().splitlines()]
    told = {event["event"]: event["t_s"] for event in events}
    assert told["fault_asked"] <= fault["on_s"] + 0.5 and abs(told["fault_off"] - fault["off_s"]) < 3
    assert dirty(engine) == []
    before = (folder / "summary.json").read_bytes(), (folder / "report.html").read_bytes()
    assert done(tmp_path, "judge", str(folder))[0] == 0
    assert ((folder / "summary.json").read_bytes(), (folder / "report.html").read_bytes()) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_heals_keeps_and_takes_down(
    engine: docker.DockerClient, tmp_path: Path, number: signal.Signals
) -> None:
    process = harness(tmp_path, "experiment", "v1", "--experiment", "cache_down")
    read_until(process, "fault on: stop (role cache)")
    process.send_signal(number)
    out = rest(process, 90)
    assert process.returncode == 130, out
    assert dirty(engine) == [] and locusts(tmp_path) == []
    run = summary_of(tmp_path)["runs"][0]
    assert run["valid"] is False and run["faults"][0]["receipt"] != "confirmed"
    record = json.loads((tmp_path / "latest" / "runs" / run["run"] / "run.json").read_text())
    assert record["faults"][0]["healed"] is True
    assert (tmp_path / "latest" / "runs" / run["run"] / "arrivals.parquet").is_file()


def test_after_kill_9_a_start_is_refused_and_recover_cleans_up(engine: docker.DockerClient, tmp_path: Path) -> None:
    process = harness(tmp_path, "experiment", "v1", "--experiment", "database_black_hole")
    read_until(process, "fault on: link_black_hole (link database)")
    assert locusts(tmp_path) != []
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert dirty(engine) != []
    code, out = done(tmp_path, "experiment", "v1", "--experiment", "control")
    assert code == 1 and "make recover" in out
    code, out = done(tmp_path, "recover")
    assert code == 0, out
    assert "undone with the stack: link_black_hole on link database" in out
    assert dirty(engine) == [] and locusts(tmp_path) == []
    code, out = done(tmp_path, "recover")
    assert (code, out) == (0, "The engine is clean.\n")


def test_a_second_harness_is_refused_by_name(engine: docker.DockerClient, tmp_path: Path) -> None:
    first = harness(tmp_path / "a", "experiment", "v1", "--experiment", "control")
    try:
        read_until(first, "Starting v1")
        code, out = done(tmp_path / "b", "experiment", "v1", "--experiment", "control")
        assert code == 1 and str(first.pid) in out
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=90)
    assert dirty(engine) == []


def test_plain_make_knows_its_targets() -> None:
    out = subprocess.run(["make"], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True).stdout
    for name in ("install", "dev", "run", "test", "lint", "experiment", "down", "recover"):
        assert f"\n  {name} " in out
