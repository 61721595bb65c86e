"""What goes on inside a container, read from the kernel's own table there (`/proc`) and from nowhere else.

Needs `sh`, `env`, `cat` and `grep` in the image, no more: `ps` and `pkill` are missing from slim images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InstrumentError
from harness.faults.base import Container

TABLE = ("sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true")  # some end while they are listed

STOPPED = "T"
GONE = ("Z", "X")

MARK = "TESTBED_FAULT"
"""The variable by which what the harness left running in a container is found again, whatever it is called."""
ENDING_ROUNDS = 20


@dataclass(frozen=True)
class Process:
    """A process as the container numbers it. `began` (clock ticks since boot) tells it from a later one of its pid."""

    pid: int
    parent: int
    state: str  # the kernel's letter: R running, S sleeping, T stopped, Z dead and not collected
    began: int
    name: str


def processes(container: Container) -> list[Process]:
    """Return every process in the container, those of the harness's own commands included. Raises InstrumentError."""
    return parsed(container.run(TABLE))


def service_processes(container: Container) -> list[Process]:
    """Return what descends from PID 1, without PID 1 itself, which is docker-init and only collects the dead.

    A command of `docker exec` has no parent inside, so health checks and the harness's own commands are left out.
    """
    table = {process.pid: process for process in processes(container)}
    return [p for p in table.values() if p.pid != 1 and p.state not in GONE and _descends(p, table)]


def signal(container: Container, number: str, pids: Sequence[int]) -> None:
    """Send a signal, by its name without SIG, to processes inside. Raises InstrumentError when one cannot be sent."""
    container.run(("sh", "-c", f"kill -{number} {' '.join(map(str, pids))}"))


def parsed(table: str) -> list[Process]:
    """Return the processes in lines of /proc/<pid>/stat (proc(5)): the name in brackets may hold anything."""
    found = []
    for line in table.splitlines():
        number, bracket, rest = line.partition(" (")
        name, _, facts = rest.rpartition(") ")
        fields = facts.split()
        if not bracket or not number.isdigit() or len(fields) < 20:
            raise InstrumentError(f"/proc in a container holds a line that is none of its own: {line[:80]!r}.")
        found.append(Process(int(number), int(fields[1]), fields[0], int(fields[19]), name))
    return found


def _descends(process: Process, table: dict[int, Process]) -> bool:
    while process.parent in table and process.parent != 1:
        process = table[process.parent]
    return process.parent == 1


def leave_running(container: Container, mark: str, script: str) -> None:
    """Start a shell script that goes on after this call, with `mark` on it and on all that it starts."""
    container.run(("env", f"{MARK}={mark}", "sh", "-c", f"({script}) >/dev/null 2>&1 </dev/null &"))


def marked(container: Container, mark: str) -> list[int]:
    """Return the pids of what `leave_running` left with that mark, and is still there."""
    # One grep for all of them: one for each took more than 10 s where a full database had six hundred processes.
    look = f"grep -ls {MARK}={mark} /proc/[0-9]*/environ; true"
    return [int(path.split("/")[2]) for path in container.run(("sh", "-c", look)).split()]


def end_marked(container: Container, mark: str) -> None:
    """End all of it. Raises InstrumentError when something does not go."""
    for _ in range(ENDING_ROUNDS):
        left = marked(container, mark)
        if not left:
            return
        # Some may end between the two commands, and some may start others: so it is looked at again.
        container.run(("sh", "-c", f"kill -KILL {' '.join(map(str, left))} 2>/dev/null; true"))
    raise InstrumentError(f"What was started in {container.name} for a fault ({mark}) does not end.")
