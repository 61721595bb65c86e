"""How long a big campaign takes to judge and to report, and what memory that needs."""

from __future__ import annotations

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
taken = time.perf_counter() - begun
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
sys.stdout.write(f"{taken} {peak}")
"""


def report(folder: Path) -> dict[str, float]:
    """Judge and report a stored campaign of 1,000,000 arrivals in a fresh process."""
    night = folder / "night"
    night.mkdir()
    runs = {"control": None, "database_crash": struck(), "provider_outage": struck(), "users_at_claim": None}
    write_night(night, ARRIVALS, runs)
    begun = time.perf_counter()
    # Not ru_maxrss of the child: that begins with the memory of this process.
    command = [sys.executable, "-c", _CONCLUDE, str(night)]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout.split()
    took = time.perf_counter() - begun
    return {"report_time": float(said[0]), "report_memory": int(said[1]) / 1024, "report_command": took}


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
