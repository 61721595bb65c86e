"""Short game days against the real v1: healthy at the end, and nothing left behind however they end."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
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


def day_of(results: Path) -> dict[str, Any]:
    (folder,) = results.glob("gameday-v1-*")
    assert (folder / "report.html").is_file() and (folder / "report.md").is_file()
    data: dict[str, Any] = json.loads((folder / "gameday.json").read_text())
    return data


def test_a_short_day_ends_healthy_with_nothing_lost_or_left_behind(engine: docker.DockerClient, tmp_path: Path) -> None:
    short = ("--minutes", "2", "--quiet", "10", "--wait", "2", "--burn", "20", "--seed", "1")
    code, out = done(tmp_path, "gameday", "v1", *short, timeout_s=420)
    assert code == 0, out
    data = day_of(tmp_path)
    assert data["ended"] == "as planned" and data["healthy"] and data["valid"]
    assert len(data["incidents"]) >= 2
    for earlier, later in zip(data["incidents"], data["incidents"][1:], strict=False):
        assert later["struck_s"] - earlier["struck_s"] >= 10
        assert all(fault["receipt"] == "confirmed" for fault in earlier["faults"])
    assert data["durability"]["acknowledged"] > 1000
    assert data["durability"]["lost"] == data["durability"]["unchecked"] == 0
    first, last = data["harness"]["first_under_load"], data["harness"]["last_under_load"]
    assert last["handles"] <= first["handles"] + 5 and last["threads"] <= first["threads"] + 5
    assert data["harness"]["after"]["children"] == 0
    assert dirty(engine) == []


def test_ctrl_c_while_a_fault_is_on_heals_and_reports(engine: docker.DockerClient, tmp_path: Path) -> None:
    process = harness(tmp_path, "gameday", "v1", "--minutes", "5", "--quiet", "5", "--wait", "0")
    read_until(process, "fault on: ")
    os.kill(process.pid, signal.SIGINT)
    out = rest(process, 180)
    assert process.returncode == 130, out
    assert dirty(engine) == []
    data = day_of(tmp_path)
    assert data["ended"] == "cut off" and data["healthy"] is None
    assert 0 < data["lasted_s"] < 290
