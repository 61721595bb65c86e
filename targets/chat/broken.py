"""A bad version, for trying out what becomes of a deploy: one that is ready, and answers every chat with 500.

BROKEN_APP=targets.v3.app:compose python -m targets.chat.serve targets.chat.broken:app

The mistake is an ordinary one: a name that was changed in one place and not in the other, where every chat comes by.
Reading conversations still works, and so does everything that readiness asks for. No version knows of this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from uvicorn.importer import import_from_string

from targets.chat.api import Environment, create_app
from targets.chat.domain import Answer, Question, Turn
from targets.chat.errors import SettingsError
from targets.chat.service import Parts


@dataclass(frozen=True)
class BrokenStore:
    """A store of which everything works but the beginning of a turn."""

    good: Any

    async def begin(self, question: Question, now: datetime, lease_s: float) -> Turn | Answer:
        """Begin a turn, as somebody wrote it who believed that questions have a `text`."""
        shortened: str = question.text[:80]  # type: ignore[attr-defined]
        raise AssertionError(f"unreachable: no question has a text, not even {shortened!r}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.good, name)


def compose(env: Environment) -> Parts:
    """The parts of the version that BROKEN_APP names, with the mistake in them. Raises SettingsError."""
    named = env.get("BROKEN_APP", "")
    if not named:
        raise SettingsError("BROKEN_APP: say which version is to be broken, for example targets.v3.app:compose.")
    original: Callable[[Environment], Parts] = import_from_string(named)
    parts = original(env)
    return Parts(BrokenStore(parts.store), parts.cache, parts.provider, parts.limiter)


app = create_app("Chat API (a bad version)", compose)
