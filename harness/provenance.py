"""Where a result comes from: commit, versions, machine."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import docker

from harness.campaign_record import Git
from harness.engine.host import find_compose

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("locust", "gevent", "toxiproxy-python", "docker", "duckdb", "numpy", "scipy")
"""The packages that a measurement may depend on."""


def git_state(root: Path = REPOSITORY) -> Git:
    """Return the commit and whether files differ from it; ('', False) outside a repository or without git."""
    sha = _git(root, "rev-parse", "HEAD")
    return Git(sha, bool(sha) and bool(_git(root, "status", "--porcelain")))


def versions(client: docker.DockerClient) -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found: dict[str, Any] = client.version()
    return {
        "python": platform.python_version(),
        "engine": str(found["Version"]),
        "compose": find_compose().version,
        **{name: version(name) for name in PACKAGES},
    }


def machine_facts(client: docker.DockerClient) -> dict[str, str]:
    """Return what kind of machine it was; nothing that identifies its owner."""
    facts: dict[str, Any] = client.info()
    return {
        "cores": str(facts.get("NCPU") or os.cpu_count()),
        "memory_gib": f"{facts.get('MemTotal', 0) / 1024**3:.1f}",
        "system": str(facts.get("OperatingSystem", platform.system())),
        "kernel": str(facts.get("KernelVersion", platform.release())),
        "processor": processor(),
    }


def processor() -> str:
    """Return the processor's name as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
