"""Several processes under a Locust master keep one plan: every arrival belongs to exactly one of them."""

import json
import os
import signal
from collections import Counter

import numpy as np
import pytest

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.load.generator import LoadGenerator
from harness.load.plan import make_plan
from harness.load.settings import RAW, part
from tests.contract.load.runs import read_run, wait_for
from tests.fakes.chat_server import serving


def generator(folder, plan, server, processes=2):
    load = LoadGenerator(folder, plan, host=server.url, run="test", deadline_s=2, processes=processes)
    load.start()
    load.ready(60)
    load.go(RunClock.starting_in(0.7))
    return load


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_two_processes_share_one_plan_exactly(tmp_path):
    plan = make_plan(100, 4, 0, Mix(), seed=1)
    with serving() as server:
        load = generator(tmp_path, plan, server)
        pids = load.pids()
        seen = []
        load.wait(60, lambda: seen.append(load.progress(2.0)))
        attempts = Counter(attempt.arrival for attempt in server.attempts)
        load.stop()

    ran = read_run(tmp_path, plan)
    assert ran.odd == []
    assert (ran.figures.planned, ran.figures.started, ran.figures.recorded) == (400, 400, 400)
    assert attempts == {f"test-{seq}": 1 for seq in range(400)}
    assert set(ran.arrivals.outcome) == {"ok"}
    assert np.array_equal(ran.arrivals.due_s, plan.due_s)
    assert max(one.ended_total for one in seen) > 300
    assert len(pids) == 3  # the master and its workers
    wait_for(lambda: all(gone(pid) for pid in pids))
    for worker in (0, 1):
        lines = (tmp_path / part(RAW, worker, 2)).read_text().splitlines()
        assert {json.loads(line)["seq"] % 2 for line in lines} == {worker}
        assert len(lines) == 200


def test_a_worker_that_is_killed_voids_the_run_and_no_one_else_takes_its_share(tmp_path):
    plan = make_plan(50, 40, 0, Mix(), seed=2)
    with serving() as server:
        load = generator(tmp_path, plan, server)
        pids = load.pids()
        wait_for(lambda: load.progress(2.0).ended_total > 40)
        victim = int((tmp_path / "load.1.ready").read_text())
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(InstrumentError, match="ended early"):
            load.wait(30)
        load.stop()
        attempts = Counter(attempt.arrival for attempt in server.attempts)

    ran = read_run(tmp_path, plan)
    assert "the load generator did not finish its plan" in ran.odd
    assert any("never sent" in reason for reason in ran.odd)
    assert max(attempts.values()) == 1
    wait_for(lambda: all(gone(pid) for pid in pids))


def test_stopping_and_a_killed_master_leave_no_worker(tmp_path):
    plan = make_plan(20, 60, 0, Mix(), seed=3)
    with serving() as server:
        load = generator(tmp_path, plan, server)
        pids = load.pids()
        os.kill(load.pid, signal.SIGKILL)
        with pytest.raises(InstrumentError, match="SIGKILL"):
            load.wait(10)
        load.stop()
        wait_for(lambda: all(gone(pid) for pid in pids))

        load = generator(tmp_path, plan, server)
        pids = load.pids()
        wait_for(lambda: load.progress(2.0).ended_total > 10)
        load.stop()
        wait_for(lambda: all(gone(pid) for pid in pids))
    assert (tmp_path / "generator.0.json").is_file()
    assert (tmp_path / "generator.1.json").is_file()


def test_no_process_is_no_generator(tmp_path):
    with pytest.raises(ValueError, match="at least one process"):
        LoadGenerator(tmp_path, make_plan(1, 1, 0, Mix(), 1), host="http://x", run="t", deadline_s=1, processes=0)
