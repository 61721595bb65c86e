"""Link reset: connections are reset as soon as they are used, as by a failing middlebox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.faults.base import LinkHandle, Probe, Stage
from harness.faults.link import Bite, LinkFault, LinkInjection, inject_on_links
from harness.faults.link_slow import remove_toxics


@dataclass(frozen=True)
class LinkReset(LinkFault):
    """Toxiproxy's reset_peer toxic. It reaches only connections opened after it, so the open ones are closed first."""

    name: str = "link_reset"

    def inject(self, stage: Stage) -> LinkInjection:
        """Reset every connection on the link from now on."""
        return inject_on_links(stage, stage.links(self.link), Bite({"answered": False}, _reset, _mend, _fits, _dose))


def _reset(handle: LinkHandle, added: list[str]) -> None:
    added.append(handle.add_toxic("reset_peer", "downstream", timeout=0))
    handle.set_enabled(False)
    handle.set_enabled(True)


def _mend(handle: LinkHandle, added: list[str]) -> None:
    remove_toxics(handle, added)
    handle.set_enabled(True)  # in case the injury was interrupted half-way


def _fits(_: Probe, now: Probe) -> bool:
    # The way in from this machine may pass Docker's own proxy, which turns a reset into an orderly close.
    return now.outcome in ("reset", "closed")


def _dose(_: Probe, now: Probe) -> dict[str, Any]:
    return {"answered": now.outcome == "answered", "outcome": now.outcome}
