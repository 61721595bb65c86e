"""A container with a disk that can be filled up."""

from __future__ import annotations

from typing import Any

from tests.fakes.inside import InhabitedContainer

BLOCK = 4096


class DiskContainer(InhabitedContainer):
    """Has a disk of `size` bytes on /data, half of it free, until something is left running in it.

    Tampering: `keeps` (what was written does not go).
    """

    def __init__(self, *given: Any, size: int = 100_000_000, **named: Any) -> None:
        super().__init__(*given, **named)
        self.size = size
        self.written = 0
        self.keeps = False

    def disk(self) -> tuple[str, int]:
        return "/data", 100

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        if command[0] == "stat":
            super().run(("true",))
            return f"{(self.size // 2 - self.written) // BLOCK} {self.size // BLOCK} {BLOCK}\n"
        if command[0] == "env" and not self.deaf:
            self.written = self.size // 2
        if command[:2] == ("rm", "-f") and not self.keeps:
            self.written = 0
        return super().run(command, timeout_s)
