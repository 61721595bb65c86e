"""Partition: two zones do not hear of each other any more, and everything in each of them goes on running."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from harness.errors import InstrumentError
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import all_at_once
from harness.history import Receipt

HEALING_PATIENCE_S = 15.0  # how long the zones may take until they hear of each other again
CLOSED_PORT = 9  # nothing listens there: who can be reached refuses at once, and who cannot is not heard of

# Prints what came of one attempt to connect: 124 is how timeout(1) ends when its time is up.
KNOCK = (
    "timeout 1 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null; "
    "case $? in 124) echo silent;; 0) echo open;; *) echo refused;; esac"
)

Heard = Literal["heard", "silent", "unknown"]


@dataclass(frozen=True)
class Partition:
    """Packets between all containers of two zones are dropped, both ways: nobody is told that they are."""

    zones: tuple[str, str]
    name: str = "partition"

    def __post_init__(self) -> None:
        if not isinstance(self.zones, tuple) or len(self.zones) != 2 or len(set(self.zones)) != 2:
            raise ValueError(f"a partition is between two different zones, not {self.zones!r}")

    @property
    def aimed_at(self) -> str:
        """The aim in words."""
        return f"between zones {self.zones[0]} and {self.zones[1]}"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when one of the zones has no container."""
        for zone in self.zones:
            stage.containers(role=None, zone=zone, region=None)

    def inject(self, stage: Stage) -> PartitionInjection:
        """Drop the packets. Raises InstrumentError when the zones do not hear of each other even before."""
        one, other = (stage.containers(role=None, zone=zone, region=None) for zone in self.zones)
        injection = PartitionInjection(stage, one, other)
        injection.look_before()
        return bite_or_heal(injection, injection.strike)


@dataclass(frozen=True)
class Pair:
    """One container that knocks at an address of the other zone."""

    container: Container
    address: str

    def knock(self) -> Heard:
        """Try to connect; 'unknown' when the container has no shell for it, or does not run."""
        command = KNOCK.format(address=self.address, port=CLOSED_PORT)
        try:
            said = self.container.run(("bash", "-c", command)).strip()
        except InstrumentError:
            return "unknown"
        return "silent" if said == "silent" else "heard" if said in ("open", "refused") else "unknown"


@dataclass
class PartitionInjection:
    """Two zones that are cut off from each other, and the way back.

    The rules are in the containers of `one` zone, and drop what comes from the `other` as well as what goes there.
    """

    stage: Stage
    one: list[Container]
    other: list[Container]
    pairs: list[Pair] = field(default_factory=list)
    looks: list[tuple[str, list[Heard]]] = field(default_factory=list)
    dropped: list[int | str] = field(default_factory=list)
    on_s: float | None = None
    off_s: float | None = None
    healed: bool = False

    def look_before(self) -> None:
        """Find for each container one of the other zone that it hears of: only its silence then means something."""
        here, there = ([c.addresses() for c in zone] for zone in (self.one, self.other))
        asked = [Pair(c, _nearest(own, there)) for c, own in zip(self.one, here, strict=True) if own]
        asked += [Pair(c, _nearest(own, here)) for c, own in zip(self.other, there, strict=True) if own]
        heard = _knock(asked)
        self.pairs = [pair for pair, how in zip(asked, heard, strict=True) if how == "heard"]
        if not self.pairs:
            raise InstrumentError("The zones do not hear of each other even before the partition.")

    def strike(self) -> None:
        """Put the rules in, and look whether they bite."""
        peers = [address for container in self.other for address in container.addresses()]
        all_at_once(lambda c: c.drop_packets(peers), self.one)
        self.on_s = self.stage.now()
        self.looks.append(("while on", _knock(self.pairs)))

    def heal(self) -> None:
        """Look once more, and take the rules away; every pair must hear of each other again."""
        if self.on_s is not None and not self.healed:
            self.looks.append(("before healing", _knock(self.pairs)))
            self.dropped = all_at_once(_dropped, self.one)
        all_at_once(lambda c: c.restore_packets(), self.one)
        if self.off_s is None:
            self.off_s = self.stage.now()
        self.healed = True
        deadline = time.monotonic() + HEALING_PATIENCE_S
        while "silent" in _knock(self.pairs):
            if time.monotonic() > deadline:
                raise InstrumentError("The zones do not hear of each other again after the partition.")
            time.sleep(0.2)

    def receipt(self) -> Receipt:
        """Confirmed when every look of every pair was silent and every rule has dropped packets; else a mismatch.

        Missing when nobody was cut off. Rules that could not be asked say nothing, and the evidence says why.
        """
        silent = [how == "silent" for _, heard in self.looks for how in heard]
        counts = [count for count in self.dropped if isinstance(count, int)]
        cut = sum(count > 0 for count in counts)
        requested = {"rules": len(self.one), "silent_looks": len(silent)}
        delivered = {"rules": cut, "silent_looks": sum(silent), "packets_dropped": sum(counts)}
        whole = self.healed and 0 < cut == len(counts) and len(silent) > 0 and all(silent)
        status = "missing" if not any(silent) else "confirmed" if whole else "mismatch"
        evidence = [
            f"{when}: of {len(heard)} containers that reached the other zone before, {heard.count('silent')} did not"
            for when, heard in self.looks
        ]
        names = [c.name for c, count in zip(self.one, self.dropped, strict=False) if count == 0]
        if names:
            evidence.append(f"The rules of {', '.join(names)} dropped no packet")
        evidence += [count for count in self.dropped if isinstance(count, str)]
        return Receipt(status, requested, delivered, self.on_s, self.off_s, evidence)


def _dropped(container: Container) -> int | str:
    """How many packets its rules dropped, or why that cannot be known: it does not run any more, for instance."""
    try:
        return container.dropped_packets()
    except InstrumentError as error:
        return f"The rules of {container.name} could not be asked: {error}"


def _knock(pairs: Sequence[Pair]) -> list[Heard]:
    with ThreadPoolExecutor(max(1, len(pairs))) as pool:
        return list(pool.map(Pair.knock, pairs))


def _nearest(own: Sequence[str], far: Sequence[Sequence[str]]) -> str:
    """Return the address of the other zone that shares most with one of its own: most likely one network holds both."""
    candidates = [address for addresses in far for address in addresses]
    return max(candidates, key=partial(_shared, own))


def _shared(own: Sequence[str], address: str) -> int:
    """How many leading parts of an IPv4 address are those of one of `own`."""
    parts = address.split(".")
    return max(next((k for k in range(4) if mine.split(".")[k] != parts[k]), 4) for mine in own)
