"""A provider inside the process, for development without Docker, keys or a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.providers.base import whole


class SimulatedProvider:
    """Answers every question with a sentence about it, one word each `token_s` seconds; always the same."""

    name = "simulated"
    model = "simulated-1"

    def __init__(self, token_s: float = 0.02) -> None:
        self._token_s = token_s

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        """Return the whole answer, after as long as streaming it would take."""
        async for piece in self.stream(messages):
            if isinstance(piece, Completion):
                return piece
        raise AssertionError("stream() ends with a Completion")

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield the answer word by word, then the Completion."""
        asked = messages[-1].content
        excerpt = asked if len(asked) <= 60 else f"{asked[:60]}..."
        text = (
            f'You said: "{excerpt}". This is a simulated answer: it knows {len(messages) - 1} earlier message(s) '
            "of this conversation and nothing of the world."
        )
        words = text.split(" ")
        for number, word in enumerate(words):
            await asyncio.sleep(self._token_s)
            yield word if number == 0 else f" {word}"
        usage = Usage(sum(len(message.content.split()) for message in messages), len(words))
        yield whole(text, self.name, self.model, "stop", usage)

    async def close(self) -> None:
        """Nothing to let go of."""
