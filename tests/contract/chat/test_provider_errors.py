"""What the official SDKs make of a provider's failures, and what our API makes of that."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.base import Provider
from targets.chat.providers.gemini import GeminiProvider
from targets.chat.providers.mistral import MistralProvider, MistralSettings
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.settings import AnthropicSettings, GeminiSettings, OpenAISettings
from tests.contract.chat.local_servers import free_port
from tests.contract.chat.scripted_http import Ending, answering, event_stream, response, sse

MESSAGES = [ContextMessage("user", "Hi"), ContextMessage("assistant", "Hello"), ContextMessage("user", "How are you?")]


def openai_plain(content: str | None = "Fine.", finish: str | None = "stop") -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def openai_events(words: tuple[str, ...] = ("Fi", "ne."), finish: str | None = "stop") -> list[str]:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini-2024"}

    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    events = [chunk({"role": "assistant", "content": ""})] + [chunk({"content": word}) for word in words]
    if finish is not None:
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        events += [chunk({}, finish), sse(head | {"choices": [], "usage": usage}), sse("[DONE]")]
    return events


def anthropic_plain(content: str | None = "Fine.", finish: str | None = "end_turn") -> dict[str, Any]:
    return {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-2025",
        "content": [] if content is None else [{"type": "text", "text": content}],
        "stop_reason": finish,
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }


def anthropic_events(words: tuple[str, ...] = ("Fi", "ne."), finish: str | None = "end_turn") -> list[str]:
    def event(kind: str, **data: Any) -> str:
        return sse({"type": kind} | data, kind)

    message = anthropic_plain(None, None) | {"usage": {"input_tokens": 5, "output_tokens": 1}}
    events = [
        event("message_start", message=message),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("ping"),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words),
    ]
    if finish is not None:
        delta = {"stop_reason": finish, "stop_sequence": None}
        events += [
            event("content_block_stop", index=0),
            event("message_delta", delta=delta, usage={"output_tokens": 2}),
            event("message_stop"),
        ]
    return events


MAKERS: dict[str, Callable[[dict[str, str]], Provider]] = {
    "openai": lambda env: OpenAIProvider(OpenAISettings.from_env(env)),
    "anthropic": lambda env: AnthropicProvider(AnthropicSettings.from_env(env)),
    "gemini": lambda env: GeminiProvider(GeminiSettings.from_env(env)),
    "mistral": lambda env: MistralProvider(MistralSettings.from_env(env)),
}


class Dialect:
    """One provider's client and wire format."""

    def __init__(self, name: str) -> None:
        self.name = name
        theirs = name == "anthropic"
        self.plain = anthropic_plain if theirs else openai_plain
        self.events = anthropic_events if theirs else openai_events
        self.finish = "end_turn" if theirs else "stop"
        self.model = "claude-haiku-4-5-2025" if theirs else "gpt-4o-mini-2024"

    def _make(self, url: str, read_s: str) -> Provider:
        prefix = self.name.upper()
        base = url if self.name == "anthropic" else f"{url}/v1"
        env = {f"{prefix}_BASE_URL": base, f"{prefix}_API_KEY": "key"}
        return MAKERS[self.name](env | {"PROVIDER_READ_S": read_s, "PROVIDER_DEADLINE_S": read_s})

    @asynccontextmanager
    async def client(self, url: str, read_s: float = 10) -> AsyncIterator[Provider]:
        provider = self._make(url, str(read_s))
        try:
            yield provider
        finally:
            await provider.close()


@pytest.fixture(params=list(MAKERS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return Dialect(request.param)


async def streamed(provider: Provider) -> list[str | Completion]:
    async with aclosing(provider.stream(MESSAGES)) as pieces:
        return [piece async for piece in pieces]


async def failure(
    dialect: Dialect, payload: bytes, *, stream: bool, ending: Ending = "close", read_s: float = 10
) -> ProviderError:
    async with answering(payload, ending) as url, dialect.client(url, read_s) as provider:
        with pytest.raises(ProviderError) as caught:
            await (streamed(provider) if stream else provider.complete(MESSAGES))
    return caught.value


async def test_a_plain_answer(dialect: Dialect) -> None:
    async with answering(response(json.dumps(dialect.plain()))) as url, dialect.client(url) as provider:
        answer = await provider.complete(MESSAGES)
    assert answer == Completion("Fine.", dialect.name, dialect.model, "stop", Usage(5, 2))


async def test_a_streamed_answer(dialect: Dialect) -> None:
    async with answering(event_stream(dialect.events())) as url, dialect.client(url) as provider:
        pieces = await streamed(provider)
    assert pieces == ["Fi", "ne.", Completion("Fine.", dialect.name, dialect.model, "stop", Usage(5, 2))]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    ("status", "kind", "http"),
    [
        (400, ProviderBadAnswer, 502),
        (401, ProviderBadAnswer, 502),
        (404, ProviderBadAnswer, 502),
        (429, ProviderUnavailable, 503),
        (500, ProviderBadAnswer, 502),
        (503, ProviderUnavailable, 503),
        (529, ProviderUnavailable, 503),
    ],
)
async def test_a_status(dialect: Dialect, status: int, kind: type[ProviderError], http: int, stream: bool) -> None:
    payload = response('{"error": {"message": "the key sk-secret is no good"}}', status, retry_after="7")
    error = await failure(dialect, payload, stream=stream)
    assert type(error) is kind
    assert error.status == http
    assert error.retry_after_s == error.leave_alone_s == (7 if http == 503 else None)
    assert "secret" not in str(error)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_nobody_there(dialect: Dialect, stream: bool) -> None:
    async with dialect.client(f"http://127.0.0.1:{free_port()}") as provider:
        with pytest.raises(ProviderUnavailable) as caught:
            await (streamed(provider) if stream else provider.complete(MESSAGES))
    assert caught.value.retry_after_s


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_silence(dialect: Dialect, stream: bool) -> None:
    error = await failure(dialect, b"", stream=stream, ending="hang", read_s=0.2)
    assert isinstance(error, ProviderTimeout)


async def test_silence_in_mid_stream(dialect: Dialect) -> None:
    payload = event_stream(dialect.events(finish=None), ended=False)
    assert isinstance(await failure(dialect, payload, stream=True, ending="hang", read_s=0.2), ProviderTimeout)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
async def test_hanging_up_without_a_word(dialect: Dialect, stream: bool) -> None:
    assert isinstance(await failure(dialect, b"", stream=stream), ProviderBadAnswer)


async def test_hanging_up_in_mid_stream(dialect: Dialect) -> None:
    payload = event_stream(dialect.events(finish=None), ended=False)
    assert isinstance(await failure(dialect, payload, stream=True), ProviderBadAnswer)


async def test_hanging_up_in_mid_body(dialect: Dialect) -> None:
    payload = response(json.dumps(dialect.plain()))[:-20]
    assert isinstance(await failure(dialect, payload, stream=False), ProviderBadAnswer)


async def test_a_stream_that_ends_without_its_finish_reason(dialect: Dialect) -> None:
    error = await failure(dialect, event_stream(dialect.events(finish=None)), stream=True)
    assert isinstance(error, ProviderBadAnswer)


async def test_a_plain_answer_without_its_finish_reason(dialect: Dialect) -> None:
    payload = response(json.dumps(dialect.plain(finish=None)))
    assert isinstance(await failure(dialect, payload, stream=False), ProviderBadAnswer)


async def test_an_anthropic_stream_that_ends_without_message_stop() -> None:
    payload = event_stream(anthropic_events()[:-1])
    assert isinstance(await failure(Dialect("anthropic"), payload, stream=True), ProviderBadAnswer)


@pytest.mark.parametrize("content", ["", " \n", None])
async def test_an_empty_plain_answer(dialect: Dialect, content: str | None) -> None:
    payload = response(json.dumps(dialect.plain(content)))
    assert isinstance(await failure(dialect, payload, stream=False), ProviderBadAnswer)


async def test_an_empty_stream(dialect: Dialect) -> None:
    payload = event_stream(dialect.events(words=()))
    assert isinstance(await failure(dialect, payload, stream=True), ProviderBadAnswer)


async def test_a_chunk_that_is_not_json(dialect: Dialect) -> None:
    broken = sse("{not json", "content_block_delta" if dialect.name == "anthropic" else None)
    events = dialect.events()
    error = await failure(dialect, event_stream([*events[:3], broken, *events[3:]]), stream=True)
    assert isinstance(error, ProviderBadAnswer)


async def test_an_error_inside_a_stream(dialect: Dialect) -> None:
    broken = sse({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "error")
    error = await failure(dialect, event_stream([*dialect.events()[:3], broken]), stream=True)
    assert isinstance(error, ProviderBadAnswer)


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "{", ""])
async def test_a_body_that_is_not_json(dialect: Dialect, body: str, kind: str) -> None:
    error = await failure(dialect, response(body, kind=kind), stream=False)
    assert isinstance(error, ProviderBadAnswer)


@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", '"text"', '{"choices": null, "content": null}', '{"choices": []}']
)
async def test_json_that_is_no_answer(dialect: Dialect, body: str) -> None:
    assert isinstance(await failure(dialect, response(body), stream=False), ProviderBadAnswer)


async def test_chunks_that_are_no_answer(dialect: Dialect) -> None:
    odd = {"choices": [{"delta": None}], "type": "message_start", "message": None}
    payload = event_stream([sse(odd, "message_start" if dialect.name == "anthropic" else None)])
    assert isinstance(await failure(dialect, payload, stream=True), ProviderBadAnswer)


async def test_an_answer_cut_by_its_token_limit_is_an_answer(dialect: Dialect) -> None:
    limit = {"anthropic": "max_tokens", "mistral": "model_length"}.get(dialect.name, "length")
    payload = response(json.dumps(dialect.plain(finish=limit)))
    async with answering(payload) as url, dialect.client(url) as provider:
        assert (await provider.complete(MESSAGES)).finish_reason == "length"
