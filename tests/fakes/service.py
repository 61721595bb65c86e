"""A service without a deployer, and ways in which a deploy may go wrong."""

from __future__ import annotations

from itertools import count


class FakeService:
    """Implements ServiceHandle. After `redeploy` one instance is replaced at each look at `instances`.

    Tampering: `deaf` (nothing happens), `keeps` (so many are never replaced), `shrinks` (one is gone for good).
    """

    def __init__(
        self, name: str, instances: int = 2, *, deaf: bool = False, keeps: int = 0, shrinks: bool = False
    ) -> None:
        self._name = name
        self._ids = count(1)
        self._running = [self._new() for _ in range(instances)]
        self._old: list[str] = []
        self.deaf = deaf
        self.keeps = keeps
        self.shrinks = shrinks
        self.deploys = 0

    @property
    def name(self) -> str:
        return self._name

    def instances(self) -> list[str]:
        if len(self._old) > self.keeps:
            gone = self._old.pop()
            self._running.remove(gone)
            if not (self.shrinks and not self._old):
                self._running.append(self._new())
        return list(self._running)

    def redeploy(self) -> None:
        self.deploys += 1
        if not self.deaf:
            self._old = list(self._running)

    def settled(self) -> bool:
        return len(self._old) <= self.keeps

    def _new(self) -> str:
        return f"{self._name}-{next(self._ids)}"
