"""What Gemini and Mistral do differently from OpenAI, on the wire and in our hands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderUnavailable
from targets.chat.providers.base import Provider
from targets.chat.providers.gemini import GeminiProvider
from targets.chat.providers.mistral import MistralProvider, MistralSettings
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.policy import REFUSED, REJECTED, rule_for
from targets.chat.settings import GeminiSettings, OpenAISettings
from tests.contract.chat.local_servers import free_port
from tests.contract.chat.scripted_http import answering, event_stream, response, sse
from tests.fakes.simulator import running_simulator

MESSAGES = [ContextMessage("user", "How are you?")]
both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def gemini(url: str) -> Provider:
    return GeminiProvider(GeminiSettings.from_env({"GEMINI_BASE_URL": url, "GEMINI_API_KEY": "key"}))


def mistral(url: str) -> Provider:
    return MistralProvider(MistralSettings.from_env({"MISTRAL_BASE_URL": url, "MISTRAL_API_KEY": "key"}))


def openai(url: str) -> Provider:
    return OpenAIProvider(OpenAISettings.from_env({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "key"}))


async def ask(provider: Provider, *, stream: bool) -> tuple[list[str], Completion]:
    try:
        if not stream:
            return [], await provider.complete(MESSAGES)
        async with aclosing(provider.stream(MESSAGES)) as pieces:
            *words, completion = [piece async for piece in pieces]
    finally:
        await provider.close()
    assert isinstance(completion, Completion)
    return [word for word in words if isinstance(word, str)], completion


async def refused(body: Any, status: int, *, stream: bool) -> ProviderError:
    async with answering(response(json.dumps(body), status)) as url:
        with pytest.raises(ProviderError) as caught:
            await ask(gemini(url), stream=stream)
    return caught.value


def google(status: int, word: str, **detail: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": "sk-secret", "status": word, "details": [{"@type": "x"}, detail]}}


@both
@pytest.mark.parametrize("bare", [False, True], ids=["list", "object"])
@pytest.mark.parametrize(("delay", "wait_s"), [("34.4s", 35), ("2s", 2), ("0s", 0)])
async def test_gemini_says_in_the_body_how_long_to_wait(delay: str, wait_s: int, bare: bool, stream: bool) -> None:
    body = google(429, "RESOURCE_EXHAUSTED", retryDelay=delay)
    error = await refused(body if bare else [body], 429, stream=stream)
    assert isinstance(error, ProviderUnavailable)
    assert (error.upstream_status, error.leave_alone_s, error.retry_after_s) == (429, wait_s, wait_s)
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    "body",
    [
        [google(429, "RESOURCE_EXHAUSTED", retryDelay="soon")],
        [google(429, "RESOURCE_EXHAUSTED")],
        [{"error": {"code": 429, "details": "none"}}],
        [{"error": "no object"}],
        [429],
        [],
        {},
        "no json",
        None,
    ],
    ids=str,
)
async def test_a_body_that_does_not_say_it_is_read_without_complaint(body: Any) -> None:
    error = await refused(body, 429, stream=False)
    assert isinstance(error, ProviderUnavailable)
    assert (error.leave_alone_s, error.retry_after_s) == (None, 5)


@both
async def test_a_wrong_key_at_gemini_is_no_wrong_request(stream: bool) -> None:
    wrong_key = await refused([google(400, "INVALID_ARGUMENT", reason="API_KEY_INVALID")], 400, stream=stream)
    assert (wrong_key.upstream_status, rule_for(wrong_key)) == (401, REFUSED)
    no_billing = await refused([google(400, "FAILED_PRECONDITION")], 400, stream=stream)
    assert (no_billing.upstream_status, rule_for(no_billing)) == (403, REFUSED)
    wrong_request = await refused([google(400, "INVALID_ARGUMENT")], 400, stream=stream)
    assert rule_for(wrong_request) == REJECTED


async def test_an_error_of_googles_inside_a_stream(stream: bool = True) -> None:
    for data in ([google(503, "UNAVAILABLE")], google(503, "UNAVAILABLE")):
        async with answering(event_stream([chunk({"content": "Fi"}), sse(data)])) as url:
            with pytest.raises(ProviderBadAnswer):
                await ask(gemini(url), stream=stream)


def chunk(delta: dict[str, str], finish: str | None = None, tokens: int = 0) -> str:
    usage = {"prompt_tokens": 5, "completion_tokens": tokens, "total_tokens": 5 + tokens}
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "some-model"}
    return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage})


async def test_the_last_words_with_the_finish_reason_and_usage_in_every_chunk() -> None:
    told = [chunk({"role": "assistant", "content": "Fi"}, None, 1), chunk({"content": "ne."}, "stop", 2), sse("[DONE]")]
    async with answering(event_stream(told)) as url:
        words, completion = await ask(gemini(url), stream=True)
    assert words == ["Fi", "ne."]
    assert completion == Completion("Fine.", "gemini", "some-model", "stop", Usage(5, 2))


@both
async def test_mistral_says_itself_that_it_broke_down(stream: bool) -> None:
    told = event_stream([chunk({"content": "Fi"}), chunk({"content": ""}, "error")])
    choice = {"index": 0, "finish_reason": "error", "message": {"role": "assistant", "content": "Fi"}}
    whole = response(json.dumps({"id": "x", "object": "chat.completion", "created": 1, "choices": [choice]}))
    async with answering(told if stream else whole) as url:
        with pytest.raises(ProviderBadAnswer, match="mistral broke down"):
            await ask(mistral(url), stream=stream)


@both
@pytest.mark.parametrize(
    ("make", "sent", "never"),
    [
        (openai, {"max_completion_tokens"}, {"max_tokens"}),
        (gemini, {"max_tokens"}, {"max_completion_tokens"}),
        (mistral, {"max_tokens"}, {"max_completion_tokens", "stream_options"}),
    ],
)
async def test_what_is_asked_for_in_whose_words(
    make: Callable[[str], Provider], sent: set[str], never: set[str], stream: bool
) -> None:
    port, heard = free_port(), bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        heard.extend(await reader.readexactly(int(length.split(b":")[1])))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", port):
        with pytest.raises(ProviderBadAnswer):
            await ask(make(f"http://127.0.0.1:{port}"), stream=stream)
    body = json.loads(heard)
    assert sent <= set(body) and not never & set(body)
    assert ("stream_options" in body) is (stream and make is not mistral)


@both
async def test_gemini_answers_from_the_simulator_at_its_own_path(stream: bool) -> None:
    with running_simulator() as simulator:
        url = f"{simulator.wire_url}/v1beta/openai/"
        words, completion = await ask(gemini(url), stream=stream)
        assert (completion.provider, completion.finish_reason) == ("gemini", "stop")
        assert completion.usage.output_tokens == len(completion.text.split()) > 3
        assert completion.usage.input_tokens > 0
        assert not stream or "".join(words) == completion.text

        simulator.set_fault(kind="status", status=429, retry_after_s=7)
        with pytest.raises(ProviderUnavailable) as caught:
            await ask(gemini(url), stream=stream)
        assert (caught.value.leave_alone_s, caught.value.upstream_status) == (7, 429)
        assert simulator.counters()["affected"] == 1
