"""Muster: who runs in a zone right now, under which process and address, and a watch for those who are new there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import Container, Stage
from harness.faults.component import all_at_once

WATCH_EVERY_S = 0.1  # a look at a number in memory


@dataclass(frozen=True)
class Present:
    """A container that runs: `key` tells it from the one that ran in its place before, and from itself before."""

    container: Container
    key: tuple[str, int]
    addresses: tuple[str, ...]
    started_s: float | None

    @property
    def name(self) -> str:
        """Name of the container."""
        return self.container.name

    def still_runs(self) -> bool:
        """Whether it has neither ended nor been replaced."""
        try:
            return (self.container.id, self.container.state().pid) == self.key
        except InstrumentError:
            return False


def present(stage: Stage, zone: str) -> list[Present]:
    """Who runs in a zone."""
    try:
        containers = stage.containers(role=None, zone=zone, region=None)
    except NothingToBreak:
        return []
    return [one for one in all_at_once(lambda c: _look(stage, c), containers) if one is not None]


def _look(stage: Stage, container: Container) -> Present | None:
    try:
        state = container.state()
        if not state.pid:
            return None
        started_s = stage.from_wall(state.started_at) if state.started_at else None
        return Present(container, (container.id, state.pid), tuple(container.addresses()), started_s)
    except InstrumentError:  # nobody has ever run there, or it ended between two questions
        return None


def addresses(zone: Sequence[Present]) -> list[str]:
    """All addresses of those who run in a zone."""
    return [address for one in zone for address in one.addresses]


class Watch:
    """Calls `catch_up` each time the engine tells of a start, until it is stopped. Its errors go to `problems`."""

    def __init__(self, stage: Stage, catch_up: Callable[[], None]) -> None:
        self._stage = stage
        self._catch_up = catch_up
        self._seen = stage.starts()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="newcomers", daemon=True)
        self.problems: list[str] = []

    def start(self) -> None:
        """Begin; starts since it was made count."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after the look that goes on. May be called twice, and before it was started."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> bool:
        """Catch up now; False when that failed."""
        try:
            self._catch_up()
        except InstrumentError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return False
        return True

    def _watch(self) -> None:
        while not self._over.wait(WATCH_EVERY_S):
            starts = self._stage.starts()
            if starts != self._seen and self.look():  # else it is asked again at once
                self._seen = starts
