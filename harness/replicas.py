"""How many instances of a component that grows by itself ran when: what an autoscaler did, on the run's time axis."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.faults.base import ServiceHandle
from harness.history import Running

EVERY_S = 1.0
STOPPING_S = 5.0  # how long the last question may take


class ReplicaWatch:
    """A thread that asks each second, from entering until leaving the block; `seen` holds every change.

    A question that the engine does not answer is left out: this is for people, and decides nothing.
    """

    def __init__(self, services: Sequence[ServiceHandle], clock: RunClock, every_s: float = EVERY_S) -> None:
        self._services = services
        self._clock = clock
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="replicas", daemon=True)
        self._last: dict[str, int] = {}
        self.seen: list[Running] = []

    def __enter__(self) -> ReplicaWatch:
        if self._services:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(STOPPING_S)

    def look(self) -> None:
        """Ask once, and note what has changed."""
        for service in self._services:
            try:
                count = len(service.instances())
            except InstrumentError:
                continue
            if self._last.get(service.name) != count:
                self._last[service.name] = count
                self.seen.append(Running(round(self._clock.now(), 3), service.name, count))

    def _watch(self) -> None:
        while True:
            self.look()
            if self._over.wait(self._every_s):
                return
