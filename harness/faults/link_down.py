"""Link down: open connections are closed, new ones are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.faults.base import LinkHandle, Probe, Stage
from harness.faults.link import Bite, LinkFault, LinkInjection, inject_on_links


@dataclass(frozen=True)
class LinkDown(LinkFault):
    """Toxiproxy's proxy is disabled."""

    name: str = "link_down"

    def inject(self, stage: Stage) -> LinkInjection:
        """Disable the proxy on the link."""
        return inject_on_links(stage, stage.links(self.link), Bite({"answered": False}, _cut, _mend, _fits, _dose))


def _cut(handle: LinkHandle, _: list[str]) -> None:
    handle.set_enabled(False)


def _mend(handle: LinkHandle, _: list[str]) -> None:
    handle.set_enabled(True)


def _fits(_: Probe, now: Probe) -> bool:
    return now.outcome in ("closed", "reset")


def _dose(_: Probe, now: Probe) -> dict[str, Any]:
    return {"answered": now.outcome == "answered", "outcome": now.outcome}
