"""The life of the generator process: ready, go, progress, and every way to end."""

import json
import os
import signal
import subprocess
import sys

import pytest

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.load.generator import LoadGenerator, start_ticks
from harness.load.plan import make_plan
from harness.load.settings import LOG, RAW, SUMMARY
from tests.contract.load.runs import read_run, wait_for
from tests.fakes.chat_server import ChatServer, serving


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def started(folder, plan, host, deadline_s=1.0):
    load = LoadGenerator(folder, plan, host=host, run="test", deadline_s=deadline_s)
    load.start()
    load.ready(60)
    load.go(RunClock.starting_in(0.3 - min(0.0, float(plan.due_s[0]))))
    return load


def test_a_killed_generator_raises_and_what_it_recorded_stays(tmp_path):
    plan = make_plan(100, 30, 0, Mix(), seed=1)
    with serving() as server:
        load = started(tmp_path, plan, server.url)
        wait_for(lambda: load.progress().good_total > 100)
        os.killpg(load.pid, signal.SIGKILL)
        with pytest.raises(InstrumentError, match="SIGKILL"):
            load.wait(10)
        load.stop()

    ran = read_run(tmp_path, plan)
    assert (ran.arrivals.outcome == "ok").sum() > 100
    assert "the load generator did not finish its plan" in ran.odd
    assert any("never sent" in reason for reason in ran.odd)


def test_stopping_early_writes_what_there_is_and_leaves_no_process(tmp_path):
    plan = make_plan(100, 30, 0, Mix(), seed=1)
    with serving() as server:
        load = started(tmp_path, plan, server.url)
        pid = load.pid
        assert start_ticks(pid) == load.started_at()
        wait_for(lambda: load.progress().ended_total > 20)
        load.stop(grace_s=20)
        load.stop()

    assert not lives(pid)
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert summary["finished"] is False
    assert summary["recorded"] == (tmp_path / RAW).read_bytes().count(b"\n") > 20


def test_progress_shows_what_happens_now(tmp_path):
    plan = make_plan(50, 30, 0, Mix(), seed=1)
    with ChatServer() as server:
        load = started(tmp_path, plan, server.url)
        wait_for(lambda: load.progress(2.0).good_total > 30)
        good = load.progress(2.0)
        server.script = lambda t, method: "unavailable"
        wait_for(lambda: load.progress(1.0).availability == 0.0)
        bad = load.progress(1.0)
        load.stop()

    assert good.availability == 1.0
    assert 0 < good.latency_ms_p50 <= good.latency_ms_p95 < 1000
    assert set(bad.outcomes) == {"http_error"}
    assert bad.due_total > good.due_total


def test_a_generator_that_cannot_start_shows_the_end_of_its_log(tmp_path):
    plan = make_plan(10, 1, 0, Mix(), seed=1)
    load = LoadGenerator(tmp_path, plan, host="http://nowhere.invalid:1", run="test", deadline_s=1)
    load.start()
    with pytest.raises(InstrumentError, match="cannot resolve nowhere"):
        load.ready(60)
    load.stop()
    assert (tmp_path / LOG).is_file()


def test_a_clock_that_is_too_near_is_refused(tmp_path):
    load = LoadGenerator(tmp_path, make_plan(10, 1, 3, Mix(), seed=1), host="http://x", run="test", deadline_s=1)
    with pytest.raises(InstrumentError, match="further ahead"):
        load.go(RunClock.starting_in(0.0))
    with pytest.raises(InstrumentError, match="not started"):
        load.check()


def test_a_generator_whose_harness_is_gone_ends_by_itself(tmp_path):
    """The harness is killed with SIGKILL, so that nobody can tell the generator."""
    script = f"""
import time
from pathlib import Path
from harness.clock import RunClock
from harness.experiment import Mix
from harness.load.generator import LoadGenerator
from harness.load.plan import make_plan

plan = make_plan(20, 300, 0, Mix(), 1)
load = LoadGenerator(Path({str(tmp_path)!r}), plan, host="http://127.0.0.1:9", run="t", deadline_s=1)
load.start()
load.ready(60)
load.go(RunClock.starting_in(0.5))
Path({str(tmp_path / "pid")!r}).write_text(str(load.pid))
time.sleep(300)
"""
    with subprocess.Popen([sys.executable, "-c", script]) as harness:
        wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text(), 60)
        wait_for(lambda: (tmp_path / RAW).stat().st_size > 0)
        harness.kill()
    pid = int((tmp_path / "pid").read_text())
    wait_for((tmp_path / SUMMARY).is_file)
    wait_for(lambda: not lives(pid))
