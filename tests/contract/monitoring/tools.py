"""Prometheus' own tools: the image's where it was built, else the machine's; a test without either is skipped."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

PART = Path(__file__).resolve().parents[3] / "targets" / "parts" / "monitoring"


@functools.cache
def _image() -> bool:
    if not shutil.which("docker"):
        return False
    command = ["docker", "image", "inspect", "testbed/monitoring"]
    asked = subprocess.run(command, capture_output=True, timeout=20, check=False)
    return asked.returncode == 0


def run(program: str, *arguments: str, folder: Path = PART) -> subprocess.CompletedProcess[str]:
    """Run `promtool` or `amtool` in `folder`, which it sees under the same path. Skips where it is nowhere."""
    if shutil.which(program):
        command = [program, *arguments]
    elif _image():
        mounts = [item for path in {PART, folder} for item in ("-v", f"{path}:{path}:ro")]
        command = ["docker", "run", "--rm", *mounts, "-w", str(folder), "--entrypoint", program]
        command += ["testbed/monitoring", *arguments]
    else:
        pytest.skip(f"{program} is not installed (Debian: prometheus, prometheus-alertmanager), no image")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
