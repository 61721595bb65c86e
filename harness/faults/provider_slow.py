"""Provider slow: answers are right and whole, but the first token is late, or every token takes its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.faults.provider import ProviderFault


@dataclass(frozen=True)
class ProviderSlow(ProviderFault):
    """The first token comes `first_token_s` later; each further one takes `token_s`. At least one is given."""

    first_token_s: float | None = None
    token_s: float | None = None
    name: str = field(default="provider_slow", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [seconds for seconds in (self.first_token_s, self.token_s) if seconds is not None]
        if not given:
            raise ValueError("ProviderSlow needs first_token_s or token_s, or both")
        if not all(0 < seconds <= 3600 for seconds in given):
            raise ValueError("first_token_s and token_s are more than 0 s and at most 3600 s")

    @property
    def kind(self) -> str:
        """What the simulator calls it."""
        return "slow_first_token" if self.token_s is None else "slow_tokens"

    @property
    def settings(self) -> dict[str, Any]:
        """The delays (s) under the simulator's names."""
        both = {"delay_s": self.first_token_s, "token_s": self.token_s}
        return {key: seconds for key, seconds in both.items() if seconds is not None}
