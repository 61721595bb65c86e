"""Looks at a machine and says what is there, what is missing, and what to do about it. Changes nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import docker

from harness.engine.apt import is_root
from harness.engine.base_image import BASE, NO_BASE_REMEDY, base_route, why_not_debootstrap
from harness.engine.host import START_REMEDY, connect, find_compose
from harness.engine.install import engine_is_ours, why_not_install
from harness.errors import HarnessError

Severity = Literal["error", "warning", "info"]

GIB = 1024**3
DISK_NEEDED_GIB = 4.0
"""All images of v1 with their build stages take 2.5 GiB; the rest is for containers, volumes and results."""
MEMORY_NEEDED_GIB = 4.0
CORES_NEEDED = 2


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `severity` says how bad it is when not `ok`: an error keeps the testbed from running."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    severity: Severity = "error"


def diagnose() -> list[Finding]:
    """Look at engine, Compose, images' origin and the machine; takes a few seconds at most."""
    client: docker.DockerClient | None = None
    try:
        client = connect()
    except HarnessError as error:
        engine = Finding("Docker engine", False, error.problem, _engine_remedy(error))
    else:
        engine = _engine(client)
    facts: dict[str, Any] = client.info() if client else {}
    findings = [
        engine,
        _compose(),
        *_base(client),
        _disk(facts),
        _memory(facts),
        _cores(facts),
        _root(),
        *_kernel(facts),
    ]
    if client is not None:
        client.close()
    return findings


def _engine_remedy(error: HarnessError) -> str:
    if error.remedy != START_REMEDY:
        return error.remedy
    return why_not_install() or "`make setup` installs and starts it."


def _engine(client: docker.DockerClient) -> Finding:
    version = client.version()
    whose = ", started by the harness" if engine_is_ours() else ""
    return Finding("Docker engine", True, f"{version['Version']} (API {version['ApiVersion']}){whose}")


def _compose() -> Finding:
    try:
        compose = find_compose()
    except HarnessError as error:
        return Finding("Compose", False, error.problem, error.remedy)
    return Finding("Compose", True, f"{compose.version} (`{' '.join(compose.command)}`)")


def _base(client: docker.DockerClient | None) -> list[Finding]:
    route = base_route(client)
    words = {
        "local": "there",
        "pull": "will be pulled",
        "build": "will be made with debootstrap",
        "none": "unobtainable",
    }
    found = Finding("Base image", route.kind != "none", f"{BASE} {words[route.kind]} ({route.because})", NO_BASE_REMEDY)
    if route.kind != "build":
        return [found]
    program = shutil.which("debootstrap")
    obstacle = why_not_debootstrap()
    state = program or obstacle or "not there; `make setup` installs it"
    return [found, Finding("debootstrap", not obstacle, state, NO_BASE_REMEDY)]


def _disk(facts: dict[str, Any]) -> Finding:
    root = Path(facts.get("DockerRootDir", "/var/lib/docker"))
    while not root.exists():  # no engine yet, or one inside a virtual machine: look at the disk it would be on
        root = root.parent
    try:
        free = shutil.disk_usage(root).free / GIB
    except OSError as error:
        return Finding("Disk", False, f"cannot be looked at: {error}", severity="warning")
    text = f"{free:.1f} GiB free at {root}"
    return Finding("Disk", free >= DISK_NEEDED_GIB, text, f"Free at least {DISK_NEEDED_GIB:g} GiB there.")


def _memory(facts: dict[str, Any]) -> Finding:
    total = (facts.get("MemTotal") or _sysconf("SC_PAGE_SIZE") * _sysconf("SC_PHYS_PAGES")) / GIB
    remedy = f"Give the engine {MEMORY_NEEDED_GIB:g} GiB, or expect runs to be slowed down by swapping."
    return Finding("Memory", total >= MEMORY_NEEDED_GIB * 0.9, f"{total:.1f} GiB", remedy, "warning")


def _cores(facts: dict[str, Any]) -> Finding:
    cores = int(facts.get("NCPU") or os.cpu_count() or 1)
    remedy = "With one core the load generator and the target disturb each other, and runs may be void."
    return Finding("Cores", cores >= CORES_NEEDED, str(cores), remedy, "warning")


def _sysconf(name: str) -> int:
    return int(os.sysconf(name)) if hasattr(os, "sysconf") and name in os.sysconf_names else 0


def _root() -> Finding:
    return Finding("Root", True, "yes" if is_root() else "no (only needed to install an engine or use debootstrap)")


def _kernel(facts: dict[str, Any]) -> list[Finding]:
    """What the engine runs on. Nothing here stops v1; it explains a difference between two machines."""
    kernel = facts.get("KernelVersion") or os.uname().release
    words = [str(kernel)]
    if facts:
        words += [f"cgroup v{facts.get('CgroupVersion', '1')} ({facts.get('CgroupDriver')})", str(facts.get("Driver"))]
    pressure = Finding(
        "Pressure (PSI)",
        Path("/proc/pressure/cpu").exists(),
        "/proc/pressure/cpu is there" if Path("/proc/pressure/cpu").exists() else "not offered by this kernel",
        "Boot with psi=1; until then, a run that other processes disturbed is harder to tell from a quiet one.",
        "info",
    )
    return [Finding("Kernel", True, ", ".join(words)), pressure]
