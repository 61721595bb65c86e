"""What a wire format must be able to write. Each provider has its own file."""

from __future__ import annotations

import json
from typing import Any, Protocol

from targets.parts.provider_sim.answer import Answer


class Wire(Protocol):
    """Writes one answer in a provider's format. Bytes are ready for the body of the HTTP response."""

    def headers(self, key: str) -> dict[str, str]:
        """Headers that every response carries, errors too; `key` makes the request id."""
        ...

    def come_back(self, seconds: int) -> dict[str, str]:
        """Headers that say when to come back."""
        ...

    def opening(self, answer: Answer) -> bytes:
        """The events of a stream before its first token."""
        ...

    def token(self, answer: Answer, text: str) -> bytes:
        """The event that carries one token."""
        ...

    def broken(self, answer: Answer, text: str) -> bytes:
        """An event in the place of a token whose data is not JSON."""
        ...

    def closing(self, answer: Answer) -> bytes:
        """The events after the last token: finish reason, usage, end mark."""
        ...

    def plain(self, answer: Answer, *, finished: bool = True) -> bytes:
        """The body of an answer that is not streamed; unfinished means without a finish reason."""
        ...

    def error(self, status: int, message: str | None, key: str, retry_after_s: int | None = None) -> bytes:
        """The body of an error; without `message` the provider's usual words for that status.

        Most providers leave it to the headers to say when to come back.
        """
        ...


def dump(value: dict[str, Any]) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def event(data: bytes, name: str | None = None) -> bytes:
    """Return one server-sent event."""
    return (b"event: %s\n" % name.encode() if name else b"") + b"data: " + data + b"\n\n"
