"""Which gateway carries an operation out, told by fake clients; and what the documents of a key's history mean."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pymongo.errors import AutoReconnect

from targets.chat.domain import Completion, Question, Turn, Usage
from targets.chat.errors import SettingsError, StoreUnavailable
from targets.chat.settings import DocumentSettings
from targets.chat.stores import documents
from targets.chat.stores.gateways import Gateways

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))


class Client:
    """A gateway: 'up', 'down', 'silent' altogether, or 'waiting' for its database (it still says hello)."""

    def __init__(self, name: str, behaviour: str, asked: list[str]) -> None:
        self.name, self.behaviour, self.asked = name, behaviour, asked
        self.admin = self
        self.closed = False
        self.wakes = asyncio.Event()

    def get_database(self, name: str, write_concern: object) -> Client:
        return self

    async def command(self, name: str) -> None:
        """Hello, which needs no database."""
        if self.behaviour == "silent":
            await asyncio.Event().wait()

    async def operate(self) -> str:
        self.asked.append(self.name)
        if self.behaviour == "down":
            raise AutoReconnect(f"{self.name} is down")
        if self.behaviour != "up":
            await self.wakes.wait()
        return self.name

    async def close(self) -> None:
        self.closed = True


class Bench:
    def __init__(self, bounds: str = "0.01", operation_s: str = "60", **behaviours: str) -> None:
        self.asked: list[str] = []
        self.clients = {name: Client(name, how, self.asked) for name, how in behaviours.items()}
        names = ",".join(f"{name}:1" for name in behaviours)
        env = {"MONGODB_GATEWAYS": names, "MONGODB_CONNECT_S": bounds, "MONGODB_OPERATION_S": operation_s}
        connect: Any = lambda address, settings: self.clients[address[0]]  # noqa: E731
        self.gateways = Gateways(DocumentSettings.from_env(env), connect)
        self.gateways.open()

    async def ask(self) -> str:
        operation: Callable[[Any], Awaitable[str]] = lambda client: client.operate()  # noqa: E731
        return await self.gateways.carry_out(operation)


async def test_the_first_gateway_is_used_and_no_other_is_asked() -> None:
    bench = Bench(a="up", b="up")
    assert [await bench.ask() for _ in range(3)] == ["a"] * 3
    assert bench.asked == ["a"] * 3


async def test_after_a_refusal_the_next_is_used_at_once_and_from_then_on() -> None:
    bench = Bench(bounds="60", a="down", b="up")
    assert [await bench.ask() for _ in range(3)] == ["b"] * 3
    assert bench.asked == ["a", "b", "b", "b"]
    bench.clients["b"].behaviour, bench.clients["a"].behaviour = "down", "up"
    assert await bench.ask() == "a"


async def test_a_silent_gateway_is_left_for_the_next() -> None:
    bench = Bench(a="silent", b="up")
    assert [await bench.ask() for _ in range(2)] == ["b"] * 2
    assert bench.asked == ["a", "b", "b"]


async def test_a_gateway_that_waits_for_its_database_is_waited_for() -> None:
    bench = Bench(bounds="0.001", a="waiting", b="up")
    asking = asyncio.create_task(bench.ask())
    done, _ = await asyncio.wait([asking], timeout=0.1)  # a hundred times the patience with one that says nothing
    assert not done
    bench.clients["a"].wakes.set()
    assert await asking == "a"
    assert bench.asked == ["a"]


async def test_the_bound_of_an_operation_holds_at_each_gateway() -> None:
    bench = Bench(bounds="60", operation_s="0.01", a="waiting", b="up")
    assert await bench.ask() == "b"


async def test_when_all_fail_the_store_is_unavailable() -> None:
    bench = Bench(a="down", b="down", c="down")
    with pytest.raises(StoreUnavailable) as caught:
        await bench.ask()
    assert bench.asked == ["a", "b", "c"]
    assert "a is down; b is down; c is down" in str(caught.value.__cause__)
    assert "down" not in str(caught.value), "what is said inside stays inside"


async def test_another_exception_is_nobodys_failure() -> None:
    bench = Bench(a="up", b="up")

    async def collides(_: Any) -> None:
        raise ValueError("a mistake of ours")

    with pytest.raises(ValueError, match="a mistake"):
        await bench.gateways.carry_out(collides)


async def test_what_is_not_open_is_unavailable_and_closing_closes_all() -> None:
    bench = Bench(a="up", b="up")
    await bench.gateways.close()
    assert all(client.closed for client in bench.clients.values())
    with pytest.raises(StoreUnavailable):
        await bench.ask()


@pytest.mark.parametrize("value", ["documents-a", "a:1,b", "a:99999"])
def test_gateways_have_ports(value: str) -> None:
    with pytest.raises(SettingsError, match="MONGODB_GATEWAYS"):
        DocumentSettings.from_env({"MONGODB_GATEWAYS": value})


def turn_of(question: Question, position: int = 0) -> Turn:
    return Turn(question, question.conversation_id or uuid4(), uuid4(), uuid4(), uuid4(), position, NOW)


def test_the_last_entry_of_a_history_is_the_one_that_none_follows() -> None:
    question = Question("Hello?", key="k")
    dead, heir = turn_of(question), turn_of(question)
    first = documents.reservation(question, dead.owner, NOW, 60)
    second = documents.reservation(question, heir.owner, NOW, 60, after=str(first["_id"]))
    third = documents.turn_at(0, heir, ANSWER, NOW)
    assert documents.last_entry([], "k") is None
    assert documents.last_entry([third, second], "k") is None, "a history without its beginning is none"
    assert documents.last_entry([second, first], "k") == second
    assert documents.last_entry([third, first, second], "k") == third


def test_a_turn_its_release_and_its_heir_want_the_same_slot() -> None:
    question = Question("Hello?", key="k")
    turn = turn_of(question)
    mine = documents.reservation(question, turn.owner, NOW, 60)
    entries = [
        documents.turn_at(0, turn, ANSWER, NOW),
        documents.release("k", turn.owner),
        documents.reservation(question, uuid4(), NOW, 60, after=str(mine["_id"])),
    ]
    assert len({entry["slot"] for entry in entries}) == 1
    assert len({entry["_id"] for entry in entries}) == 3
    assert all(documents.history("k") in entry["of"] for entry in (mine, *entries))


def test_turns_without_a_key_have_slots_of_their_own() -> None:
    question = Question("Hello?")
    turns = [documents.turn_at(n, turn_of(question), ANSWER, NOW) for n in range(2)]
    assert turns[0]["slot"] != turns[1]["slot"]
    assert len(turns[0]["of"]) == 1


def test_a_stored_turn_says_what_was_answered() -> None:
    turn = turn_of(Question("Hello?", key="k"), position=2)
    document = documents.turn_at(1, turn, ANSWER, NOW)
    assert documents.position_after(document) == 4
    answer = documents.answer_of(document)
    assert (answer.message_id, answer.completion, answer.replayed) == (turn.message_id, ANSWER, True)
    user, assistant = documents.messages_of(document)
    assert (user.id, user.content, user.provider) == (turn.user_message_id, "Hello?", None)
    assert (assistant.id, assistant.content, assistant.model) == (turn.message_id, "An answer.", "gpt-4o-mini")


def test_the_stretches_of_a_conversation_follow_one_another() -> None:
    conversation = uuid4()
    names = [documents.stretch(conversation, number) for number in range(2 * documents.STRETCH)]
    assert len(set(names[: documents.STRETCH])) == len(set(names[documents.STRETCH :])) == 1
    assert names[0] != names[-1]
