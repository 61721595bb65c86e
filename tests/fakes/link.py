"""A link without a Toxiproxy, and ways in which a fault on it may go wrong."""

from __future__ import annotations

from typing import Literal

from harness.errors import InstrumentError
from harness.faults.base import Probe

KNOWN = {
    "latency": {"latency", "jitter"},
    "bandwidth": {"rate"},
    "timeout": {"timeout"},
    "reset_peer": {"timeout"},
    "slow_close": {"delay"},
    "slicer": {"average_size", "size_variation", "delay"},
    "limit_data": {"bytes"},
}


class FakeLink:
    """Implements LinkHandle. `dead` is a far side that does not answer; `rtt_ms` what the bare link costs.

    Tampering: `deaf` (it takes orders and nothing happens), `dose` (a latency is only partly delivered),
    `unhealable` (a toxic cannot be removed, a proxy cannot be enabled).
    """

    def __init__(
        self,
        name: str,
        *,
        rtt_ms: float = 1.0,
        dead: bool = False,
        deaf: bool = False,
        dose: float = 1.0,
        unhealable: bool = False,
    ) -> None:
        self._name = name
        self.rtt_ms = rtt_ms
        self.dead = dead
        self.deaf = deaf
        self.dose = dose
        self.unhealable = unhealable
        self.enabled = True
        self.toxics: dict[str, tuple[str, str, dict[str, int]]] = {}
        self._count = 0

    @property
    def name(self) -> str:
        return self._name

    def probe(self, timeout_s: float = 2.0) -> Probe:
        if self.dead or (not self.enabled and not self.deaf):
            return Probe("closed", None)
        kinds = {kind: attributes for kind, _, attributes in self.toxics.values()} if not self.deaf else {}
        if "reset_peer" in kinds:
            return Probe("reset", None)
        if "timeout" in kinds:
            return Probe("silent", None)
        added = [a["latency"] for kind, _, a in self.toxics.values() if kind == "latency" and not self.deaf]
        rtt_ms = self.rtt_ms + self.dose * sum(added)
        return Probe("answered", rtt_ms) if rtt_ms < timeout_s * 1000 else Probe("silent", None)

    def set_enabled(self, enabled: bool) -> None:
        if enabled and self.unhealable:
            raise InstrumentError(f"Toxiproxy says that it enabled '{self._name}', and it did not.")
        self.enabled = enabled

    def add_toxic(self, kind: str, stream: Literal["upstream", "downstream"], **attributes: int) -> str:
        if kind not in KNOWN:
            raise InstrumentError(f"Toxiproxy refuses the toxic '{kind}': invalid toxic type.")
        if unknown := set(attributes) - KNOWN[kind]:
            raise InstrumentError(f"Toxiproxy did not store {unknown} of the toxic '{kind}' on '{self._name}'.")
        self._count += 1
        name = f"{kind}_{stream}_{self._count}"
        self.toxics[name] = (kind, stream, dict(attributes))
        return name

    def remove_toxic(self, name: str) -> None:
        if self.unhealable and name in self.toxics:
            raise InstrumentError(f"Toxiproxy still has the toxic '{name}' on '{self._name}'.")
        self.toxics.pop(name, None)
