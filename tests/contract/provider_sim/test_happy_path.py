"""Both official SDKs get whole, typed answers from the simulator, plain and streamed."""

from __future__ import annotations

import anthropic
import openai
import pytest

from tests.contract.provider_sim.callers import MESSAGES, anthropic_client, ask, openai_client
from tests.fakes.simulator import FAST, Simulator, running_simulator

STOP = {"openai": "stop", "anthropic": "end_turn"}


async def test_an_answer_is_the_same_plain_or_streamed_and_again_after_a_reset(
    simulator: Simulator, provider: str
) -> None:
    first = [await ask(provider, simulator.wire_url, stream=False) for _ in range(2)]
    simulator.control("POST", "reset")
    again = [await ask(provider, simulator.wire_url, stream=True) for _ in range(2)]
    assert [h.error for h in first + again] == [None] * 4
    assert [h.finish for h in first + again] == [STOP[provider]] * 4
    assert [h.text for h in first] == [h.text for h in again]
    assert first[0].text != first[1].text
    assert all(h.text.strip() for h in first)
    assert len(again[0].pieces) > 3


async def test_another_seed_gives_other_answers(simulator: Simulator) -> None:
    here = await ask("openai", simulator.wire_url, stream=False)
    with running_simulator(settings=type(FAST)(**{**vars(FAST), "seed": 2})) as other:
        there = await ask("openai", other.wire_url, stream=False)
    assert here.text and there.text and here.text != there.text


async def test_openai_plain_answer_has_every_field_of_the_real_one(simulator: Simulator) -> None:
    async with openai_client(simulator.wire_url) as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    # Strict parsing: the SDK itself is lenient and would let a wrong type pass.
    openai.types.chat.ChatCompletion.model_validate(answer.model_dump(), strict=True)
    assert answer.id.startswith("chatcmpl-")
    assert answer.object == "chat.completion"
    assert answer.model == "gpt-4o"
    assert answer.choices[0].message.role == "assistant"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens == len((answer.choices[0].message.content or "").split())
    assert answer._request_id is not None and answer._request_id.startswith("req_")


async def test_openai_stream_is_framed_as_the_real_one(simulator: Simulator) -> None:
    async with openai_client(simulator.wire_url) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    for chunk in chunks:
        openai.types.chat.ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True)
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == len(chunks) - 3


async def test_openai_stream_has_no_usage_unless_it_is_asked_for(simulator: Simulator) -> None:
    async with openai_client(simulator.wire_url) as client:
        stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        chunks = [chunk async for chunk in stream]
    assert len(chunks) > 3
    assert all(chunk.choices and "usage" not in chunk.model_fields_set for chunk in chunks)


async def test_anthropic_plain_answer_has_every_field_of_the_real_one(simulator: Simulator) -> None:
    async with anthropic_client(simulator.wire_url) as client:
        answer = await client.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=MESSAGES)
    anthropic.types.Message.model_validate(answer.model_dump(), strict=True)
    assert answer.id.startswith("msg_")
    assert (answer.type, answer.role, answer.model) == ("message", "assistant", "claude-sonnet-4-5")
    assert [block.type for block in answer.content] == ["text"]
    assert answer.usage.input_tokens > 0
    assert answer._request_id is not None and answer._request_id.startswith("req_")


async def test_anthropic_stream_is_framed_as_the_real_one(simulator: Simulator) -> None:
    async with anthropic_client(simulator.wire_url) as client:
        raw = await client.messages.create(
            model="claude-sonnet-4-5", max_tokens=1000, messages=MESSAGES, stream=True, system="Be kind."
        )
        kinds = [event.type async for event in raw]
        async with client.messages.stream(model="claude-sonnet-4-5", max_tokens=1000, messages=MESSAGES) as stream:
            message = await stream.get_final_message()
    deltas = kinds.count("content_block_delta")
    assert kinds == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * deltas,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert message.stop_reason == "end_turn"
    block = message.content[0]
    assert block.type == "text"
    assert message.usage.output_tokens == len(block.text.split())


async def test_max_tokens_shortens_the_answer_and_says_so(simulator: Simulator) -> None:
    async with openai_client(simulator.wire_url) as client:
        chat = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, max_completion_tokens=2)
    async with anthropic_client(simulator.wire_url) as claude:
        message = await claude.messages.create(model="claude-sonnet-4-5", max_tokens=2, messages=MESSAGES)
    assert chat.choices[0].finish_reason == "length"
    assert chat.usage is not None and chat.usage.completion_tokens == 2
    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 2)


async def test_models_are_listed_in_both_formats(simulator: Simulator) -> None:
    async with openai_client(simulator.wire_url) as client:
        assert "gpt-4o-mini" in [model.id async for model in client.models.list()]
    async with anthropic_client(simulator.wire_url) as claude:
        assert "claude-haiku-4-5" in [model.id async for model in claude.models.list()]
    assert simulator.counters()["requests"] == 0


async def test_a_request_without_messages_is_refused_in_the_providers_words_and_not_counted(
    simulator: Simulator,
) -> None:
    async with openai_client(simulator.wire_url) as client:
        with pytest.raises(openai.BadRequestError, match="messages") as refused:
            await client.chat.completions.create(model="gpt-4o", messages=[])
    assert refused.value.type == "invalid_request_error"
    async with anthropic_client(simulator.wire_url) as claude:
        with pytest.raises(anthropic.BadRequestError, match="max_tokens") as refused_too:
            await claude.messages.create(model="claude-sonnet-4-5", max_tokens=0, messages=MESSAGES)
    assert refused_too.value.type == "invalid_request_error"
    assert simulator.counters()["requests"] == 0
