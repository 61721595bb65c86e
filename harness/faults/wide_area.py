"""Faults of the wide-area network: sites that do not hear of each other, sites that are further apart than they were,
and users whose country has lost its network.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.base import LinkHandle, Probe, Stage
from harness.faults.link import PROBE_TIMEOUT_S, Bite, LinkInjection, inject_on_links
from harness.faults.link_black_hole import black_hole
from harness.faults.link_slow import TRIES, added_dose, added_ms, remove_toxics

FAR_TIMEOUT_S = 2.0  # what is an ocean and a busy machine away answers later than what is next door


@dataclass(frozen=True)
class WanFault:
    """A fault on all links between the sites of two `regions`; of one region, on all that lead to or from its site."""

    regions: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.regions, tuple) or not 1 <= len(set(self.regions)) == len(self.regions) <= 2:
            raise ValueError(f"regions are one region or two different ones, not {self.regions!r}")

    @property
    def aimed_at(self) -> str:
        """The aim in words."""
        one, *other = self.regions
        return f"the network between {one} and {other[0]}" if other else f"the network between {one} and all others"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when the target has no such sites."""
        self.links(stage)

    def links(self, stage: Stage) -> list[LinkHandle]:
        """The links aimed at."""
        return stage.wan(*self.regions)


@dataclass(frozen=True)
class WanCut(WanFault):
    """Nothing comes through any more, and nobody is told: connections that are open stay so."""

    name: str = "wan_cut"

    def inject(self, stage: Stage) -> LinkInjection:
        """Swallow everything between the sites."""
        return inject_on_links(stage, self.links(stage), black_hole(FAR_TIMEOUT_S))


@dataclass(frozen=True)
class WanSlow(WanFault):
    """The round trip takes `factor` times as long as the path has it."""

    factor: int = 10
    name: str = "wan_slow"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.factor < 2:
            raise ValueError(f"factor is 2 or more, not {self.factor}")

    def inject(self, stage: Stage) -> LinkInjection:
        """Add what is missing to the longer round trip, half of it each way."""
        links = self.links(stage)
        more_ms = {handle.name: round((self.factor - 1) * stage.wan_rtt_ms(handle.name)) for handle in links}
        least, most = min(more_ms.values()), max(more_ms.values())

        def slow_down(handle: LinkHandle, added: list[str]) -> None:
            there = more_ms[handle.name] // 2
            added.append(handle.add_toxic("latency", "upstream", latency=there, jitter=0))
            back = more_ms[handle.name] - there
            added.append(handle.add_toxic("latency", "downstream", latency=back, jitter=0))

        def fits(before: Probe, now: Probe) -> bool:
            found = added_ms(before, now)
            return found is not None and 0.8 * least <= found <= 1.5 * most + 100

        timeout_s = PROBE_TIMEOUT_S + 2 * most / 1000
        bite = Bite({"added_ms": least}, slow_down, remove_toxics, fits, added_dose, timeout_s, tries=TRIES)
        return inject_on_links(stage, links, bite)


@dataclass(frozen=True)
class PlaceCut:
    """Users of one place send, and nothing of it arrives."""

    place: str
    name: str = "place_cut"

    @property
    def aimed_at(self) -> str:
        """The aim in words."""
        return f"users of {self.place}"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when they have no way in of their own."""
        stage.door(self.place)

    def inject(self, stage: Stage) -> LinkInjection:
        """Swallow everything between them and their way in."""
        return inject_on_links(stage, [stage.door(self.place)], black_hole(FAR_TIMEOUT_S))
