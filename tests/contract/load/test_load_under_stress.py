"""The generator beside processes that eat the machine: it keeps its lateness, or its run is void; never just wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.experiment import Mix
from harness.load import generator as generator_module
from harness.load.arrivals import LAG_BOUND_MS, LATENESS_BOUND_MS, generator_figures, only_late, write_arrivals
from harness.load.generator import LoadGenerator
from harness.load.plan import make_plan
from harness.pressure import FILE, PressureLog, read_rows, summarised
from tests.contract.load.runs import read_run
from tests.fakes.chat_server import serving

WAYS = ["sched_setscheduler", "setpriority"]
HOGS = 2 * (os.cpu_count() or 1)


@contextmanager
def cpu_hogs() -> Iterator[None]:
    """Twice as many busy processes as there are processors, each at the priority of a container's."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def may_favour() -> bool:
    return os.geteuid() == 0


@pytest.mark.skipif(not may_favour(), reason="only root may put the generator before others; without it, see below")
def test_beside_cpu_hogs_the_generator_keeps_its_lateness(tmp_path, keep_plan):
    plan = make_plan(50, 5, 0.5, Mix(), seed=1)
    pressure = []

    def watch(clock):
        pressure.append(PressureLog(tmp_path, clock, list).__enter__())

    # The answering server is part of this process and starves: what it says late is the target's, not the generator's.
    with serving() as server, cpu_hogs():
        ran = keep_plan(plan, server.url, 5.0, watch)
    pressure[0].__exit__(None, None, None)

    assert ran.odd == []
    assert ran.figures.lateness_ms_p99 < LATENESS_BOUND_MS
    assert ran.figures.loop_lag_ms_p99 < LAG_BOUND_MS
    seen = summarised(read_rows(tmp_path / FILE))
    assert seen.seconds >= 4
    if seen.cpu_busy_share is not None:  # the machine really was full
        assert seen.cpu_busy_share > 0.9
    if seen.cpu_some_avg is not None:
        assert seen.cpu_some_avg > 0.5


@pytest.mark.parametrize(("refused", "favoured"), [(["sched_setscheduler"], may_favour()), (WAYS, False)])
def test_without_a_privilege_the_generator_runs_all_the_same_and_says_so(tmp_path, monkeypatch, refused, favoured):
    def refuse(*_):
        raise PermissionError("only root")

    for way in refused:
        monkeypatch.setattr(generator_module.os, way, refuse)
    plan = make_plan(20, 1, 0, Mix(), seed=1)
    with LoadGenerator(tmp_path, plan, host="http://127.0.0.1:9", run="test", deadline_s=1) as load:
        load.ready(60)
        assert load.favoured is favoured


def test_a_starved_generator_voids_its_run_and_says_that_it_was_late(tmp_path, keep_plan):
    """Behind everybody else (nice 19) and stopped now and then, it cannot keep the plan; nothing of that may pass."""
    plan = make_plan(50, 3, 0, Mix(), seed=1)
    pids = []
    stopped = []

    def starve():
        if not pids:
            pids.append(int((tmp_path / "load.ready").read_text()))
        now = time.monotonic()
        if not stopped or now - stopped[-1] > 1.0:
            stopped.append(now)
            os.kill(pids[0], 19)  # SIGSTOP
            time.sleep(0.3)
            os.kill(pids[0], 18)  # SIGCONT

    with serving() as server:
        keep_plan(plan, server.url, 2.0, on_tick=starve)
    arrivals, odd = write_arrivals(tmp_path, plan)
    figures, void = generator_figures(tmp_path, arrivals)
    assert odd == []
    assert figures.lateness_ms_p99 > LATENESS_BOUND_MS
    assert figures.loop_lag_ms_max > 200
    assert void and only_late(void)
    assert read_run(tmp_path, plan).odd == []
