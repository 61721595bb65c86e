"""A bad version of a target's services: `[bad_versions.<name>]` in target.toml.

[bad_versions.unready]                      # what `bad_deploy_unready` deploys
service = ["app-a", "app-b"]                # the services that it is a version of
env = { DATABASE_URL = "postgresql://nowhere/chat" }

[bad_versions.errors]
service = ["app-a", "app-b"]
command = ["shop.broken:app"]               # in place of the service's own `command`
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from harness.config import Strict


class BadVersion(Strict):
    """A version that should never have gone out, as what it changes: variables (added or replaced), or the command."""

    service: str | Annotated[tuple[str, ...], Field(min_length=1)]
    env: dict[str, str] = Field(default_factory=dict)
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _changes_something(self) -> BadVersion:
        if not self.env and not self.command:
            raise ValueError("a bad version needs env, or command, or both: else it is the good one")
        return self

    @property
    def services(self) -> tuple[str, ...]:
        """The components that it is a version of."""
        return (self.service,) if isinstance(self.service, str) else self.service
