"""From a question to a durable answer, and what is left behind when something fails on the way."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable
from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeProvider, FakeStore, World, assert_problem, events, world

FAILURES: list[tuple[ProviderError, int, str]] = [
    (ProviderUnavailable("away", retry_after_s=5), 503, "provider-unavailable"),
    (ProviderTimeout("silent"), 504, "provider-timeout"),
    (ProviderBadAnswer("truncated"), 502, "provider-bad-answer"),
]


async def test_a_reply_has_all_the_contract_promises_and_is_stored(chat: World) -> None:
    response = await chat.ask("  How are you?  ")
    assert response.status_code == 200
    reply = response.json()
    ids = [str(UUID(reply.pop(name))) for name in ("conversation_id", "user_message_id", "message_id")]
    assert reply == {
        "reply": "Fine, thanks.",
        "provider": "openai",
        "model": "gpt-4o-mini",
        "finish_reason": "stop",
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    conversation = (await chat.client.get(f"/v1/chat/{ids[0]}")).json()
    assert conversation["conversation_id"] == ids[0]
    user, assistant = conversation["messages"]
    assert (user["id"], user["role"], user["content"]) == (ids[1], "user", "How are you?")
    assert (user["provider"], user["model"]) == (None, None)
    assert (assistant["id"], assistant["role"], assistant["content"]) == (ids[2], "assistant", "Fine, thanks.")
    assert (assistant["provider"], assistant["model"]) == ("openai", "gpt-4o-mini")
    assert datetime.fromisoformat(user["created_at"]) <= datetime.fromisoformat(assistant["created_at"])


async def test_a_stream_starts_speaks_and_ends_with_the_stored_answer(chat: World) -> None:
    response = await chat.ask(stream=True)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    (start, ids), *deltas, (done, reply) = events(response.text)
    assert (start, done) == ("start", "done")
    assert {name for name, _ in deltas} == {"delta"}
    assert "".join(data["text"] for _, data in deltas) == reply["reply"] == "Fine, thanks."
    assert {key: reply[key] for key in ids} == ids
    assert set(ids) == {"conversation_id", "user_message_id", "message_id"}
    assert await chat.contents(ids["conversation_id"]) == ["How are you?", "Fine, thanks."]
    assert await chat.metric('chat_streams_total{outcome="done"}') == 1


async def test_nothing_is_said_to_be_done_before_it_is_stored(chat: World) -> None:
    chat.store.away = frozenset({"commit"})
    names = [name for name, _ in events((await chat.ask(stream=True)).text)]
    assert names == ["start", "delta", "delta", "error"]
    assert_problem(await chat.ask(), 503, "database-unavailable")
    assert await chat.stored() == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_dead_store_is_noticed_before_the_provider_is_paid(chat: World, stream: bool) -> None:
    chat.store.away = frozenset({"begin"})
    response = await chat.ask(stream=stream)
    assert_problem(response, 503, "database-unavailable")
    assert response.headers["retry-after"] == "2"
    assert chat.provider.asked == []


@pytest.mark.parametrize(("error", "status", "kind"), FAILURES)
async def test_a_provider_failure_is_a_problem_and_leaves_nothing(
    chat: World, error: ProviderError, status: int, kind: str
) -> None:
    chat.provider.error = error
    for stream in (False, True):
        response = await chat.ask(stream=stream, key="k" + str(stream))
        assert_problem(response, status, kind)
        assert response.headers.get("retry-after") == ("5" if status == 503 else None)
    assert await chat.stored() == 0

    chat.provider.error = None  # the key was given back: the same request may be tried again at once
    for stream in (False, True):
        assert (await chat.ask(stream=stream, key="k" + str(stream))).status_code == 200


@pytest.mark.parametrize(("error", "status", "kind"), FAILURES)
async def test_a_failure_after_the_first_words_is_an_error_event(
    chat: World, error: ProviderError, status: int, kind: str
) -> None:
    chat.provider.error, chat.provider.fails_after = error, 1
    response = await chat.ask(stream=True)
    assert response.status_code == 200
    (_, _), (_, delta), (name, problem) = events(response.text)
    assert (delta["text"], name) == ("Fine, ", "error")
    assert (problem["status"], problem["type"]) == (status, f"urn:chat:problem:{kind}")
    assert await chat.stored() == 0
    assert await chat.metric('chat_streams_total{outcome="error"}') == 1


async def test_a_stream_without_a_completion_is_a_failure(chat: World) -> None:
    chat.provider.words = ()
    chat.provider.error = ProviderBadAnswer("empty")
    assert_problem(await chat.ask(stream=True), 502, "provider-bad-answer")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_provider_that_never_ends_is_left_at_the_deadline(tmp_path: Path, stream: bool) -> None:
    provider = FakeProvider(hold=asyncio.Event())
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, provider, {"PROVIDER_DEADLINE_S": "0.05"}) as chat:
        assert_problem(await chat.ask(stream=stream), 504, "provider-timeout")
        assert await chat.stored() == 0
        assert await chat.metric('chat_provider_calls_total{outcome="timeout"') == 1
    assert provider.stopped == 1


async def test_an_error_that_nobody_foresaw_says_nothing_about_the_inside(chat: World) -> None:
    chat.provider.error = RuntimeError("password=hunter2")
    response = await chat.ask()
    assert_problem(response, 500, "internal")
    assert "hunter2" not in response.text
    assert response.headers["x-request-id"]

    chat.provider.fails_after = 1
    response = await chat.ask(stream=True)
    assert events(response.text)[-1][1]["status"] == 500
    assert "hunter2" not in response.text


async def test_the_provider_is_told_the_recent_conversation(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    for number in range(2, 15):
        assert (await chat.ask(f"turn {number}", conversation_id=conversation)).status_code == 200
    told = chat.provider.asked[-1]
    assert len(told) == 20 + 1
    assert [message.role for message in told] == ["user", "assistant"] * 10 + ["user"]
    assert (told[0].content, told[-1].content) == ("turn 4", "turn 14")


async def test_context_comes_from_the_cache_or_else_from_the_store(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    chat.store.away = frozenset({"context"})
    assert (await chat.ask("two", conversation_id=conversation)).status_code == 200
    chat.store.away = frozenset()

    chat.cache.away = True
    assert (await chat.ask("three", conversation_id=conversation)).status_code == 200
    from_the_store = chat.provider.asked[-1]
    assert [m.content for m in from_the_store] == ["one", "Fine, thanks.", "two", "Fine, thanks.", "three"]
    assert await chat.metric('chat_cache_operations_total{operation="get",outcome="hit"}') == 1
    assert await chat.metric('chat_cache_operations_total{operation="get",outcome="error"}') == 1


async def test_a_cache_that_missed_a_turn_is_not_believed(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    chat.cache.away = True
    await chat.ask("two", conversation_id=conversation)
    chat.cache.away = False
    await chat.ask("three", conversation_id=conversation)
    assert [m.content for m in chat.provider.asked[-1]][::2] == ["one", "two", "three"]
    assert await chat.metric('chat_cache_operations_total{operation="get",outcome="stale"}') == 1


async def test_turns_at_the_same_time_do_not_spoil_the_cached_context(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    answers = await asyncio.gather(*(chat.ask(f"same time {n}", conversation_id=conversation) for n in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    stored = await chat.contents(conversation)
    await chat.ask("last", conversation_id=conversation)
    assert [m.content for m in chat.provider.asked[-1]] == [*stored, "last"]


async def test_a_turn_that_was_overtaken_leaves_the_cached_context_alone(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    slow_word = chat.provider.hold = asyncio.Event()
    slow = asyncio.create_task(chat.ask("slow", conversation_id=conversation))
    await chat.provider.speaking.wait()
    chat.provider.hold = None
    await chat.ask("quick", conversation_id=conversation)
    slow_word.set()
    assert (await slow).status_code == 200

    # What the slow turn knows lacks the quick one: it would be a wrong context at any position.
    cached = await chat.cache.get(UUID(conversation))
    assert cached is not None
    assert [m.content for m in cached.messages][::2] == ["one", "quick"]
    assert (await chat.contents(conversation))[::2] == ["one", "quick", "slow"]


async def test_both_dependencies_of_the_context_away_is_a_problem(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    chat.cache.away, chat.store.away = True, frozenset({"context"})
    assert_problem(await chat.ask("two", conversation_id=conversation), 503, "database-unavailable")


async def test_an_unknown_conversation(chat: World) -> None:
    assert_problem(await chat.ask(conversation_id=str(uuid4())), 404, "conversation-unknown")
    assert_problem(await chat.ask(conversation_id=str(uuid4()), stream=True), 404, "conversation-unknown")
    assert_problem(await chat.client.get(f"/v1/chat/{uuid4()}"), 404, "conversation-unknown")
    assert chat.provider.asked == []


async def test_reading_while_the_store_is_away(chat: World) -> None:
    conversation = (await chat.ask("one")).json()["conversation_id"]
    chat.store.away = frozenset({"conversation"})
    assert_problem(await chat.client.get(f"/v1/chat/{conversation}"), 503, "database-unavailable")
