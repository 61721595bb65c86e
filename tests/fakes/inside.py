"""A container with a process table, which answers the commands that faults run inside."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from harness.errors import InstrumentError
from harness.faults.fill_memory import MEMORY
from harness.faults.inside import TABLE, Process
from tests.fakes.container import FakeContainer

INIT = Process(1, 0, "S", 100, "docker-init")
APP = Process(7, 1, "S", 101, "python3")
WORKER = Process(9, 7, "S", 102, "a (strange) name")
PROBE = Process(40, 0, "S", 900, "curl")  # of a health check: `docker exec` gives it no parent inside
STATES = {"STOP": "T", "CONT": "S"}


class InhabitedContainer(FakeContainer):
    """A FakeContainer in which processes live. Tampering: `numb` processes take no signal."""

    def __init__(self, *given: Any, numb: tuple[int, ...] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        self.table = {process.pid: process for process in (INIT, APP, WORKER, PROBE)}
        self.numb = numb
        self.signals: list[str] = []
        self.left: dict[int, str] = {}  # pid -> mark of what was left running
        self.undying = False
        self.limit, self.used = "200000000", 80_000_000
        self.offered: int | None = None

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        if command == TABLE:
            super().run(("true",))
            return "".join(_stat(process) for process in self.table.values())
        if command[0] == "env":
            super().run(("true",))
            if not self.deaf:
                self.left[self._next()] = command[1]
            return ""
        if command == MEMORY:
            super().run(("true",))
            return f"{self.limit}\n{self.used}\n"
        if (look := re.search(r"grep -ls (\S+) ", command[-1])) is not None:
            super().run(("true",))
            return "".join(f"/proc/{pid}/environ\n" for pid, mark in self.left.items() if mark == look[1])
        if (end := re.fullmatch(r"kill -KILL ([\d ]+) 2>/dev/null; true", command[-1])) is not None:
            self.left = {pid: mark for pid, mark in self.left.items() if str(pid) not in end[1].split() or self.undying}
            return ""
        if (offer := re.search(r"echo (\d+) > /proc/\$p/oom_score_adj", command[-1])) is not None:
            self.offered = int(offer[1])
        order = re.fullmatch(r"kill -(\w+) ([\d ]*)", command[-1])
        return super().run(command, timeout_s) if order is None else self._signal(order[1], order[2].split())

    def replace(self) -> None:
        super().replace()
        self.table = {pid: replace(process, state="S", began=5000) for pid, process in self.table.items()}

    def run_out_of_memory(self) -> None:
        super().run_out_of_memory()
        self.left = {}

    def _next(self) -> int:
        return 100 + len(self.left)

    def _signal(self, number: str, pids: list[str]) -> str:
        super().run(("true",))
        for pid in map(int, pids):
            if pid not in self.table:
                raise InstrumentError(f"No such process {pid} in {self.name}.")
            self.signals.append(f"{number} {pid}")
            if pid not in self.numb and not self.deaf:
                self.table[pid] = replace(self.table[pid], state=STATES[number])
        return ""


def _stat(process: Process) -> str:
    between = " ".join(["0"] * 17)  # fields 5 to 21 of proc(5)
    return f"{process.pid} ({process.name}) {process.state} {process.parent} {between} {process.began} 0 0\n"
