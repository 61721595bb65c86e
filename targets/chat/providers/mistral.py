"""Mistral (https://docs.mistral.ai/api): chat completions, of a stricter kind.

It answers 422 to parameters that it does not know, such as `max_completion_tokens` (vectorize-io/hindsight#852), so it
gets none that it can do without: usage comes with the last chunk of a stream unasked. Its finish reason 'model_length'
is a full context, and 'error' a failure.
"""

from __future__ import annotations

from types import MappingProxyType

from pydantic import Field, SecretStr

from targets.chat.providers.chat_completions import ChatCompletions
from targets.chat.settings import ServiceSettings


class MistralSettings(ServiceSettings):
    """How to reach Mistral, or the simulator that speaks like it."""

    base_url: str = Field("https://api.mistral.ai/v1", alias="MISTRAL_BASE_URL")
    api_key: SecretStr = Field(alias="MISTRAL_API_KEY")
    model: str = Field("mistral-small-latest", alias="MISTRAL_MODEL")


class MistralProvider(ChatCompletions):
    """A Provider that speaks with Mistral, or with the simulator. Its settings: MistralSettings."""

    name = "mistral"
    asks_for_usage = False
    finish_reasons = MappingProxyType({"model_length": "length"})
