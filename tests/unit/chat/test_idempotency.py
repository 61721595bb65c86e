"""A repeated request with the same Idempotency-Key is answered once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeProvider, FakeStore, World, assert_problem, events, world


@pytest.mark.parametrize("stream", [False, True])
async def test_the_same_request_gets_the_same_answer(chat: World, stream: bool) -> None:
    first = await chat.ask(key="k", stream=stream)
    again = await chat.ask(key="k", stream=stream)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    if stream:
        assert events(again.text)[0] == events(first.text)[0]
        assert events(again.text)[-1] == events(first.text)[-1]
        assert "".join(data["text"] for name, data in events(again.text) if name == "delta") == "Fine, thanks."
    else:
        assert again.json() == first.json()
    assert len(chat.provider.asked) == 1
    assert await chat.stored() == 2


async def test_another_body_with_the_same_key(chat: World) -> None:
    await chat.ask("one", key="k")
    assert_problem(await chat.ask("two", key="k"), 422, "idempotency-key-reused")
    assert await chat.stored() == 2


async def test_white_space_round_the_message_is_no_other_body(chat: World) -> None:
    await chat.ask("one", key="k")
    assert (await chat.ask(" one ", key="k")).headers["idempotent-replayed"] == "true"


async def test_the_same_key_while_it_is_in_progress(chat: World) -> None:
    chat.provider.hold = asyncio.Event()
    first = asyncio.create_task(chat.ask(key="k"))
    await chat.provider.speaking.wait()
    again = await chat.ask(key="k")
    assert_problem(again, 409, "idempotency-key-in-progress")
    assert again.headers["retry-after"] == "1"
    chat.provider.hold.set()
    assert (await first).status_code == 200


async def test_a_key_of_a_process_that_died_is_taken_over_when_its_lease_ends(tmp_path: Path) -> None:
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    store.away = frozenset({"commit", "release"})  # it dies between the provider's answer and the commit
    async with world(store, FakeProvider(), {"CHAT_LEASE_S": "3600"}) as dying:
        assert (await dying.ask(key="long")).status_code == 503
    store.away = frozenset()
    async with world(FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3")), FakeProvider()) as later:
        assert_problem(await later.ask(key="long"), 409, "idempotency-key-in-progress")

    store.away = frozenset({"commit", "release"})
    async with world(store, FakeProvider(), {"CHAT_LEASE_S": "0.000001"}) as dying:
        assert (await dying.ask(key="short")).status_code == 503
    async with world(FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3")), FakeProvider()) as later:
        assert (await later.ask(key="short")).status_code == 200
        assert await later.stored() == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "white space", "ação", "\x7f"])
async def test_a_key_that_is_none(chat: World, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1")), (b"content-type", b"application/json")]
    response = await chat.client.post("/v1/chat", content=b'{"message": "Hi"}', headers=headers)
    assert_problem(response, 422, "invalid-request")
    assert chat.provider.asked == []


async def test_the_longest_key(chat: World) -> None:
    assert (await chat.ask(key="x" * 200)).status_code == 200
