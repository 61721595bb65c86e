"""A mechanism of a target that can be switched off: `[mechanisms.<name>]` in target.toml.

[mechanisms.cache-fallback]
description = "Without the cache, context comes from the database."
service = "app"                             # the Compose service that has the switch
env = { CHAT_CACHE_MAY_FAIL = "false" }     # what switches it OFF
experiment = "cache_down"                   # where its loss should show
claims = []                                 # ids of claims.toml that should turn red

[[mechanisms.cache-fallback.expect]]        # what should be measured while it is on, and no more without it
says = "While the cache is away nearly every request is answered well."
check = "availability_under_fault"
at_least = 0.99
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from harness.config import Strict
from harness.history import Kind


class Expectation(Strict):
    """A measured expectation: like a claim, but ours. It holds with the mechanism, and should not hold without it."""

    says: str = Field(min_length=1)
    check: str
    kinds: tuple[Kind, ...] = Field(default=tuple(Kind), min_length=1)
    at_least: float | None = None
    at_most: float | None = None
    parameters: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_bound(self) -> Expectation:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("an expectation needs exactly one of at_least and at_most")
        return self


class Mechanism(Strict):
    """Something that keeps a target working, the environment that switches it off, and where its loss should show.

    `service` is the component whose environment that is, or all of them where several share the mechanism.
    """

    description: str = Field(min_length=1)
    service: str | Annotated[tuple[str, ...], Field(min_length=1)]
    env: dict[str, str] = Field(min_length=1)
    experiment: str
    claims: tuple[str, ...] = ()
    expect: tuple[Expectation, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """The components in which it is switched off."""
        return (self.service,) if isinstance(self.service, str) else self.service
