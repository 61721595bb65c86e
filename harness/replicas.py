"""How many instances of a component that grows by itself ran when: what an autoscaler did, on the run's time axis."""

from __future__ import annotations

from collections.abc import Sequence

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.faults.base import ServiceHandle, Stage
from harness.repeatedly import Repeatedly
from harness.scaling import Running
from harness.target import Target

AUTOSCALER = "autoscaler"  # the role
EVERY_S = 1.0


def growing(stage: Stage, target: Target) -> list[ServiceHandle]:
    """Return what an autoscaler makes more and fewer of: the app, where the target has one."""
    if not any(part.role == AUTOSCALER for part in target.components.values()):
        return []
    return stage.services(role="app", zone=None, region=None)


class ReplicaWatch(Repeatedly):
    """Asks each second, from entering until leaving the block; `seen` holds every change.

    A question that the engine does not answer is left out: this is for people, and decides nothing.
    """

    def __init__(self, services: Sequence[ServiceHandle], clock: RunClock, every_s: float = EVERY_S) -> None:
        super().__init__("replicas", every_s, anything=bool(services))
        self._services = services
        self._clock = clock
        self._last: dict[str, int] = {}
        self.seen: list[Running] = []

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
