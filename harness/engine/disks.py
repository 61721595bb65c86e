"""Bounded disks for volumes: a file with an ext4 in it, behind a loop device, which the engine mounts as a volume.

A volume of Docker's has no bound of its own, so filling one up would fill the user's disk. A loop device needs root,
and an engine whose kernel is this machine's; where that is not so, volumes stay as they are and nothing can be filled
up. (A tmpfs can be bounded as well, but forgets everything when its container ends: no disk for a database.)

What is left of a killed harness is found by where its file lies: in the harness's own folder for that engine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker

from harness.engine import marks
from harness.errors import InstrumentError
from harness.target import Target

TOOLS = ("losetup", "mkfs.ext4", "debugfs")
PATIENCE_S = 20


def disks_folder(engine: str) -> Path:
    """Return where the files of an engine's disks lie: one folder for each campaign."""
    return marks.state_folder(engine) / "disks"


def why_not(client: docker.DockerClient) -> str:
    """Why no disk can be made for this engine, in words; '' when one can."""
    kernel = str(client.info().get("KernelVersion", ""))
    if os.geteuid() != 0:
        return "loop devices need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"this machine has no {', '.join(missing)}"
    if kernel != os.uname().release:
        return "the engine runs on another kernel than the harness"
    return "" if Path("/dev/loop-control").exists() else "this kernel has no loop devices"


def make_disks(client: docker.DockerClient, target: Target, campaign: str) -> dict[str, str]:
    """Make a disk for every component that declares one (`disk` in target.toml); return volume -> device.

    Empty where none is declared, or none can be made. Raises InstrumentError when one of them fails half-way.
    """
    wanted = {part.disk.volume: part.disk.mb for part in target.components.values() if part.disk is not None}
    if not wanted or why_not(client):
        return {}
    folder = disks_folder(marks.engine_id(client)) / campaign
    folder.mkdir(parents=True, exist_ok=True)
    return {volume: _make(folder / f"{volume}.img", mb) for volume, mb in wanted.items()}


def driver_opts(device: str) -> dict[str, str]:
    """What Docker's own volume driver is told about a disk."""
    return {"type": "ext4", "device": device}


def find_disks(client: docker.DockerClient, campaign: str = "") -> Mapping[str, Path]:
    """Return the disks of one campaign, or of all, as device -> file; a file without a device has its own path."""
    folder = disks_folder(marks.engine_id(client))
    base = folder / campaign if campaign else folder
    found: dict[str, Path] = {str(file): file for file in base.glob("**/*.img")} if base.is_dir() else {}
    for entry in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):  # it was let go between the two looks
            file = Path(entry.read_text().strip().removesuffix(" (deleted)"))
            if file.is_relative_to(base):
                found.pop(str(file), None)
                found[f"/dev/{entry.parts[3]}"] = file
    return found


def remove_disk(device: str, file: Path) -> bool:
    """Whether the disk is gone. While a volume is mounted it stays: the kernel lets go of it with the last mount."""
    if device != str(file):
        _run("losetup", "-d", device)
        if (Path("/sys/block") / Path(device).name / "loop" / "backing_file").exists():
            return False
    file.unlink(missing_ok=True)
    with suppress(OSError):  # another disk of the campaign is still there
        file.parent.rmdir()
    return True


def _make(file: Path, mb: int) -> str:
    with file.open("wb") as empty:
        empty.truncate(mb * 1024 * 1024)
    _must("mkfs.ext4", "-q", "-F", "-m", "0", str(file))  # -m 0: nothing is kept for root
    _must("debugfs", "-w", "-R", "rmdir lost+found", str(file))  # else neither Docker nor initdb takes it for empty
    return _must("losetup", "-f", "--show", str(file)).strip()


def _must(*command: str) -> str:
    done = _run(*command)
    if done.returncode != 0:
        raise InstrumentError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()[-200:]}.")
    return str(done.stdout)


def _run(*command: str) -> Any:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
