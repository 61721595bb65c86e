"""Anthropic through its official SDK: messages, plain and streamed, one attempt each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import anthropic
import httpx2
from anthropic.types import Message, MessageParam

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer
from targets.chat.providers.base import SYSTEM_PROMPT, Provider, whole
from targets.chat.providers.sdk import LIMITS, SdkErrors, translated
from targets.chat.settings import AnthropicSettings

ERRORS = SdkErrors(
    anthropic.APITimeoutError, anthropic.APIConnectionError, anthropic.APIStatusError, anthropic.AnthropicError
)
# Our answers speak of finish reasons in OpenAI's words, whoever gave them.
FINISH_REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter"}


class AnthropicProvider(Provider):
    """A Provider that speaks with Anthropic, or with anything on its wire format."""

    name = "anthropic"

    def __init__(self, settings: AnthropicSettings) -> None:
        self._model = settings.model
        self._max_tokens = settings.max_tokens
        self._require_end = settings.require_end
        # A plain answer is silent until it is whole: there the deadline is the longest silence that makes sense.
        self._plain_timeout = httpx2.Timeout(settings.deadline_s, connect=settings.connect_s)
        timeout = httpx2.Timeout(settings.read_s, connect=settings.connect_s)
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.api_key.get_secret_value(),
            base_url=settings.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=timeout, limits=LIMITS),
        )

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        """Return the whole answer. Raises ProviderError."""
        with translated(self.name, ERRORS):
            reply: object = await self._client.messages.create(
                model=self._model,
                max_tokens=self._max_tokens,
                system=SYSTEM_PROMPT,
                messages=_on_the_wire(messages),
                timeout=self._plain_timeout,
            )
            if not isinstance(reply, Message):  # the SDK hands a body that is not JSON through as text
                raise ProviderBadAnswer(f"{self.name} gave an answer that cannot be read.")
            text = "".join(block.text for block in reply.content if block.type == "text")
            usage = Usage(reply.usage.input_tokens or 0, reply.usage.output_tokens or 0)
            reason = _finish_reason(reply.stop_reason)
            return whole(text, self.name, reply.model or self._model, reason, usage, require_end=self._require_end)

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text, then the Completion. Raises ProviderError, also after some pieces."""
        text: list[str] = []
        stop_reason: str | None = None
        ended = False
        model, input_tokens, output_tokens = self._model, 0, 0
        with translated(self.name, ERRORS):
            events = await self._client.messages.create(
                model=self._model,
                max_tokens=self._max_tokens,
                system=SYSTEM_PROMPT,
                messages=_on_the_wire(messages),
                stream=True,
            )
            async with events:  # leaving it closes the connection: nobody pays for words that nobody reads
                async for event in events:
                    if event.type == "message_start":
                        model = event.message.model or model
                        input_tokens = event.message.usage.input_tokens or 0
                    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                        text.append(event.delta.text)
                        yield event.delta.text
                    elif event.type == "message_delta":
                        stop_reason = event.delta.stop_reason or stop_reason
                        output_tokens = event.usage.output_tokens or output_tokens
                    elif event.type == "message_stop":
                        ended = True
            finish_reason = _finish_reason(stop_reason) if ended else None
            usage = Usage(input_tokens, output_tokens)
            yield whole("".join(text), self.name, model, finish_reason, usage, require_end=self._require_end)

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()


def _on_the_wire(messages: Sequence[ContextMessage]) -> list[MessageParam]:
    wire: list[MessageParam] = []
    for message in messages:
        if message.role == "user":
            wire.append({"role": "user", "content": message.content})
        else:
            wire.append({"role": "assistant", "content": message.content})
    return wire


def _finish_reason(stop_reason: str | None) -> str | None:
    return FINISH_REASONS.get(stop_reason, stop_reason) if stop_reason else None
