"""How much CPU time a container has used, from its control group, where the engine's machine is this machine.

The engine's own `stats` says it too, but a second time only after its next tick: up to 1 s for each question
(engine 20.10, with `one-shot` as well), which is too slow for watching a frozen container stand still.
"""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def cpu_time_ns(pid: int, container_id: str, proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Return the total CPU time (ns) of the control group that `pid` is in, cgroup version 1 or 2.

    None when this machine does not have it, or when the process belongs to something else: the engine may run
    elsewhere, and its process numbers then mean other processes here.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if container_id not in path:
            continue
        inside = path.lstrip("/")
        if "cpuacct" in controllers.split(","):
            usage = _read(cgroups / controllers / inside / "cpuacct.usage")
            if usage is not None:
                return int(usage)
        if not controllers:
            for root in (cgroups, cgroups / "unified"):
                microseconds = _usage_usec(_read(root / inside / "cpu.stat"))
                if microseconds is not None:
                    return microseconds * 1000
    return None


def _read(file: Path) -> str | None:
    try:
        return file.read_text()
    except OSError:
        return None


def _usage_usec(stat: str | None) -> int | None:
    """'usage_usec 123' is the first line of version 2's cpu.stat."""
    for line in (stat or "").splitlines():
        key, _, value = line.partition(" ")
        if key == "usage_usec":
            return int(value)
    return None
