"""A container with a process table, which answers the commands that faults run inside."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from harness.errors import InstrumentError
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

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        if command == TABLE:
            super().run(("true",))
            return "".join(_stat(process) for process in self.table.values())
        order = re.fullmatch(r"kill -(\w+) ([\d ]*)", command[-1])
        return super().run(command, timeout_s) if order is None else self._signal(order[1], order[2].split())

    def replace(self) -> None:
        super().replace()
        self.table = {pid: replace(process, state="S", began=5000) for pid, process in self.table.items()}

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
