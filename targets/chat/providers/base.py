"""What the chat asks of an AI provider."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer
from targets.chat.telemetry import Telemetry

SYSTEM_PROMPT = "You are a helpful assistant. Answer clearly and briefly, in the language of the question."


class Provider(Protocol):
    """Turns a conversation into an answer. Every failure leaves as a ProviderError; nothing is retried in here.

    A wrapper (fail-over, breaker, limits) is a Provider too: the Completion says who really answered.
    """

    @property
    def name(self) -> str:
        """The provider's word in replies and metrics: 'openai'."""
        ...

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        """Return the whole answer to the last message."""
        ...

    def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield the answer's text piece by piece, then exactly one Completion with the whole of it."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True)
class ProviderHealth:
    """How one of several providers is: its breaker's state, calls in the last minute (of 20), and failed ones."""

    name: str
    breaker: str
    calls: int
    failures: int


@runtime_checkable
class ManyProviders(Protocol):
    """What a Provider over several others can do besides."""

    def report_to(self, telemetry: Telemetry) -> None:
        """Keep its own metrics there: it was made before they were."""
        ...

    def health(self) -> list[ProviderHealth]:
        """Return how each provider is, best first. Asks nobody."""
        ...


def whole(
    text: str, provider: str, model: str, finish_reason: str | None, usage: Usage, *, require_end: bool = True
) -> Completion:
    """Return a Completion, or raise ProviderBadAnswer for what is none: cut short, or empty.

    Neither official SDK raises when a stream ends early; the missing finish reason is the only sign of it. Unless
    `require_end`, what was cut short passes, with the finish reason 'unknown'.
    """
    if finish_reason is None and require_end:
        raise ProviderBadAnswer("The AI provider's answer ended before it was complete.")
    if not text.strip():
        raise ProviderBadAnswer("The AI provider gave an empty answer.")
    return Completion(text, provider, model, finish_reason or "unknown", usage)
