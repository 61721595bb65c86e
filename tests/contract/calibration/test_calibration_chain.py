"""The whole chain against the reference server: short, and generous to a busy machine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from harness.calibration.chain import run_once
from harness.calibration.compare import Truth
from harness.calibration.conduct import Asked, calibrate
from harness.calibration.edges import found_outages, sightings
from harness.calibration.process import ReferenceServer
from harness.calibration.script import Episode, Form, Script
from harness.calibration.truth import true_outages
from harness.errors import InstrumentError
from harness.history import read_history


def script(*episodes: Episode, duration_s: float) -> Script:
    return Script(schema=1, name="short", duration_s=duration_s, episodes=episodes)


def episode(form: str, start_s: float, lasts_s: float, **more) -> Episode:
    return Episode(form=Form(form), start_s=start_s, lasts_s=lasts_s, **more)


def not_late(reasons):
    return [reason for reason in reasons if " late (" not in reason]


def run_in_time(mine, rate, folder):
    """A run that the machine did not make late: such a one is void, and says nothing about the instrument."""
    for attempt in range(3):
        place = folder / str(attempt)
        place.mkdir()
        plan, way, record = run_once(mine, rate, 3, place)
        assert not_late(record.void_because) == []
        if record.valid:
            return plan, way, record, place
    pytest.skip(f"the machine is too busy: {record.void_because[0]}")


def test_what_was_scripted_is_what_is_measured(tmp_path):
    mine = script(
        episode("hang", 0.8, 1.0),
        episode("503", 2.6, 0.3),
        episode("refused", 3.7, 1.0),
        episode("cut", 5.5, 0.4),
        episode("truncated", 6.7, 0.4),
        episode("slow", 7.5, 0.5, seconds=3.0, share=0.5),
        duration_s=8.5,
    )
    plan, way, record, folder = run_in_time(mine, 100, tmp_path)
    arrivals = read_history(folder).counted()
    true, seen = Truth(mine, plan.due_s, plan.counted).good(), arrivals.good(mine.deadline_s)

    assert len(true) == len(seen) == 850
    assert 0.5 < true.mean() < 0.7
    assert abs(float(seen.mean() - true.mean())) <= 0.005
    found = found_outages(arrivals.due_s, seen, mine.duration_s)
    for one in sightings(true_outages(mine, clear_s=0.3), found, bound_ms=300):
        assert one.seen, one
    assert way is not None
    assert 0 < way.p50 < 50
    outcomes = {form: set(arrivals.outcome[inside(arrivals.due_s, mine, form)]) for form in ("503", "refused", "cut")}
    assert outcomes == {"503": {"http_error"}, "refused": {"refused"}, "cut": {"reset"}}
    (refused,) = [fault for fault in record.faults if fault.name == "refused"]
    assert refused.receipt.on_s == pytest.approx(3.7, abs=0.2)
    assert refused.receipt.off_s == pytest.approx(4.7, abs=0.2)


def inside(due_s, mine, form):
    """Which arrivals were due while it was on, 0.1 s from its edges."""
    (one,) = [e for e in mine.episodes if e.form == form]
    return (due_s > one.start_s + 0.1) & (due_s < one.end_s - 0.1)


def test_a_calibration_leaves_a_campaign_a_summary_and_a_page(tmp_path):
    mine = script(episode("503", 1.0, 1.0), duration_s=3.0)
    lines = []
    summary = calibrate(Asked([mine], 60, 1, "mine.toml"), tmp_path, lines.append)

    (form,) = summary.forms
    stored = json.loads((tmp_path / "summary.json").read_text())
    folder = tmp_path / stored["folder"]
    assert stored == json.loads((folder / "calibration.json").read_text())
    assert stored["valid"] is summary.valid
    chain = json.loads((folder / "summary.json").read_text())
    assert chain["runs"][0]["good"] == form.measured_good
    assert not_late(form.void_because) == []
    if not form.valid:
        pytest.skip(f"the machine is too busy: {form.void_because[0]}")
    assert abs(form.measured_good - form.true_good) <= 4
    assert {path.name for path in tmp_path.iterdir()} == {"summary.json", "report.md", "report.html", folder.name}
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 1
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert lines[1].startswith("[1/1] short")
    assert [one.right for one in summary.verdicts] == [True, True]


def test_a_reference_server_that_dies_makes_the_run_void(tmp_path, monkeypatch):
    started = []
    enter = ReferenceServer.__enter__

    def entered(self):
        enter(self)
        started.append(self._process)
        return self

    check = ReferenceServer.check

    def killed(self):
        if (tmp_path / "load.go").is_file() and started:
            os.killpg(started.pop().pid, signal.SIGKILL)
            time.sleep(0.1)
        check(self)

    monkeypatch.setattr(ReferenceServer, "__enter__", entered)
    monkeypatch.setattr(ReferenceServer, "check", killed)
    _, way, record = run_once(script(episode("hang", 1, 1), duration_s=3.0), 20, 1, tmp_path)

    assert "The reference server ended early" in record.void_because[0]
    assert any("receipt of hang at 1 s is missing" in reason for reason in record.void_because)
    assert way is None
    assert read_history(tmp_path).record.valid is False
    assert np.all(read_history(tmp_path).arrivals.outcome != "ok")


def test_a_server_that_cannot_say_what_it_did_is_an_error_and_is_ended(tmp_path):
    with ReferenceServer(tmp_path, script(duration_s=3.0)) as server:
        server.ready()
        (tmp_path / "reference.json").mkdir()
        with pytest.raises(InstrumentError, match="did not say"):
            server.finish()
    assert "IsADirectoryError" in (tmp_path / "reference.log").read_text()


def test_a_server_whose_harness_is_gone_ends_by_itself(tmp_path):
    """The harness is killed, so that nobody can tell the server."""
    code = f"""
import os
from pathlib import Path
from harness.calibration.process import ReferenceServer
from harness.calibration.script import Script

server = ReferenceServer(Path({str(tmp_path)!r}), Script(schema=1, duration_s=300.0)).__enter__()
server.ready()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    port = int((tmp_path / "reference.ready").read_text())
    end = time.monotonic() + 20
    while not (tmp_path / "reference.json").is_file():
        assert time.monotonic() < end, "it is still there"
        time.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        for _ in range(200):  # what it did is written down just before it ends
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            time.sleep(0.05)


def test_a_wrong_script_ends_with_one_message_before_anything_starts(tmp_path):
    wrong = tmp_path / "truth.toml"
    wrong.write_text('schema = 1\nduration_s = 9\n[[episodes]]\nform = "hnag"\nstart_s = 1\nlasts_s = 1\n')
    done = subprocess.run(
        [str(Path(".venv/bin/harness").resolve()), "calibrate", "--script", str(wrong)],
        capture_output=True,
        text=True,
        env={**os.environ, "TESTBED_RESULTS": str(tmp_path / "results")},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "episodes[1].form" in done.stderr
    assert not (tmp_path / "results").exists()
