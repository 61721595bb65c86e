"""Processes that the harness starts, known by number *and* start time, so that a recycled number is never killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def start_mark(pid: int) -> str | None:
    """Return what tells this process from a later one with the same number; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return _start_mark_by_ps(pid) if not Path("/proc/self/stat").exists() else None
    except (OSError, UnicodeError):
        return None
    # The name in brackets may hold anything; after it come field 3, the state, and 22, ticks since boot (proc(5)).
    fields = stat.rpartition(")")[2].split()
    if fields[0] in ("Z", "X"):
        return None  # it has ended, and only waits to be collected
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{boot.read_text().strip() if boot.exists() else ''}:{fields[19]}"


def _start_mark_by_ps(pid: int) -> str | None:
    """Systems without /proc, such as macOS."""
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def is_same(pid: int, mark: str) -> bool:
    """Whether the process that had `mark` under this number still runs."""
    return bool(mark) and start_mark(pid) == mark


def end_group(pid: int, mark: str, grace_s: float = 3.0) -> bool:
    """End a process, and its group when it leads one: SIGTERM, then SIGKILL after `grace_s`. False when it was gone."""
    if not is_same(pid, mark):
        return False
    leads = _group_of(pid) == pid
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            (os.killpg if leads else os.kill)(pid, number)
        deadline = time.monotonic() + grace_s
        while is_same(pid, mark) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not is_same(pid, mark):
            break
    if leads:
        with suppress(ProcessLookupError, PermissionError):  # members that outlived their leader
            os.killpg(pid, signal.SIGKILL)
    return True


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
