"""Asks the simulator through the two official SDKs, and notes what a program that uses them would see."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from anthropic import AsyncAnthropic
from anthropic import DefaultAsyncHttpxClient as AnthropicHttp
from openai import AsyncOpenAI
from openai import DefaultAsyncHttpxClient as OpenAIHttp

MESSAGES: list[Any] = [{"role": "user", "content": "How are you today, dear provider?"}]
TIMEOUT_S = 20.0  # generous: the machine may be busy


@dataclass
class Heard:
    """What came of one request: the pieces of text, the finish reason, what was raised, how long it took (s)."""

    pieces: list[str]
    finish: str | None = None
    error: Exception | None = None
    first_s: float | None = None
    took_s: float = 0.0

    @property
    def text(self) -> str:
        return "".join(self.pieces)


async def ask(provider: str, wire_url: str, *, stream: bool, timeout_s: float = TIMEOUT_S) -> Heard:
    """One request through the SDK of `provider` ('openai' or 'anthropic')."""
    heard, started_s = Heard([]), time.monotonic()
    caller = _ask_openai if provider == "openai" else _ask_anthropic
    try:
        await caller(wire_url, stream, timeout_s, heard, started_s)
    except Exception as error:  # noqa: BLE001 (whatever the SDK raises is what the tests look at)
        heard.error = error
    heard.took_s = time.monotonic() - started_s
    return heard


def openai_client(wire_url: str, timeout_s: float = TIMEOUT_S) -> AsyncOpenAI:
    http = OpenAIHttp(trust_env=False)
    return AsyncOpenAI(base_url=f"{wire_url}/v1", api_key="any", max_retries=0, timeout=timeout_s, http_client=http)


def anthropic_client(wire_url: str, timeout_s: float = TIMEOUT_S) -> AsyncAnthropic:
    http = AnthropicHttp(trust_env=False)
    return AsyncAnthropic(base_url=wire_url, api_key="any", max_retries=0, timeout=timeout_s, http_client=http)


async def _ask_openai(wire_url: str, stream: bool, timeout_s: float, heard: Heard, started_s: float) -> None:
    async with openai_client(wire_url, timeout_s) as client:
        if not stream:
            answer = await client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
            heard.pieces.append(answer.choices[0].message.content or "")
            heard.finish = answer.choices[0].finish_reason
            return
        async for chunk in await client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True):
            heard.first_s = heard.first_s or time.monotonic() - started_s
            heard.finish = chunk.choices[0].finish_reason or heard.finish
            if chunk.choices[0].delta.content:
                heard.pieces.append(chunk.choices[0].delta.content)


async def _ask_anthropic(wire_url: str, stream: bool, timeout_s: float, heard: Heard, started_s: float) -> None:
    model, tokens = "claude-haiku-4-5", 1000
    async with anthropic_client(wire_url, timeout_s) as client:
        if not stream:
            answer = await client.messages.create(model=model, max_tokens=tokens, messages=MESSAGES)
            heard.pieces += [block.text for block in answer.content if block.type == "text"]
            heard.finish = answer.stop_reason
            return
        async for event in await client.messages.create(model=model, max_tokens=tokens, messages=MESSAGES, stream=True):
            heard.first_s = heard.first_s or time.monotonic() - started_s
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                heard.pieces.append(event.delta.text)
            if event.type == "message_delta":
                heard.finish = event.delta.stop_reason
