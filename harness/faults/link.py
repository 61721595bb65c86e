"""What all faults on links share: doing it, undoing it, and asking over the link itself what it is like now.

The proof comes from probes: fresh connections through the proxy that carry no user's traffic. One before the
fault, one while it bites, one just before healing, one after.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.errors import InstrumentError
from harness.faults.base import LinkHandle, Probe, Stage, bite_or_heal
from harness.faults.component import all_at_once
from harness.history import Receipt

PROBE_TIMEOUT_S = 0.4  # a link on this machine answers in milliseconds: one that says nothing for so long is silent
HEALING_PATIENCE_S = 10.0  # how long a healed link may take until it answers again


@dataclass(frozen=True)
class LinkFault:
    """A fault on the link that target.toml calls `link`, or on all that lead to components of that role."""

    link: str

    @property
    def aimed_at(self) -> str:
        """The aim in words."""
        return f"link {self.link}"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when there is no such link."""
        stage.links(self.link)


@dataclass(frozen=True)
class Bite:
    """How one kind of link fault acts, and how its effect is recognised in a probe.

    `apply` appends the names of what it added to the list that `undo` will get, so that half an injury can be
    undone. `fits(before, now)` says whether a probe shows the effect; `dose(before, now)` names its size in the
    same keys and units as `requested`. A probe that does not show it is repeated, `tries` in all: where time is the
    effect, what else the machine does only ever adds to it.
    """

    requested: dict[str, Any]
    apply: Callable[[LinkHandle, list[str]], None]
    undo: Callable[[LinkHandle, list[str]], None]
    fits: Callable[[Probe, Probe], bool]
    dose: Callable[[Probe, Probe], dict[str, Any]]
    probe_timeout_s: float = PROBE_TIMEOUT_S
    tries: int = 1

    def before(self, link: LinkHandle) -> Probe:
        """Return the quickest of `tries` probes of a link to which nothing is done yet."""
        probes = [link.probe(self.probe_timeout_s) for _ in range(self.tries)]
        return min(probes, key=lambda probe: math.inf if probe.rtt_ms is None else probe.rtt_ms)


def inject_on_links(stage: Stage, links: list[LinkHandle], bite: Bite) -> LinkInjection:
    """Apply `bite` to every one of these links. Raises InstrumentError when one is ill already."""
    probes = all_at_once(bite.before, links)
    before = {handle.name: probe for handle, probe in zip(links, probes, strict=True)}
    for handle in links:
        if before[handle.name].outcome != "answered":
            raise InstrumentError(
                f"The link {handle.name} does not answer even before the fault: {before[handle.name]}."
            )
    injection = LinkInjection(stage, bite, links, before)
    return bite_or_heal(injection, injection.strike)


@dataclass(frozen=True)
class Look:
    """A probe of a link while the fault was on, and whether it showed the effect."""

    link: str
    when: str
    probe: Probe
    fits: bool


@dataclass
class LinkInjection:
    """Links that misbehave, and the way back."""

    stage: Stage
    bite: Bite
    links: list[LinkHandle]
    before: dict[str, Probe]
    undo_with: dict[str, list[str]] = field(default_factory=dict)
    on_s: float | None = None
    off_s: float | None = None
    looks: list[Look] = field(default_factory=list)
    healed: bool = False

    def strike(self) -> None:
        """Apply it to every link, and look."""
        all_at_once(lambda handle: self.bite.apply(handle, self.undo_with.setdefault(handle.name, [])), self.links)
        self.on_s = self.stage.now()
        self.look("while on")

    def look(self, when: str) -> None:
        """Probe every link and note whether the effect can be seen."""
        self.looks += all_at_once(lambda handle: self._look_at(handle, when), self.links)

    def _look_at(self, handle: LinkHandle, when: str) -> Look:
        for left in reversed(range(self.bite.tries)):
            probe = handle.probe(self.bite.probe_timeout_s)
            fits = self.bite.fits(self.before[handle.name], probe)
            if fits or not left:
                break
        return Look(handle.name, when, probe, fits)

    def heal(self) -> None:
        """Undo it on every link; each must answer again. Raises InstrumentError when one does not."""
        if self.on_s is not None and not self.healed:
            self.look("before healing")
        struck = [handle for handle in self.links if handle.name in self.undo_with]
        all_at_once(lambda handle: self.bite.undo(handle, self.undo_with[handle.name]), struck)
        if self.off_s is None:
            self.off_s = self.stage.now()
        self.healed = True
        deadline = time.monotonic() + HEALING_PATIENCE_S
        for handle in self.links:
            while handle.probe(2.0).outcome != "answered":
                if time.monotonic() > deadline:
                    raise InstrumentError(f"The link {handle.name} does not answer after the fault was healed.")
                time.sleep(0.05)

    def receipt(self) -> Receipt:
        """Confirmed when every look showed the effect, missing when none did, otherwise a mismatch."""
        fitting = [look.fits for look in self.looks]
        status = "missing" if not any(fitting) else "confirmed" if all(fitting) and self.healed else "mismatch"
        delivered = self._delivered()
        requested = dict(self.bite.requested)
        if len(self.links) > 1:
            requested["links"], delivered["links"] = len(self.links), self._bitten()
        evidence = [f"{name}, before: {_words(probe)}." for name, probe in self.before.items()]
        evidence += [f"{look.link}, {look.when}: {_words(look.probe)}." for look in self.looks]
        if self.healed:
            evidence.append("After healing every link answered again.")
        return Receipt(status, requested, delivered, self.on_s, self.off_s, evidence)

    def _delivered(self) -> dict[str, Any]:
        """The dose of the first look; where one did not show the effect, the dose of that: the worst counts."""
        if not self.looks:
            return {}
        worst = next((look for look in self.looks if not look.fits), self.looks[0])
        return self.bite.dose(self.before[worst.link], worst.probe)

    def _bitten(self) -> int:
        """On how many links every look showed the effect."""
        return sum(all(look.fits for look in self.looks if look.link == handle.name) for handle in self.links)


def _words(probe: Probe) -> str:
    return f"answered in {probe.rtt_ms:.1f} ms" if probe.rtt_ms is not None else probe.outcome
