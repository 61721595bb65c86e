"""OpenAI: chat completions as they were meant."""

from __future__ import annotations

from targets.chat.providers.chat_completions import ChatCompletions


class OpenAIProvider(ChatCompletions):
    """A Provider that speaks with OpenAI, or with anything on its wire format. Its settings: OpenAISettings."""

    name = "openai"
    newer_limit = True
