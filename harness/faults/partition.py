"""Partition: two zones do not hear of each other any more, and everything in each of them goes on running."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import InstrumentError
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import all_at_once
from harness.faults.knock import Heard, Pair, knock, nearest
from harness.faults.muster import Present, Watch, addresses, present
from harness.history import Receipt

HEALING_PATIENCE_S = 15.0  # how long the zones may take until they hear of each other again
OPEN_AT_MOST_S = 3.0  # how long a container that started meanwhile may have been without rules


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
        self.check_aim(stage)
        injection = PartitionInjection(stage, self.zones)
        injection.look_before()
        return bite_or_heal(injection, injection.strike)


@dataclass
class PartitionInjection:
    """Two zones that are cut off from each other, and the way back.

    The rules are in the containers of one zone, and drop what comes from the other as well as what goes there. Who
    starts meanwhile, in place of another or as one more, in either zone, gets rules as well.
    """

    stage: Stage
    zones: tuple[str, str]
    one: list[Present] = field(default_factory=list)
    other: list[Present] = field(default_factory=list)
    had: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))  # addresses of each zone, ever
    ruled: dict[str, Container] = field(default_factory=dict)  # all that ever got rules, by name
    pairs: list[Pair] = field(default_factory=list)
    reaching: set[str] = field(default_factory=set)  # components of which somebody reached the other zone before
    looks: list[tuple[str, list[Heard]]] = field(default_factory=list)
    newcomers: list[str] = field(default_factory=list)
    open_too_long: list[str] = field(default_factory=list)
    dropped: list[tuple[str, int | str]] = field(default_factory=list)
    on_s: float | None = None
    off_s: float | None = None
    healed: bool = False
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.stage, self.catch_up)

    def look_before(self) -> None:
        """Find for each container one of the other zone that it hears of: only its silence then means something."""
        self.one, self.other = self._muster()
        asked = self._pairs(self.one, self.other) + self._pairs(self.other, self.one)
        self.pairs = [pair for pair, how in zip(asked, knock(asked), strict=True) if how == "heard"]
        self.reaching = {pair.container.component for pair in self.pairs}
        if not self.pairs:
            raise InstrumentError("The zones do not hear of each other even before the partition.")

    def strike(self) -> None:
        """Put the rules in, look whether they bite, and watch for those who start from now on."""
        self._cut(self.one, self.other)
        self.on_s = self.stage.now()
        self.looks.append(("while on", knock(self.pairs)))
        self.watch.start()

    def catch_up(self) -> None:
        """Cut off who has started since the last look, and let them knock in place of those who are gone."""
        fresh: list[Present] = []
        while newest := self._cut_newcomers():  # who starts meanwhile is cut off first: knocking takes a second
            fresh += newest
        self._knock_anew([each for each in fresh if each in self.one or each in self.other])

    def _cut_newcomers(self) -> list[Present]:
        """Give those who are new their own rules: on a busy machine seconds go by until all others have more of them.

        All others get theirs anew only when a newcomer has an address that somebody of the other zone has had.
        """
        known = {each.key for each in (*self.one, *self.other)}
        one, other = self._muster()
        ours, theirs = ([each for each in zone if each.key not in known] for zone in (one, other))
        if self.had[1].intersection(addresses(ours)) or self.had[0].intersection(addresses(theirs)):
            self._cut(one, other)
            self._cut([each for each in other if each in theirs or each.name in self.ruled], one)
        else:
            self._cut(ours, other)
            self._cut(theirs, one)
        self.one, self.other = one, other  # only now: who could not be cut off is new at the next look as well
        for each in (*ours, *theirs):
            self._take_note(each)
        return [*ours, *theirs]

    def _knock_anew(self, fresh: Sequence[Present]) -> None:
        stay = {each.name for each in (*self.one, *self.other) if each not in fresh}
        here = {*addresses(self.one), *addresses(self.other)}
        kept = [pair for pair in self.pairs if pair.container.name in stay and pair.address in here]
        have = {pair.container.name for pair in kept}
        asked = self._pairs(self.one, self.other) + self._pairs(self.other, self.one)
        asked = [p for p in asked if p.container.component in self.reaching and p.container.name not in have]
        added = [(pair, how) for pair, how in zip(asked, knock(asked), strict=True) if how != "unknown"]
        self.pairs = kept + [pair for pair, _ in added]
        if added:
            names = ", ".join(each.name for each in fresh)
            when = f"after {names} had started" if fresh else "after others had gone"
            self.looks.append((when, [how for _, how in added]))

    def heal(self) -> None:
        """Look once more, and take the rules away; every pair must hear of each other again."""
        self.watch.stop()
        if self.on_s is not None and not self.healed:
            self.watch.look()
            self.looks.append(("before healing", knock(self.pairs)))
            self.dropped = all_at_once(_dropped, [each.container for each in self.one])
        all_at_once(lambda c: c.restore_packets(), list(self.ruled.values()))
        if self.off_s is None:
            self.off_s = self.stage.now()
        self.healed = True
        deadline = time.monotonic() + HEALING_PATIENCE_S
        while "silent" in knock(self._still_there()):
            if time.monotonic() > deadline:
                raise InstrumentError("The zones do not hear of each other again after the partition.")
            time.sleep(0.2)

    def receipt(self) -> Receipt:
        """Confirmed when every look of every pair was silent and every rule has dropped packets; else a mismatch.

        Missing when nobody was cut off. Rules that could not be asked say nothing, and the evidence says why.
        """
        silent = [how == "silent" for _, heard in self.looks for how in heard]
        counts = [count for _, count in self.dropped if isinstance(count, int)]
        cut = sum(count > 0 for count in counts)
        requested = {"rules": len(self.dropped), "silent_looks": len(silent)}
        delivered = {"rules": cut, "silent_looks": sum(silent), "packets_dropped": sum(counts)}
        whole = self.healed and 0 < cut == len(counts) and len(silent) > 0 and all(silent) and not self.open_too_long
        status = "missing" if not any(silent) else "confirmed" if whole else "mismatch"
        evidence = [
            f"{when}: of {len(heard)} containers that reached the other zone before, {heard.count('silent')} did not"
            for when, heard in self.looks
        ]
        evidence += self.newcomers + self.watch.problems
        names = [name for name, count in self.dropped if count == 0]
        if names:
            evidence.append(f"The rules of {', '.join(names)} dropped no packet")
        evidence += [count for _, count in self.dropped if isinstance(count, str)]
        return Receipt(status, requested, delivered, self.on_s, self.off_s, evidence)

    def _muster(self) -> tuple[list[Present], list[Present]]:
        one, other = (present(self.stage, zone) for zone in self.zones)
        for had, zone in zip(self.had, (one, other), strict=True):
            had.update(addresses(zone))
        return one, other

    def _cut(self, some: Sequence[Present], other: Sequence[Present]) -> None:
        """Have them drop the packets of the other zone. Who has ended meanwhile needs no rules."""
        self.ruled |= {each.name: each.container for each in some}
        peers = addresses(other)
        for problem in all_at_once(lambda each: _drop(each, peers), some):
            if problem is not None:
                raise problem

    def _take_note(self, newcomer: Present) -> None:
        now_s = self.stage.now()
        started_s = now_s if newcomer.started_s is None else newcomer.started_s
        sentence = f"{newcomer.name} started at {started_s:.1f} s, and was cut off from {now_s:.1f} s on"
        self.newcomers.append(sentence)
        if now_s - started_s > OPEN_AT_MOST_S:
            self.open_too_long.append(sentence)

    def _still_there(self) -> list[Pair]:
        """The pairs of which nobody has gone: an address that nobody has any more is silent for ever."""
        here = {address for zone in self.zones for address in addresses(present(self.stage, zone))}
        return [pair for pair in self.pairs if pair.address in here]

    def _pairs(self, here: Sequence[Present], there: Sequence[Present]) -> list[Pair]:
        far = addresses(there)
        return [Pair(each.container, nearest(each.addresses, far)) for each in here if each.addresses and far]


def _drop(each: Present, peers: Sequence[str]) -> InstrumentError | None:
    try:
        each.container.drop_packets(peers)
    except InstrumentError as error:
        return error if each.still_runs() else None
    return None


def _dropped(container: Container) -> tuple[str, int | str]:
    """Its name, and how many packets its rules dropped, or why that cannot be known."""
    try:
        return container.name, container.dropped_packets()
    except InstrumentError as error:
        return container.name, f"The rules of {container.name} could not be asked: {error}"
