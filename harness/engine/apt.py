"""Debian's package manager, for the few things that set-up may install as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import HarnessError

Log = Callable[[str], None]

OS_RELEASE = Path("/etc/os-release")


def is_debian(os_release: Path = OS_RELEASE) -> bool:
    """Whether this is Debian, Ubuntu or a relative of theirs."""
    try:
        lines = os_release.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    words = [line.partition("=")[2].strip("\"'") for line in lines if line.startswith(("ID=", "ID_LIKE="))]
    return bool({"debian", "ubuntu"} & set(" ".join(words).split()))


def is_root() -> bool:
    """Whether this process may install packages and start an engine."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def can_install() -> bool:
    """Whether `apt_install` can work here: Debian or Ubuntu, as root."""
    return is_debian() and is_root() and shutil.which("apt-get") is not None


def has_package(name: str) -> bool:
    """Whether the package lists know a package of that name."""
    done = subprocess.run(["apt-cache", "show", name], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def apt_update(log: Log) -> None:
    """Fetch the package lists. Raises HarnessError with what apt said last."""
    log("Fetching Debian's package lists.")
    _apt(["update"], timeout_s=300)


def apt_install(packages: Sequence[str], log: Log) -> None:
    """Install `packages` without recommendations; nothing happens to those that are there. Raises HarnessError."""
    log(f"Installing {', '.join(packages)} with apt-get.")
    _apt(["install", "-y", "--no-install-recommends", *packages], timeout_s=900)


def _apt(arguments: list[str], timeout_s: float) -> None:
    # Another apt may be at work on a fresh cloud machine: wait for its lock instead of failing.
    command = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    remedy = f"Run `{' '.join(['apt-get', *arguments])}` by hand to see why."
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise HarnessError(f"apt-get {arguments[0]} did not end within {timeout_s:g} s.", remedy) from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise HarnessError(f"apt-get {arguments[0]} failed: {' / '.join(last)}.", remedy)
