"""OpenAI through its official SDK: chat completions, plain and streamed, one attempt each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import httpx2
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer
from targets.chat.providers.base import SYSTEM_PROMPT, whole
from targets.chat.providers.sdk import LIMITS, SdkErrors, translated
from targets.chat.settings import OpenAISettings

ERRORS = SdkErrors(openai.APITimeoutError, openai.APIConnectionError, openai.APIStatusError, openai.OpenAIError)


class OpenAIProvider:
    """A Provider that speaks with OpenAI, or with anything on its wire format."""

    name = "openai"

    def __init__(self, settings: OpenAISettings) -> None:
        self._model = settings.model
        self._max_tokens = settings.max_tokens
        self._require_end = settings.require_end
        # A plain answer is silent until it is whole: there the deadline is the longest silence that makes sense.
        self._plain_timeout = httpx2.Timeout(settings.deadline_s, connect=settings.connect_s)
        timeout = httpx2.Timeout(settings.read_s, connect=settings.connect_s)
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value(),
            base_url=settings.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(timeout=timeout, limits=LIMITS),
        )

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        """Return the whole answer. Raises ProviderError."""
        with translated(self.name, ERRORS):
            reply: object = await self._client.chat.completions.create(
                model=self._model,
                messages=_on_the_wire(messages),
                max_completion_tokens=self._max_tokens,
                timeout=self._plain_timeout,
            )
            if not isinstance(reply, ChatCompletion):  # the SDK hands a body that is not JSON through as text
                raise ProviderBadAnswer(f"{self.name} gave an answer that cannot be read.")
            choice = reply.choices[0]
            return whole(
                choice.message.content or "",
                self.name,
                reply.model or self._model,
                choice.finish_reason,
                _usage(reply.usage),
                require_end=self._require_end,
            )

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text, then the Completion. Raises ProviderError, also after some pieces."""
        text: list[str] = []
        finish_reason: str | None = None
        usage: CompletionUsage | None = None
        model = self._model
        with translated(self.name, ERRORS):
            chunks = await self._client.chat.completions.create(
                model=self._model,
                messages=_on_the_wire(messages),
                max_completion_tokens=self._max_tokens,
                stream=True,
                stream_options={"include_usage": True},
            )
            async with chunks:  # leaving it closes the connection: nobody pays for words that nobody reads
                async for chunk in chunks:
                    model = chunk.model or model
                    usage = chunk.usage or usage
                    for choice in chunk.choices:
                        finish_reason = choice.finish_reason or finish_reason
                        if choice.delta.content:
                            text.append(choice.delta.content)
                            yield choice.delta.content
            used = _usage(usage)
            yield whole("".join(text), self.name, model, finish_reason, used, require_end=self._require_end)

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()


def _on_the_wire(messages: Sequence[ContextMessage]) -> list[ChatCompletionMessageParam]:
    wire: list[ChatCompletionMessageParam] = [{"role": "system", "content": SYSTEM_PROMPT}]
    for message in messages:
        if message.role == "user":
            wire.append({"role": "user", "content": message.content})
        else:
            wire.append({"role": "assistant", "content": message.content})
    return wire


def _usage(usage: CompletionUsage | None) -> Usage:
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else Usage(0, 0)
