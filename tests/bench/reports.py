"""How long a big campaign takes to judge and to report, and what memory that needs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Bench, Goal
from tests.bench.loads import ROOT
from tests.bench.million import struck, write_night

ARRIVALS = 1_000_000

_CONCLUDE = """
import sys, time
from pathlib import Path
from harness.conclusion import rejudge
begun = time.perf_counter()
rejudge(Path(sys.argv[1]))
sys.stdout.write(f"{time.perf_counter() - begun}")
"""


def report(folder: Path) -> dict[str, float]:
    """Judge and report a stored campaign of 1,000,000 arrivals in a fresh process."""
    night = folder / "night"
    night.mkdir()
    runs = {"control": None, "database_crash": struck(), "provider_outage": struck(), "users_at_claim": None}
    write_night(night, ARRIVALS, runs)
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _CONCLUDE, str(night)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        inside = float(process.stdout.read())
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"judging ended with {process.returncode}")
    return {
        "report_time": inside,
        "report_memory": usage.ru_maxrss / 1024,
        "report_command": time.perf_counter() - begun,
    }


BENCHES = (
    Bench(
        "report",
        report,
        (
            Goal("report_time", "report of 1,000,000 arrivals: verdicts, summary, both reports", "s", high=3),
            Goal("report_memory", "report of 1,000,000 arrivals: most resident memory of the process", "MB", high=400),
            Goal("report_command", "the same with starting Python and all imports", "s"),
        ),
    ),
)
