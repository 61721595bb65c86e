"""The wide-area network of a running stack: as long as target.toml says, from the start to the end, and looked at.

Half of a path's round trip is added to what goes there and half to what comes back, on every Toxiproxy between its
sites. Opening a connection costs none: Toxiproxy accepts by itself, and asks the far side at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.engine.link import ProxiedLink
from harness.engine.proxies import WanPlan
from harness.engine.settle import until
from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import LinkHandle
from harness.wan import Wan

PROBES = 3  # the quickest of so many counts: what else the machine does only ever adds
PROBE_TIMEOUT_S = 3.0
PAUSE_S = 0.5
LEAST, MOST, SLACK_MS = (
    0.95,
    1.3,
    40.0,
)  # how far what is found may be from what was asked for: the far side answers, too
AT_ONCE = 8


@dataclass(frozen=True)
class WayBetween:
    """The way from a site to another: round trip (ms) as target.toml has it, and as a probe found it.

    `found_ms` is None where the probe was not answered.
    """

    asks: str
    answers: str
    rtt_ms: float
    found_ms: float | None

    @property
    def doubt(self) -> str:
        """What is wrong with it, in words that make a run void; '' when it is as long as it should be."""
        if self.found_ms is not None and LEAST * self.rtt_ms - 1 <= self.found_ms <= MOST * self.rtt_ms + SLACK_MS:
            return ""
        found = "no answer" if self.found_ms is None else f"{self.found_ms:g} ms"
        return f"the way from {self.asks} to {self.answers} was to take {self.rtt_ms:g} ms, and a probe found {found}"


@dataclass
class WideArea:
    """Every link between two sites, and how long it is."""

    wan: Wan | None
    plans: Sequence[WanPlan]
    links: Mapping[str, ProxiedLink]
    delays: dict[str, tuple[str, ...]] = field(default_factory=dict)  # link -> its toxics that are no fault

    def lengthen(self, deadline: float) -> None:
        """Wait until every link answers, and add the delays. Raises InstrumentError when one does not, or refuses."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda plan: self._wait_for(plan, deadline), self.plans))
            list(pool.map(self._lengthen, self.plans))

    def _wait_for(self, plan: WanPlan, deadline: float) -> None:
        link = self.links[plan.proxy.link]
        if not until(lambda: link.probe(PROBE_TIMEOUT_S).outcome == "answered", deadline):
            raise InstrumentError(
                f"{plan.proxy.host}:{plan.proxy.listen} does not answer the site {plan.asks} over the wide-area "
                f"network: {link.probe().outcome}.",
                "See whether it speaks what [[wan.flows]] of target.toml says.",
            )

    def _lengthen(self, plan: WanPlan) -> None:
        link, rtt_ms = self.links[plan.proxy.link], self._rtt_ms(plan)
        there = round(rtt_ms / 2)
        self.delays[link.name] = (
            link.add_toxic("latency", "upstream", latency=there, jitter=0),
            link.add_toxic("latency", "downstream", latency=round(rtt_ms) - there, jitter=0),
        )

    def mend(self) -> list[str]:
        """Take away what is no delay, put back what is missing, and return it in words."""
        found = []
        for plan in self.plans:
            link = self.links[plan.proxy.link]
            state, mine = link.state(), self.delays.get(link.name, ())
            if not state.enabled:
                link.set_enabled(True)
                found.append(f"{link.name}: its proxy was disabled")
            for toxic in state.toxics:
                if toxic.name not in mine:
                    link.remove_toxic(toxic.name)
                    found.append(f"{link.name}: it had the toxic {toxic.kind} ({toxic.stream})")
            if mine and not set(mine) <= {toxic.name for toxic in state.toxics}:
                for name in mine:
                    link.remove_toxic(name)
                self._lengthen(plan)
                found.append(f"{link.name}: its delay was gone")
        return found

    def between(self, one: str, other: str | None = None) -> list[LinkHandle]:
        """The links between the sites of two regions, both ways; without `other`, all of the site of one.

        Raises NothingToBreak when the target has no such sites.
        """
        if self.wan is None:
            raise NothingToBreak(
                "The target has no wide-area network.", "Only one with [wan] in target.toml has sites."
            )
        here, there = self.wan.site(one), self.wan.site(other) if other else None
        found: list[LinkHandle] = [
            self.links[plan.proxy.link]
            for plan in self.plans
            if here in (plan.asks, plan.answers) and (there is None or there in (plan.asks, plan.answers))
        ]
        if not found or here == there:
            raise NothingToBreak(f"No link leads from the site of {one} to that of {other or 'another'}.")
        return found

    def rtt_ms(self, link: str) -> float:
        """Round trip (ms) that target.toml gives the path of a link."""
        return self._rtt_ms(next(plan for plan in self.plans if plan.proxy.link == link))

    def look(self, patience_s: float = 0.0) -> list[WayBetween]:
        """Probe a link of each ordered pair of sites. A way that is in doubt is looked at again for `patience_s`.

        Where nobody answers at the far end of a link (who was there is just being replaced), the next one is asked.
        """
        deadline = time.monotonic() + patience_s
        found = []
        for plans in self._witnesses():
            way = self._way(plans)
            while way.doubt and time.monotonic() < deadline:
                time.sleep(PAUSE_S)
                way = self._way(plans)
            found.append(way)
        return found

    def _way(self, plans: Sequence[WanPlan]) -> WayBetween:
        probed = (_quickest(self.links[plan.proxy.link]) for plan in plans)
        rtt_ms = next((found for found in probed if found is not None), None)
        found_ms = None if rtt_ms is None else round(rtt_ms, 1)
        return WayBetween(plans[0].asks, plans[0].answers, self._rtt_ms(plans[0]), found_ms)

    def _witnesses(self) -> list[list[WanPlan]]:
        """The links that can be asked, for each ordered pair of sites: the first of each protocol."""
        ways: dict[tuple[str, str], dict[str, WanPlan]] = {}
        for plan in self.plans:
            if plan.proxy.protocol != "tcp":  # nothing can be asked there, so nothing can be timed
                ways.setdefault((plan.asks, plan.answers), {}).setdefault(plan.proxy.protocol, plan)
        return [list(way.values()) for way in ways.values()]

    def _rtt_ms(self, plan: WanPlan) -> float:
        assert self.wan is not None  # noqa: S101 (who has plans has a network)
        return self.wan.rtt_ms(plan.asks, plan.answers)


def _quickest(link: LinkHandle) -> float | None:
    found = [link.probe(PROBE_TIMEOUT_S).rtt_ms for _ in range(PROBES)]
    return min((rtt_ms for rtt_ms in found if rtt_ms is not None), default=None)
