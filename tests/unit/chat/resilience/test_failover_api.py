"""Fail-over seen from the API: one stored answer, who gave it, what a client is told, and readiness by name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from targets.chat.errors import ProviderUnavailable
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import ResilienceSettings
from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeProvider, FakeStore, World, assert_problem, events, world
from tests.unit.chat.resilience.scripted import answered, cut_off, unreachable

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


class Pair:
    """Two fake providers behind a fail-over, in an app."""

    def __init__(self, path: Path, **env: str) -> None:
        self.openai, self.anthropic = FakeProvider(), FakeProvider(name="anthropic", words=("Very ", "well."))
        settings = ResilienceSettings.from_env(env)
        self.failover = FailoverProvider((self.openai, self.anthropic), settings)
        self.store = FakeStore(SqliteDatabase(path / "chat.sqlite3"))
        self.running = world(self.store, self.failover, env)  # type: ignore[arg-type]


async def reply(chat: World, *, stream: bool, key: str | None = None) -> dict[str, object]:
    response = await chat.ask(stream=stream, key=key)
    assert response.status_code == 200, response.text
    return dict(events(response.text)[-1][1] if stream else response.json())


@both
async def test_one_answer_is_stored_and_says_who_gave_it(tmp_path: Path, stream: bool) -> None:
    pair = Pair(tmp_path)
    pair.openai.error = cut_off()
    async with pair.running as chat:
        answer = await reply(chat, stream=stream, key="k")
        assert (answer["reply"], answer["provider"]) == ("Very well.", "anthropic")
        assert await chat.contents(str(answer["conversation_id"])) == ["How are you?", "Very well."]
        assert await chat.stored() == 2
        assert (await reply(chat, stream=stream, key="k"))["message_id"] == answer["message_id"]
        assert await chat.stored() == 2
        assert (len(pair.openai.asked), len(pair.anthropic.asked)) == (1, 1)


@both
async def test_an_answer_that_comes_too_late_is_not_a_second_one(tmp_path: Path, stream: bool) -> None:
    pair = Pair(tmp_path, PROVIDER_ATTEMPT_S="0.05", PROVIDER_FIRST_TOKEN_S="0.05")
    pair.openai.hold = asyncio.Event()
    async with pair.running as chat:
        answer = await reply(chat, stream=stream)
        pair.openai.hold.set()  # now it would speak
        await asyncio.sleep(0)
        assert answer["provider"] == "anthropic"
        assert await chat.contents(str(answer["conversation_id"])) == ["How are you?", "Very well."]
        assert await chat.stored() == 2
        assert pair.openai.stopped == 1


async def test_clients_that_repeat_themselves_during_a_failover_get_one_answer(tmp_path: Path) -> None:
    pair = Pair(tmp_path, PROVIDER_ATTEMPT_S="0.05")
    pair.openai.hold = asyncio.Event()
    async with pair.running as chat:
        statuses = [one.status_code for one in await asyncio.gather(*[chat.ask(key="k") for _ in range(5)])]
        assert statuses.count(200) >= 1 and set(statuses) <= {200, 409}
        assert await chat.stored() == 2
        assert len(pair.anthropic.asked) == 1


async def test_a_stream_that_dies_after_its_first_words_stores_nothing(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.openai.error, pair.openai.fails_after = cut_off(), 1
    async with pair.running as chat:
        names = [name for name, _ in events((await chat.ask(stream=True)).text)]
        assert names == ["start", "delta", "error"]
        assert await chat.stored() == 0
        assert pair.anthropic.asked == []


async def test_a_stream_that_falls_silent_is_booked_with_its_provider(tmp_path: Path) -> None:
    pair = Pair(tmp_path, PROVIDER_DEADLINE_S="0.4", PROVIDER_ATTEMPT_S="0.1", PROVIDER_FIRST_TOKEN_S="0.1")
    pair.openai.hold, pair.openai.holds_after = asyncio.Event(), 1
    async with pair.running as chat:
        *_, (name, problem) = events((await chat.ask(stream=True)).text)
        assert (name, problem["status"]) == ("error", 504)
        assert await chat.metric('chat_provider_attempts_total{outcome="timeout",provider="openai"}') == 1


@both
async def test_both_away_is_a_503_that_says_when_to_come_back(tmp_path: Path, stream: bool) -> None:
    pair = Pair(tmp_path)
    pair.openai.error, pair.anthropic.error = unreachable(), ProviderUnavailable("anthropic is away.", retry_after_s=9)
    async with pair.running as chat:
        for _ in range(6):  # the sixth finds both breakers open
            response = await chat.ask(stream=stream)
            body = assert_problem(response, 503, "provider-unavailable")
            assert response.headers["retry-after"] == "5"
            assert "openai" in body["detail"] and "anthropic" in body["detail"]
        assert (len(pair.openai.asked), len(pair.anthropic.asked)) == (5, 5)
        assert await chat.stored() == 0


async def test_readiness_names_each_provider_and_needs_none(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.openai.error = answered(503)
    async with pair.running as chat:
        for _ in range(6):
            await chat.ask()
        response = await chat.client.get("/v1/ready")
        assert response.status_code == 200
        dependencies = response.json()["dependencies"]
        assert set(dependencies) == {"database", "cache", "provider", "openai", "anthropic"}
        openai = {"ok": False, "required": False, "recent_calls": 5, "recent_failures": 5, "breaker": "open"}
        assert dependencies["openai"] == openai
        anthropic = {"ok": True, "required": False, "recent_calls": 6, "recent_failures": 0, "breaker": "closed"}
        assert dependencies["anthropic"] == anthropic
        assert dependencies["provider"]["ok"] is True


async def test_the_metrics_of_the_app_have_it_all(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.openai.error = answered(503)
    async with pair.running as chat:
        assert await chat.metric('chat_provider_breaker_state{provider="openai",state="closed"}') == 1
        for _ in range(6):
            await chat.ask()
        assert await chat.metric('chat_provider_attempts_total{outcome="overloaded",provider="openai"}') == 5
        assert await chat.metric('chat_provider_attempts_total{outcome="ok",provider="anthropic"}') == 6
        assert await chat.metric('chat_provider_failovers_total{from_provider="openai",reason="overloaded"') == 5
        assert await chat.metric('chat_provider_failovers_total{from_provider="openai",reason="open"') == 1
        assert await chat.metric('chat_provider_breaker_state{provider="openai",state="open"}') == 1
        assert await chat.metric('chat_provider_breaker_transitions_total{provider="openai",state="open"}') == 1
        assert await chat.metric('chat_provider_calls_total{outcome="ok",provider="failover"}') == 6


async def test_a_refused_key_alarms_people(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    import logging

    pair = Pair(tmp_path)
    pair.openai.error = answered(401)
    async with pair.running as chat:
        logger = logging.getLogger("chat")
        logger.addHandler(caplog.handler)
        try:
            assert (await reply(chat, stream=False))["provider"] == "anthropic"
        finally:
            logger.removeHandler(caplog.handler)
    (alarm,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(alarm)["provider"] == "openai"
    assert vars(alarm)["upstream_status"] == 401
