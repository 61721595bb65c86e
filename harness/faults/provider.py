"""What all faults of a provider share: the aim, doing it, undoing it, and the proof from the simulator's counters.

The counters are read right after the fault was confirmed and right before it is cleared. Every request between
the two readings met the fault with the probability `share`, so the delivered share needs no allowance for requests
that were in flight at either edge.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scipy.special import bdtr

from harness.errors import InstrumentError
from harness.faults.base import ProviderHandle, Stage, bite_or_heal
from harness.history import Receipt

HEALING_PATIENCE_S = 10.0  # how long clearing a fault is tried again
PAUSE_S = 0.25  # between two tries
TAIL = 0.0005  # on each side: a delivered share outside the central 99.9 % is no accident

Counts = dict[str, int]


@dataclass(frozen=True)
class ProviderFault(ABC):
    """A fault of the first provider simulator that fits role, zone and region, for `share` of its requests.

    The first is the one that target.toml names first, as the one that is asked first. `every` is for all that fit.
    """

    role: str = "provider"
    zone: str | None = None
    region: str | None = None
    share: float = 1.0
    every: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"a share is more than 0 and at most 1, not {self.share}")

    @property
    def aimed_at(self) -> str:
        """The aim in words: 'role provider, zone outside'; 'every role provider'."""
        words = {"role": self.role, "zone": self.zone, "region": self.region}
        aim = ", ".join(f"{key} {value}" for key, value in words.items() if value is not None)
        return f"every {aim}" if self.every else aim

    @property
    @abstractmethod
    def kind(self) -> str:
        """What the simulator calls it."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings that go with the kind."""

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when the stage has no such provider simulator."""
        self._providers(stage)

    def inject(self, stage: Stage) -> ProviderInjection:
        """Switch the fault on. Raises NothingToBreak without a provider, InstrumentError when one refuses."""
        requested = {"share": self.share, **self.settings}
        injection = ProviderInjection(stage, self.share, requested)
        providers = self._providers(stage)

        def bite() -> None:
            for provider in providers:
                injection.books.append(Books(provider))
                provider.set_fault(self.kind, self.share, **self.settings)
            injection.on_s = stage.now()
            for books in injection.books:
                books.first = books.provider.counters()

        return bite_or_heal(injection, bite)

    def _providers(self, stage: Stage) -> list[ProviderHandle]:
        found = stage.providers(role=self.role, zone=self.zone, region=self.region)
        return found if self.every else found[:1]


@dataclass
class Books:
    """One provider and its counters: just after the fault was on, just before and just after it was cleared."""

    provider: ProviderHandle
    first: Counts | None = None
    last: Counts | None = None
    cleared: Counts | None = None
    healed: bool = False

    def heal(self) -> None:
        """Clear the fault. Unreadable counters cost the proof, never the healing."""
        if self.last is None:
            # Kept from the first try: a later one may come after a clearing whose answer was lost.
            self.last = self._read()
        self.provider.clear_fault()
        self.healed = True
        self.cleared = self._read()

    def during(self) -> Counts | None:
        """Requests that arrived while the fault was on for certain; None when that is not known."""
        return _difference(self.first, self.last)

    def since(self) -> Counts | None:
        """Requests that arrived after it was cleared; None when that is not known."""
        return _difference(self.cleared, self._read())

    def _read(self) -> Counts | None:
        try:
            return self.provider.counters()
        except InstrumentError:
            return None


@dataclass
class ProviderInjection:
    """Providers that fail, and the way back. `pause` waits so many seconds between two tries to heal."""

    stage: Stage
    share: float
    requested: dict[str, Any]
    books: list[Books] = field(default_factory=list)
    on_s: float | None = None
    off_s: float | None = None
    pause: Callable[[float], None] = time.sleep

    def heal(self) -> None:
        """Clear the fault everywhere, again and again for 10 s. Raises InstrumentError when one keeps it."""
        give_up_s = self.stage.now() + HEALING_PATIENCE_S
        for books in self.books:
            while not books.healed:
                try:
                    books.heal()
                except InstrumentError as error:
                    if self.stage.now() >= give_up_s:
                        name = books.provider.name
                        problem = f"The fault of the provider '{name}' could not be healed in {HEALING_PATIENCE_S:g} s:"
                        raise InstrumentError(f"{problem} {error.problem}", error.remedy) from error
                    self.pause(PAUSE_S)
        if self.off_s is None:
            self.off_s = self.stage.now()

    def receipt(self) -> Receipt:
        """Compare the share of requests that met the fault with the share that was asked for."""
        during = [(books.provider.name, books.during(), books.since()) for books in self.books]
        evidence = [_sentence(name, on, after) for name, on, after in during]
        known = [counts for _, counts, _ in during if counts is not None]
        requests, affected = sum(c["requests"] for c in known), sum(c["affected"] for c in known)
        delivered: dict[str, Any] = {"share": None, "requests": requests, "affected": affected}
        if requests:
            delivered["share"] = round(affected / requests, 6)
        late = sum(after["affected"] for _, _, after in during if after is not None)
        if len(known) < len(during) or any(after is None for _, _, after in during) or not requests:
            status = "missing"
        elif late or not affected or not is_plausible(affected, requests, self.share):
            status = "mismatch"
        else:
            status = "confirmed"
        return Receipt(status, self.requested, delivered, self.on_s, self.off_s, evidence)


def is_plausible(affected: int, requests: int, share: float) -> bool:
    """Whether so many of `requests` may have met a fault with the probability `share` (central 99.9 %)."""
    if share >= 1:
        return affected == requests
    at_most = float(bdtr(affected, requests, share))
    at_least = 1.0 - float(bdtr(affected - 1, requests, share)) if affected else 1.0
    return min(at_most, at_least) >= TAIL


def _difference(before: Counts | None, after: Counts | None) -> Counts | None:
    """What was counted in between; None when either is unknown, or when the counting began anew."""
    if before is None or after is None:
        return None
    change = {key: after[key] - before[key] for key in ("requests", "affected")}
    return change if min(change.values()) >= 0 else None


def _sentence(name: str, during: Counts | None, since: Counts | None) -> str:
    if during is None or since is None:
        return f"{name}: its counters could not be read, or it was started again and counted from zero."
    met = f"{name}: {during['affected']} of {during['requests']} requests met the fault while it was on"
    return f"{met}, and {since['affected']} of {since['requests']} after it was cleared."
