"""Provider truncated: answers end cleanly in the middle, without a finish reason. Neither official SDK raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.faults.provider import ProviderFault


@dataclass(frozen=True)
class ProviderTruncated(ProviderFault):
    """Answers have only their first `after_tokens` tokens."""

    after_tokens: int = 5
    name: str = field(default="provider_truncated", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.after_tokens <= 100_000:
            raise ValueError(f"after_tokens is 0 to 100000, not {self.after_tokens}")

    @property
    def kind(self) -> str:
        """What the simulator calls it."""
        return "truncate"

    @property
    def settings(self) -> dict[str, Any]:
        """After how many tokens."""
        return {"after_tokens": self.after_tokens}
