"""Which calibration covers a campaign: the same machine, the same packages, the same instrument, at least its rate."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from harness.campaign_record import Calibration
from harness.provenance import PACKAGES, REPOSITORY, processor

FOLDER = "calibration"
SUMMARY = "calibration.json"

_INSTRUMENT = (
    *("harness/load", "harness/checks", "harness/calibration"),
    *("harness/clock.py", "harness/arrivals.py", "harness/history.py", "harness/stats.py", "harness/summary.py"),
)
"""What a measurement goes through between the plan and the report: when it changes, a calibration is out of date."""


def here(root: Path = REPOSITORY) -> tuple[dict[str, str], dict[str, str]]:
    """Return (versions, machine): what must agree between a calibration and the campaigns that it covers."""
    lock = root / "uv.lock"
    versions = {
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest()[:16] if lock.is_file() else "",
        "instrument": _digest(root),
    }
    return versions, {"cores": str(os.cpu_count()), "kernel": platform.release(), "processor": processor()}


def covering(results: Path, rate: float, root: Path = REPOSITORY) -> Calibration | None:
    """Return the newest calibration in `results` that covers campaigns at `rate`.

    `path` is relative to `results`. A calibration by somebody's own script covers nothing: nobody knows what it left
    out. A file that cannot be read is none.
    """
    versions, machine = here(root)
    found = [
        (summary["when"], path, summary)
        for path, summary in _stored(results / FOLDER)
        if summary["versions"] == versions and summary["machine"] == machine and summary["rate"] >= rate
    ]
    if not found:
        return None
    when, path, summary = max(found, key=lambda each: each[0])
    return Calibration(path.relative_to(results).as_posix(), when, summary["rate"], summary["valid"])


def _stored(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the calibrations of the default suite that can be read."""
    wanted = {"schema", "when", "rate", "valid", "script", "versions", "machine"}
    for path in folder.glob(f"*/{SUMMARY}"):
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(summary, dict) and wanted <= set(summary) and summary["schema"] == 1 and not summary["script"]:
            yield path, summary


def _digest(root: Path) -> str:
    """Return a digest of the instrument's own source files."""
    places = [root / name for name in _INSTRUMENT]
    files = sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*.py")))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
