"""What a program that uses the official SDKs sees of every kind of fault, plain and streamed."""

from __future__ import annotations

from json import JSONDecodeError

import anthropic
import httpx2
import openai
import pytest

from tests.contract.provider_sim.callers import MESSAGES, anthropic_client, ask, openai_client
from tests.fakes.simulator import Simulator

IMPATIENT_S = 0.4

STATUSES = [  # provider, status, what its SDK raises, error.type
    ("openai", 400, openai.BadRequestError, "invalid_request_error"),
    ("openai", 401, openai.AuthenticationError, "invalid_request_error"),
    ("openai", 429, openai.RateLimitError, "requests"),
    ("openai", 500, openai.InternalServerError, "server_error"),
    ("openai", 503, openai.InternalServerError, "server_error"),
    ("openai", 529, openai.InternalServerError, "server_error"),
    ("anthropic", 400, anthropic.BadRequestError, "invalid_request_error"),
    ("anthropic", 401, anthropic.AuthenticationError, "authentication_error"),
    ("anthropic", 429, anthropic.RateLimitError, "rate_limit_error"),
    ("anthropic", 500, anthropic.InternalServerError, "api_error"),
    ("anthropic", 503, anthropic.InternalServerError, "api_error"),
    ("anthropic", 529, anthropic.InternalServerError, "overloaded_error"),
]


def counts(simulator: Simulator) -> tuple[object, ...]:
    now = simulator.settled_counters()
    return now["requests"], now["affected"], now["completed"], now["aborted"]


@pytest.mark.parametrize(("provider", "status", "expected", "kind"), STATUSES)
async def test_status(
    simulator: Simulator, provider: str, status: int, expected: type[Exception], kind: str, stream: bool
) -> None:
    simulator.set_fault(kind="status", status=status)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert isinstance(heard.error, expected)
    assert isinstance(heard.error, openai.APIStatusError | anthropic.APIStatusError)
    assert heard.error.status_code == status
    assert heard.error.type == kind
    assert heard.error.request_id and heard.error.request_id.startswith("req_")
    assert counts(simulator) == (1, 1, 1, 0)
    assert simulator.counters()["by_kind"] == {"status": 1}


@pytest.mark.parametrize(("setting", "header"), [({}, "1"), ({"retry_after_s": 7}, "7")])
async def test_429_says_when_to_come_back(
    simulator: Simulator, provider: str, setting: dict[str, int], header: str
) -> None:
    simulator.set_fault(kind="status", status=429, **setting)
    error = (await ask(provider, simulator.wire_url, stream=True)).error
    assert isinstance(error, openai.RateLimitError | anthropic.RateLimitError)
    assert error.response.headers["retry-after"] == header


async def test_hang_gives_nothing_until_the_client_leaves(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="hang")
    heard = await ask(provider, simulator.wire_url, stream=stream, timeout_s=IMPATIENT_S)
    assert isinstance(heard.error, openai.APITimeoutError | anthropic.APITimeoutError)
    assert heard.took_s >= IMPATIENT_S
    assert counts(simulator) == (1, 1, 0, 1)


async def test_slow_first_token_is_late_and_then_whole(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="slow_first_token", delay_s=0.5)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert heard.error is None and heard.finish and heard.text
    assert (heard.first_s or heard.took_s) >= 0.5
    assert counts(simulator) == (1, 1, 1, 0)


async def test_slow_tokens_take_their_time_each(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="slow_tokens", token_s=0.03)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert heard.error is None and heard.finish
    assert heard.took_s >= 0.03 * (len(heard.text.split()) - 1)
    if stream:
        assert heard.first_s is not None and heard.first_s < heard.took_s / 2


async def test_slow_tokens_may_begin_late_as_well(simulator: Simulator) -> None:
    simulator.set_fault(kind="slow_tokens", token_s=0.02, delay_s=0.4)
    heard = await ask("openai", simulator.wire_url, stream=True)
    assert heard.first_s is not None and heard.first_s >= 0.4
    assert heard.took_s - heard.first_s >= 0.02 * (len(heard.pieces) - 2)


async def test_stall_gives_some_tokens_and_then_silence(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="stall", after_tokens=3)
    heard = await ask(provider, simulator.wire_url, stream=stream, timeout_s=IMPATIENT_S)
    # Anthropic's SDK lets the error of its HTTP library through in mid-stream.
    assert isinstance(heard.error, openai.APITimeoutError | anthropic.APITimeoutError | httpx2.ReadTimeout)
    assert len(heard.pieces) == (3 if stream else 0)
    assert heard.finish is None
    assert counts(simulator) == (1, 1, 0, 1)


@pytest.mark.parametrize("after_tokens", [0, 3, 100_000])
async def test_cut_drops_the_connection(simulator: Simulator, provider: str, stream: bool, after_tokens: int) -> None:
    simulator.set_fault(kind="cut", after_tokens=after_tokens)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    expected = openai.APIConnectionError | anthropic.APIConnectionError | httpx2.RemoteProtocolError
    assert isinstance(heard.error, expected)
    assert not isinstance(heard.error, openai.APITimeoutError | anthropic.APITimeoutError)
    assert heard.finish is None
    if stream and after_tokens < 100:
        assert len(heard.pieces) == after_tokens
    assert counts(simulator) == (1, 1, 0, 1)


async def test_truncate_raises_nothing_in_either_sdk_but_has_no_finish_reason(
    simulator: Simulator, provider: str, stream: bool
) -> None:
    whole = await ask(provider, simulator.wire_url, stream=stream)
    simulator.control("POST", "reset")
    simulator.set_fault(kind="truncate", after_tokens=4)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert heard.error is None
    assert heard.finish is None
    assert whole.text.startswith(heard.text)
    assert len(heard.text.split()) == 4
    assert counts(simulator) == (1, 1, 1, 0)


async def test_malformed_cannot_be_read(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="malformed", after_tokens=3)
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert isinstance(heard.error, JSONDecodeError)
    assert len(heard.pieces) == (3 if stream else 0)
    assert counts(simulator)[:2] == (1, 1)


async def test_empty_is_well_formed_and_says_nothing(simulator: Simulator, provider: str, stream: bool) -> None:
    simulator.set_fault(kind="empty")
    heard = await ask(provider, simulator.wire_url, stream=stream)
    assert (heard.error, heard.text) == (None, "")
    assert heard.finish in ("stop", "end_turn")
    assert counts(simulator) == (1, 1, 1, 0)


async def test_empty_reports_no_output_tokens(simulator: Simulator) -> None:
    simulator.set_fault(kind="empty")
    async with openai_client(simulator.wire_url) as client:
        chat = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    async with (
        anthropic_client(simulator.wire_url) as claude,
        claude.messages.stream(model="claude-haiku-4-5", max_tokens=9, messages=MESSAGES) as stream,
    ):
        message = await stream.get_final_message()
    assert chat.usage is not None and chat.usage.completion_tokens == 0
    assert (message.content, message.usage.output_tokens) == ([], 0)


async def test_a_fault_meets_only_requests_that_arrive_after_it_and_before_it_is_cleared(
    simulator: Simulator, provider: str
) -> None:
    before = await ask(provider, simulator.wire_url, stream=True)
    simulator.set_fault(kind="status", status=500)
    during = await ask(provider, simulator.wire_url, stream=True)
    assert simulator.control("DELETE", "fault").json() == {}
    after = await ask(provider, simulator.wire_url, stream=True)
    assert before.error is None and after.error is None
    assert during.error is not None
    assert counts(simulator) == (3, 1, 3, 0)
