"""A database that counts its connections."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import NothingToBreak
from tests.fakes.inside import InhabitedContainer

CONNECT = ("hold", "one connection")


class FakeDatabase(InhabitedContainer):
    """Has `used` of `most` connections; what is left running in it takes more. `gives` is how many it gives at most.

    Tampering: `keeps` (those that are taken stay so when their clients end).
    """

    def __init__(self, *given: Any, most: int = 17, gives: int = 99, declared: bool = True, **named: Any) -> None:
        super().__init__(*given, **named)
        self.most, self.used, self.gives, self.declared = most, 5, gives, declared
        self.taken = 0
        self.keeps = False

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        if command[0] == "env" and (asked := re.search(r"-lt (\d+) ]; do \(while :; do hold 'one c", command[-1])):
            self.taken = 0 if self.deaf else min(self.taken + int(asked[1]), self.gives, self.most - self.used)
        said = super().run(command, timeout_s)
        if not self.left and not self.keeps and command[-1].startswith("kill -KILL"):
            self.taken = 0
        return said

    def connections(self) -> tuple[int, int]:
        if not self.declared:
            raise NothingToBreak("target.toml has no command `connections`.")
        return self.used + self.taken, self.most

    def connect_command(self) -> tuple[str, ...]:
        return CONNECT
