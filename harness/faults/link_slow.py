"""Link slow: every answer takes longer, as over a congested or distant network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.faults.base import LinkHandle, Probe, Stage
from harness.faults.link import PROBE_TIMEOUT_S, Bite, LinkFault, LinkInjection, inject_on_links

# Of a probe that took longer than asked for, before that is held to be the fault's doing. They span seconds: four
# within one second all came late (329 ms for 150) while an autoscaler started three instances.
TRIES = 12


@dataclass(frozen=True)
class LinkSlow(LinkFault):
    """`latency_ms` (+- `jitter_ms`) is added to each burst of data on its way back, so once a round trip."""

    latency_ms: int = 500
    jitter_ms: int = 0
    name: str = "link_slow"

    def __post_init__(self) -> None:
        if self.latency_ms <= 0 or not 0 <= self.jitter_ms <= self.latency_ms:
            raise ValueError("latency_ms is more than 0, and jitter_ms lies between 0 and latency_ms")

    def inject(self, stage: Stage) -> LinkInjection:
        """Add Toxiproxy's latency toxic downstream."""
        low, high = 0.8 * (self.latency_ms - self.jitter_ms), 1.5 * (self.latency_ms + self.jitter_ms) + 100

        def slow_down(handle: LinkHandle, added: list[str]) -> None:
            added.append(handle.add_toxic("latency", "downstream", latency=self.latency_ms, jitter=self.jitter_ms))

        def fits(before: Probe, now: Probe) -> bool:
            more = added_ms(before, now)
            return more is not None and low <= more <= high

        requested = {"added_ms": self.latency_ms, "jitter_ms": self.jitter_ms}
        timeout_s = PROBE_TIMEOUT_S + high / 1000
        bite = Bite(requested, slow_down, remove_toxics, fits, added_dose, timeout_s, tries=TRIES)
        return inject_on_links(stage, stage.links(self.link), bite)


def remove_toxics(handle: LinkHandle, names: list[str]) -> None:
    """Take the named toxics off the link again."""
    for name in names:
        handle.remove_toxic(name)


def added_ms(before: Probe, now: Probe) -> float | None:
    """How much longer (ms) a probe takes now; None when one of them was not answered."""
    return None if before.rtt_ms is None or now.rtt_ms is None else now.rtt_ms - before.rtt_ms


def added_dose(before: Probe, now: Probe) -> dict[str, Any]:
    """The size of the effect, in the words of a receipt."""
    added = added_ms(before, now)
    return {"added_ms": None if added is None else round(added, 1)}
