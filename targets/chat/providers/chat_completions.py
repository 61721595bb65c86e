"""Chat completions: the wire format that OpenAI began and others speak as well, through the official openai SDK.

A provider on this wire is a subclass with its name and what it does differently. One attempt each, plain and streamed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import httpx2
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer
from targets.chat.providers.base import SYSTEM_PROMPT, Provider, whole
from targets.chat.providers.sdk import LIMITS, Refusal, SdkErrors, refusal, translated
from targets.chat.settings import ServiceSettings

ERRORS = SdkErrors(openai.APITimeoutError, openai.APIConnectionError, openai.APIStatusError, openai.OpenAIError)
FAILED = "error"  # a finish reason with which a provider says that it broke down on the way


class ChatCompletions(Provider):
    """A Provider that speaks chat completions."""

    name: str
    # OpenAI's newer models refuse `max_tokens`, most others know nothing but it.
    newer_limit: ClassVar[bool] = False
    # Whether usage in a stream has to be asked for: who sends it anyway may refuse to be asked.
    asks_for_usage: ClassVar[bool] = True
    # Its own words for finish reasons, in OpenAI's.
    finish_reasons: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, settings: ServiceSettings) -> None:
        self._model = settings.model
        self._require_end = settings.require_end
        self._max_completion_tokens = settings.max_tokens if self.newer_limit else openai.omit
        self._max_tokens = openai.omit if self.newer_limit else settings.max_tokens
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
        with translated(self.name, ERRORS, self.refused):
            reply: object = await self._client.chat.completions.create(
                model=self._model,
                messages=_on_the_wire(messages),
                max_completion_tokens=self._max_completion_tokens,
                max_tokens=self._max_tokens,
                timeout=self._plain_timeout,
            )
            if not isinstance(reply, ChatCompletion):  # the SDK hands a body that is not JSON through as text
                raise ProviderBadAnswer(f"{self.name} gave an answer that cannot be read.")
            choice = reply.choices[0]
            model = reply.model or self._model
            return self._whole(choice.message.content or "", model, choice.finish_reason, reply.usage)

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield pieces of text, then the Completion. Raises ProviderError, also after some pieces."""
        text: list[str] = []
        finish_reason: str | None = None
        usage: CompletionUsage | None = None
        model = self._model
        with translated(self.name, ERRORS, self.refused):
            chunks = await self._client.chat.completions.create(
                model=self._model,
                messages=_on_the_wire(messages),
                max_completion_tokens=self._max_completion_tokens,
                max_tokens=self._max_tokens,
                stream=True,
                stream_options={"include_usage": True} if self.asks_for_usage else openai.omit,
            )
            async with chunks:  # leaving it closes the connection: nobody pays for words that nobody reads
                async for chunk in chunks:
                    model = chunk.model or model
                    usage = chunk.usage or usage  # in the last chunk, or so far in each
                    for choice in chunk.choices:
                        finish_reason = choice.finish_reason or finish_reason
                        if choice.delta.content:
                            text.append(choice.delta.content)
                            yield choice.delta.content
            yield self._whole("".join(text), model, finish_reason, usage)

    async def close(self) -> None:
        """Close the SDK's connections."""
        await self._client.close()

    def refused(self, response: httpx2.Response, body: object) -> Refusal:
        """Return what an error status means; `body` is the decoded body, or the text of one that is not JSON."""
        return refusal(response, body)

    def _whole(self, text: str, model: str, finish_reason: str | None, usage: CompletionUsage | None) -> Completion:
        reason = self.finish_reasons.get(finish_reason, finish_reason) if finish_reason else None
        if reason == FAILED:
            raise ProviderBadAnswer(f"{self.name} broke down in the middle of its answer.")
        used = Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else Usage(0, 0)
        return whole(text, self.name, model, reason, used, require_end=self._require_end)


def _on_the_wire(messages: Sequence[ContextMessage]) -> list[ChatCompletionMessageParam]:
    wire: list[ChatCompletionMessageParam] = [{"role": "system", "content": SYSTEM_PROMPT}]
    for message in messages:
        if message.role == "user":
            wire.append({"role": "user", "content": message.content})
        else:
            wire.append({"role": "assistant", "content": message.content})
    return wire
