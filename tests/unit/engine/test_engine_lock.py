"""One harness per engine, and the kernel takes the lock back however its holder dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine.lock import EngineLock
from harness.errors import HarnessError

HOLD = """
import subprocess, sys, time
from pathlib import Path
from harness.engine.lock import EngineLock
lock = EngineLock("e1", who="v1", folder=Path(sys.argv[1]))
lock.acquire()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False, stdout=2)
sys.stdout.write(f"{child.pid}\\n"); sys.stdout.flush()
time.sleep(60)
"""


def test_the_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    with (
        EngineLock("e1", who="v1, campaign c1", folder=tmp_path),
        pytest.raises(HarnessError, match=rf"process {os.getpid()} of .* \(v1, campaign c1\), since 20"),
    ):
        EngineLock("e1", folder=tmp_path).acquire()


def test_another_engine_has_another_lock(tmp_path: Path) -> None:
    with EngineLock("e1", folder=tmp_path), EngineLock("e2", folder=tmp_path):
        pass


def test_it_can_be_taken_again_after_it_was_given_back(tmp_path: Path) -> None:
    lock = EngineLock("e1", folder=tmp_path)
    for _ in range(2):
        lock.acquire()
        lock.release()
        lock.release()


def test_kill_9_gives_it_back_although_a_child_lives_on(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        with pytest.raises(HarnessError, match=f"process {holder.pid}"):
            EngineLock("e1", folder=tmp_path).acquire()
        holder.send_signal(signal.SIGKILL)
    try:
        EngineLock("e1", folder=tmp_path).acquire()
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "testbed-e1.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HarnessError, match="symbolic link"):
        EngineLock("e1", folder=tmp_path).acquire()
    assert not (tmp_path / "elsewhere").exists()
