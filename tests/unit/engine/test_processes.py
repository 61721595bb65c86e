"""A process is known by number and start time: a recycled number is never killed."""

import subprocess
import sys

from harness.engine.processes import end_group, is_same, start_mark

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
sys.stdout.write(f"{child.pid}\\n"); sys.stdout.flush()
time.sleep(60)
"""


def test_the_mark_is_stable_while_it_runs_and_gone_afterwards() -> None:
    with subprocess.Popen(SLEEP) as process:
        mark = start_mark(process.pid)
        assert mark
        assert is_same(process.pid, mark)
        process.kill()
        process.wait()
        assert start_mark(process.pid) is None


def test_another_process_under_that_number_is_left_alone() -> None:
    with subprocess.Popen(SLEEP) as process:
        assert not end_group(process.pid, "another-boot:12345")
        assert not end_group(process.pid, "")
        assert process.poll() is None
        process.kill()


def test_a_group_that_ignores_sigterm_is_killed_with_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        child_mark = start_mark(child)
        assert end_group(leader.pid, start_mark(leader.pid) or "", grace_s=0.3)
        assert leader.wait(timeout=10) == -9
        for _ in range(200):  # the orphan is collected by init in its own time
            if not is_same(child, child_mark or ""):
                break
            subprocess.run(["sleep", "0.02"], check=True)
        assert not is_same(child, child_mark or "")


def test_a_process_that_leads_no_group_is_ended_alone() -> None:
    with subprocess.Popen(SLEEP) as process:
        assert end_group(process.pid, start_mark(process.pid) or "")
        assert process.wait(timeout=10) == -15
