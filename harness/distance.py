"""How far users are away: adds each place's round trip to its door, proves that it is there, and takes it away again.

Half of the round trip is added on the way in and half on the way out, by Toxiproxy. The proof is a probe of the
harness's own over each door, before and with the delay, and once more after the load: a machine that is too busy to
delay rightly, or a delay that got lost in between, makes the run void.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InstrumentError
from harness.faults.base import LinkHandle
from harness.history import Way
from harness.places import Place

PROBES = 3  # the quickest of so many counts: what else the machine does only ever adds
BARE_PROBES = 12  # before there is a delay: all others are compared with these, and a slow one would hide some of it
PROBE_TIMEOUT_S = 2.0
PAUSE_S = 0.5  # between two looks
AFTERWARDS_S = 20.0  # how long what was broken in a run may take until it answers probes as before
LEAST, MOST, SLACK_MS, NOISE_MS = 0.8, 1.3, 15.0, 3.0  # how far what is found may be from what was asked for


@dataclass
class Distances:
    """The delays of one run, on the doors of its places."""

    doors: Mapping[str, LinkHandle]
    places: tuple[Place, ...]
    toxics: list[tuple[LinkHandle, str]] = field(default_factory=list)
    bare_ms: dict[str, float] = field(default_factory=dict)
    added_ms: dict[str, list[float | None]] = field(default_factory=dict)

    def set(self) -> None:
        """Add the delays, and look. Raises InstrumentError when a door does not answer or a delay is refused."""
        for place in self.places:
            rtt_ms = _quickest(self.doors[place.name], BARE_PROBES)
            if rtt_ms is None:
                raise InstrumentError(f"The door of {place.name} does not answer.")
            self.bare_ms[place.name] = rtt_ms
        for place in self.places:
            door, there_ms = self.doors[place.name], round(place.rtt_ms / 2)
            self._delay(door, "upstream", there_ms)
            self._delay(door, "downstream", round(place.rtt_ms) - there_ms)
        self.look()

    def look(self, patience_s: float = 0.0) -> None:
        """Probe every door and note what its delay is; nothing is done where none was set.

        One that seems too long, or silent, is looked at again for `patience_s`: what comes back from a fault has other
        things to do than to answer at once, and that only ever adds to a delay.
        """
        deadline = time.monotonic() + patience_s
        for place in self.places if self.toxics else ():
            added = self._added(place)
            while (added is None or added > place.rtt_ms) and not _fits(place.rtt_ms, added):
                if time.monotonic() >= deadline:
                    break
                time.sleep(PAUSE_S)
                added = self._added(place)
            self.added_ms.setdefault(place.name, []).append(added)

    def _added(self, place: Place) -> float | None:
        rtt_ms = _quickest(self.doors[place.name])
        return None if rtt_ms is None else round(rtt_ms - self.bare_ms[place.name], 1)

    def end(self) -> list[str]:
        """Take all delays away, and return in words what could not be. May be called twice."""
        left, still_there = [], []
        for door, name in self.toxics:
            try:
                door.remove_toxic(name)
            except InstrumentError as error:
                left.append(f"the delay of {door.name} could not be taken away: {error}")
                still_there.append((door, name))
        self.toxics = still_there
        return left

    def ways(self) -> list[Way]:
        """What was asked for and what was found, by place."""
        return [Way(place.name, place.rtt_ms, self.added_ms.get(place.name, [])) for place in self.places]

    def doubts(self) -> list[str]:
        """The places whose delay was not what was asked for, in words: each makes the run void."""
        return [
            f"users of {way.place} were to be {way.rtt_ms:g} ms away, and a probe found {_words(found)}"
            for way in self.ways()
            for found in way.added_ms
            if not _fits(way.rtt_ms, found)
        ]

    def write(self, say: Callable[..., Any], now_s: float) -> None:
        """Put the last look into the log of events."""
        for way in self.ways():
            if way.added_ms:
                found = way.added_ms[-1]
                details = {"rtt_ms": way.rtt_ms, "added_ms": found, "holds": _fits(way.rtt_ms, found)}
                say(now_s, "place", place=way.place, **details)

    def _delay(self, door: LinkHandle, stream: Any, latency_ms: int) -> None:
        if latency_ms:
            self.toxics.append((door, door.add_toxic("latency", stream, latency=latency_ms, jitter=0)))


def _quickest(door: LinkHandle, probes: int = PROBES) -> float | None:
    found = [door.probe(PROBE_TIMEOUT_S).rtt_ms for _ in range(probes)]
    return min((rtt_ms for rtt_ms in found if rtt_ms is not None), default=None)


def _fits(asked_ms: float, found_ms: float | None) -> bool:
    return found_ms is not None and LEAST * asked_ms - NOISE_MS <= found_ms <= MOST * asked_ms + SLACK_MS


def _words(found_ms: float | None) -> str:
    return "no answer" if found_ms is None else f"{found_ms:g} ms"
