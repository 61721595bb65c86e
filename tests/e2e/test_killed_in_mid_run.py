"""Parts of the real thing are killed in mid-run: the run is void, nothing is left, and nothing recorded is lost."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.engine.residue import dirty, residue, snapshot
from tests.e2e.campaigns import done, harness, read_until
from tests.printed import rest

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SHORT = '''"""Nothing is broken, and so nothing goes wrong."""

from harness.experiment import Experiment

EXPERIMENT = Experiment(duration_s=8, warmup_s=1, deadline_s=3)
'''


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:
    """The engine, which must be as it was when the test is over; and a short experiment of the test's own."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "short.py").write_text(SHORT)
    monkeypatch.setenv("TESTBED_EXPERIMENTS", str(tmp_path / "experiments"))
    client = docker.from_env()
    before = snapshot(client)
    yield client
    done(Path("/nonexistent"), "recover")  # so that one failing test does not spoil the next
    left = residue(before, snapshot(client))
    client.close()
    assert left == []


def summary_of(results: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((results / "latest" / "summary.json").read_text())


def test_containers_that_somebody_kills_void_the_run(engine: docker.DockerClient, tmp_path: Path) -> None:
    process = harness(tmp_path / "results", "experiment", "v1", "--experiment", "short")
    read_until(process, " of 8 s")
    engine.containers.get("testbed-v1-cache-1").kill()
    engine.containers.get("testbed-v1-toxiproxy-1").kill()
    out = rest(process, 90)
    assert process.returncode == 2, out
    assert dirty(engine) == []
    summary = summary_of(tmp_path / "results")
    assert summary["valid"] is False and summary["runs"][0]["valid"] is False
    reasons = " ".join(summary["runs"][0]["void_because"])
    assert "testbed-v1-toxiproxy-1, a part of the instrument, ended" in reasons
    assert "testbed-v1-cache-1, which no fault was aimed at then, was killed" in reasons


def test_recover_finishes_and_judges_what_a_killed_harness_left(engine: docker.DockerClient, tmp_path: Path) -> None:
    results = tmp_path / "results"
    process = harness(results, "experiment", "v1", "--experiment", "short")
    read_until(process, " of 8 s")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    code, out = done(results, "recover")
    assert code == 0, out
    assert "what it recorded is kept, and is void" in out and "INCONCLUSIVE" in out
    assert dirty(engine) == []
    summary = summary_of(results)
    (run,) = summary["runs"]
    assert summary["valid"] is False and run["valid"] is False
    assert 0 < run["good"] < run["scheduled"] == 160
    assert {claim["verdict"] for claim in summary["claims"]} <= {"INCONCLUSIVE", "NOT TESTABLE HERE"}
    written = (results / "latest" / "report.html").read_bytes()
    assert done(results, "judge", str(results / "latest"))[0] == 0
    assert (results / "latest" / "report.html").read_bytes() == written
