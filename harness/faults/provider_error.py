"""Provider error: requests are refused at once with an error status in the provider's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.faults.provider import ProviderFault

STATUSES = (400, 401, 429, 500, 503, 529)
LIMITING = (429, 503, 529)  # statuses that may say when to come back


@dataclass(frozen=True)
class ProviderError(ProviderFault):
    """`share` of the requests get `status`; `retry_after_s` (whole s) goes with 429, 503 and 529."""

    status: int = 503
    retry_after_s: int | None = None
    name: str = field(default="provider_error", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status not in STATUSES:
            raise ValueError(f"status is one of {', '.join(map(str, STATUSES))}, not {self.status}")
        if self.retry_after_s is not None and (self.status not in LIMITING or not 1 <= self.retry_after_s <= 3600):
            raise ValueError(
                f"retry_after_s is 1 to 3600 and goes with status {', '.join(map(str, LIMITING))}; "
                f"it is {self.retry_after_s} with status {self.status}"
            )

    @property
    def kind(self) -> str:
        """What the simulator calls it."""
        return "status"

    @property
    def settings(self) -> dict[str, Any]:
        """The status, and when to come back."""
        limit = {} if self.retry_after_s is None else {"retry_after_s": self.retry_after_s}
        return {"status": self.status, **limit}
