"""Provider hang: requests are taken and never answered, not even with headers, until the caller gives up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.faults.provider import ProviderFault


@dataclass(frozen=True)
class ProviderHang(ProviderFault):
    """`share` of the requests hang. Those that hang when the fault is healed go on hanging."""

    name: str = field(default="provider_hang", init=False)

    @property
    def kind(self) -> str:
        """What the simulator calls it."""
        return "hang"

    @property
    def settings(self) -> dict[str, Any]:
        """None."""
        return {}
