"""Link black hole: connections stay open or can even be made, and nothing ever comes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.faults.base import LinkHandle, Probe, Stage
from harness.faults.link import PROBE_TIMEOUT_S, Bite, LinkFault, LinkInjection, inject_on_links
from harness.faults.link_slow import remove_toxics


@dataclass(frozen=True)
class LinkBlackHole(LinkFault):
    """Toxiproxy's timeout toxic (0: for ever) swallows both directions; removing it closes what hung in it."""

    name: str = "link_black_hole"

    def inject(self, stage: Stage) -> LinkInjection:
        """Swallow everything on the link."""
        return inject_on_links(stage, stage.links(self.link), black_hole())


def black_hole(probe_timeout_s: float = PROBE_TIMEOUT_S) -> Bite:
    """Return what swallows everything on a link. One that says nothing for `probe_timeout_s` (s) is silent."""
    return Bite({"answered": False}, _swallow, remove_toxics, _fits, _dose, probe_timeout_s)


def _swallow(handle: LinkHandle, added: list[str]) -> None:
    added.append(handle.add_toxic("timeout", "upstream", timeout=0))
    added.append(handle.add_toxic("timeout", "downstream", timeout=0))


def _fits(_: Probe, now: Probe) -> bool:
    return now.outcome == "silent"


def _dose(_: Probe, now: Probe) -> dict[str, Any]:
    return {"answered": now.outcome == "answered", "outcome": now.outcome}
