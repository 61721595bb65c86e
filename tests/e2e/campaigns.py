"""The command line as a user runs it, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


def harness(results: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start `harness ...` with its results in a folder of the test's; stdout and stderr come out as one."""
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        cwd=ROOT,
        env={**os.environ, "TESTBED_RESULTS": str(results), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def done(results: Path, *arguments: str, timeout_s: float = 300) -> tuple[int, str]:
    """Run `harness ...` to its end; return exit code and what it printed."""
    process = harness(results, *arguments)
    out, _ = process.communicate(timeout=timeout_s)
    return process.returncode, out


def read_until(process: subprocess.Popen[str], words: str, timeout_s: float = 120) -> str:
    """Read lines until one holds `words`; fail with everything read when the process ends first."""
    assert process.stdout is not None
    deadline, seen = time.monotonic() + timeout_s, ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
        assert time.monotonic() < deadline, seen
    raise AssertionError(f"'{words}' never came:\n{seen}")
