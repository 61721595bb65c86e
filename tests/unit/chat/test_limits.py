"""Limits per client: who a client is, what it is told, and what is never limited."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from targets.chat.limits.middleware import client_of
from targets.chat.limits.redis import token_buckets, verdict
from targets.chat.settings import LimitSettings
from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeLimiter, FakeProvider, FakeStore, World, assert_problem, world


@pytest.fixture
def limiter() -> FakeLimiter:
    return FakeLimiter(burst=2)


@pytest.fixture
async def limited(tmp_path: Path, limiter: FakeLimiter) -> AsyncIterator[World]:
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, FakeProvider(), limiter=limiter) as running:
        yield running


async def test_over_its_limit_a_client_gets_a_problem_and_nothing_is_done(limited: World) -> None:
    answers = [await limited.ask() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_problem(answers[2], 429, "rate-limited")
    assert answers[2].headers["retry-after"] == "3"
    assert answers[2].headers["cache-control"] == "no-store"
    assert answers[2].headers["x-request-id"]
    fields = [[answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset")] for answer in answers]
    assert fields == [["2", "1", "7"], ["2", "0", "7"], ["2", "0", "3"]]
    assert len(limited.provider.asked) == 2
    assert await limited.metric('chat_rate_limit_decisions_total{outcome="limited"}') == 1
    assert await limited.metric('chat_rate_limit_decisions_total{outcome="allowed"}') == 2
    assert await limited.metric('chat_http_requests_total{method="POST",route="/v1/chat",status="429"}') == 1


async def test_reads_count_too_and_others_do_not_pay(limited: World) -> None:
    conversation = (await limited.ask()).json()["conversation_id"]
    statuses = [(await limited.client.get(f"/v1/chat/{conversation}")).status_code for _ in range(2)]
    assert statuses == [200, 429]
    other = await limited.client.get(f"/v1/chat/{conversation}", headers={"X-Client-Id": "other"})
    assert other.status_code == 200
    route = 'method="GET",route="/v1/chat/{conversation_id}",status="429"'
    assert await limited.metric(f"chat_http_requests_total{{{route}}}") == 1


@pytest.mark.parametrize("path", ["/v1/health", "/v1/ready", "/metrics", "/docs", "/openapi.json"])
async def test_operation_is_never_limited(limited: World, limiter: FakeLimiter, path: str) -> None:
    for _ in range(5):
        assert (await limited.client.get(path)).status_code == 200
    assert limiter.asked == []


async def test_when_nobody_can_tell_everything_passes(limited: World, limiter: FakeLimiter) -> None:
    limiter.away = True
    answers = [await limited.ask() for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit-limit" not in answers[0].headers
    assert await limited.metric('chat_rate_limit_decisions_total{outcome="unknown"}') == 5


async def test_streams_are_limited_before_they_begin(limited: World) -> None:
    answers = [await limited.ask(stream=True) for _ in range(3)]
    assert answers[1].headers["ratelimit-remaining"] == "0"
    assert_problem(answers[2], 429, "rate-limited")


async def test_without_a_limiter_nothing_changes(chat: World) -> None:
    answer = await chat.ask()
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


@pytest.mark.parametrize(
    ("headers", "proxies", "client"),
    [
        ({}, 2, "ip:9.9.9.9"),
        ({"x-client-id": "key-1", "x-forwarded-for": "1.1.1.1"}, 2, "id:key-1"),
        ({"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, 0, "ip:9.9.9.9"),
        ({"x-forwarded-for": "1.1.1.1, 2.2.2.2"}, 1, "ip:2.2.2.2"),
        ({"x-forwarded-for": "6.6.6.6, 1.1.1.1, 2.2.2.2"}, 2, "ip:1.1.1.1"),  # 6.6.6.6 is what the client claims
        ({"x-forwarded-for": "1.1.1.1"}, 2, "ip:1.1.1.1"),
    ],
)
def test_who_a_client_is(headers: dict[str, str], proxies: int, client: str) -> None:
    assert client_of(_scope(headers), proxies) == client


def test_a_strange_id_is_hashed() -> None:
    keys = {client_of(_scope({"x-client-id": given}), 0) for given in ("x" * 65, "x" * 66, "a b", "a:b")}
    assert len(keys) == 4
    assert all(len(key) <= 67 for key in keys)
    assert not any(" " in key for key in keys)


def _scope(headers: dict[str, str]) -> dict[str, Any]:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "headers": raw, "client": ("9.9.9.9", 1234)}


@pytest.mark.parametrize(
    ("tokens", "remaining", "retry_after_s", "full_after_s"),
    [(0.2, 0, 1, 3), (9.5, 9, 0, 1), (1, 1, 0, 3), (10, 10, 0, 0)],
)
def test_what_tokens_mean(tokens: float, remaining: int, retry_after_s: int, full_after_s: int) -> None:
    settings = LimitSettings.from_env({"RATE_LIMIT_PER_S": "4", "RATE_LIMIT_BURST": "10"})
    judged = verdict(True, tokens, settings)
    assert (judged.remaining, judged.retry_after_s, judged.full_after_s) == (remaining, retry_after_s, full_after_s)


def test_there_is_no_limit_unless_one_is_set() -> None:
    nowhere: Any = None
    assert token_buckets(LimitSettings.from_env({}), nowhere) is None
    assert token_buckets(LimitSettings.from_env({"RATE_LIMIT_PER_S": "0.5"}), nowhere) is not None
