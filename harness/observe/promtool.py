"""Calls `promtool`: the one of this machine, or the one in the image of the targets' monitoring."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from harness.engine.images import tag_of
from harness.errors import HarnessError, InstrumentError, one_line

IMAGE = tag_of("monitoring")
REMEDY = (
    "Install Prometheus (Debian: apt-get install prometheus), or make the image that holds it: `make setup PHASE=v3`."
)
ASKING_S = 20.0
MOST_S = 3600.0  # a campaign of a day takes some minutes


def create_blocks(text: Path, blocks: Path) -> None:
    """Make blocks of Prometheus' storage in the folder `blocks` from an OpenMetrics file beside it.

    Raises HarnessError where there is no promtool, InstrumentError with its own words when it fails.
    """
    command = _command(text.parent)
    inside = Path("/work") if command[0] == "docker" else text.parent
    asked = [*command, "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
    done = _run([*asked, str(inside / text.name), str(inside / blocks.relative_to(text.parent))], MOST_S)
    if done is None or done.returncode != 0:
        said = "it was not done in an hour" if done is None else done.stderr.strip() or done.stdout.strip()
        raise InstrumentError(one_line(f"promtool could not make blocks: {said}.", most=500))


def _command(folder: Path) -> list[str]:
    local = shutil.which("promtool")
    if local is not None:
        return [local]
    if shutil.which("docker") is None:
        raise HarnessError("There is no promtool on this machine, and no Docker engine that has one.", REMEDY)
    asked = _run(["docker", "image", "inspect", "--format", "{{.Id}}", IMAGE], ASKING_S)
    if asked is None or asked.returncode != 0:
        problem = f"There is no promtool on this machine, and no image {IMAGE} in a Docker engine that answers."
        raise HarnessError(problem, REMEDY)
    me = f"{os.getuid()}:{os.getgid()}"
    run = ["docker", "run", "--rm", "--network", "none", "--user", me, "--volume", f"{folder}:/work"]
    return [*run, "--entrypoint", "promtool", IMAGE]


def _run(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[str] | None:
    """Run it; None when it did not end in time."""
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return None
