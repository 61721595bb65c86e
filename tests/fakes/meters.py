"""Meters without an engine: what each look reads is written down beforehand, or stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.cost import Meter


class FakeMeters:
    """Implements `harness.cost.Meters`. `looks` are read one after another; the last of them again and again."""

    def __init__(self, looks: Sequence[Sequence[Meter]] = ((),), roles: Mapping[str, str] | None = None) -> None:
        self.every_s = 1.0
        self.closed = False
        self._looks = list(looks)
        self._roles = roles or {}

    def roles(self) -> Mapping[str, str]:
        return self._roles

    def read(self) -> Sequence[Meter]:
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]

    def close(self) -> None:
        self.closed = True


def app_and_proxy(cpu_s: float, memory: int) -> list[Meter]:
    """An app with one instance, and the proxy of the harness in front of it, which has used a tenth."""
    return [Meter("a1", "app", cpu_s, memory), Meter("p1", "toxiproxy", cpu_s / 10, memory // 10, ours=True)]
