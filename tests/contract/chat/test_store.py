"""What every store promises: on SQLite, on a real PostgreSQL, and in documents through a real FerretDB."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from targets.chat.domain import Answer, Completion, ContextMessage, Question, Turn, Usage
from targets.chat.errors import ConversationUnknown, KeyInProgress, KeyReused
from targets.chat.stores.base import Store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LEASE_S = 60.0
ANSWER = Completion("An answer.", "openai", "gpt-4o-mini", "stop", Usage(7, 3))


async def begin(store: Store, question: Question, now: datetime = NOW) -> Turn:
    turn = await store.begin(question, now, LEASE_S)
    assert isinstance(turn, Turn)
    return turn


async def test_a_turn_is_stored_whole_and_in_order(store: Store) -> None:
    first = await begin(store, Question("Olá! 🚀 ?"))
    assert await store.commit(first, ANSWER, NOW + timedelta(seconds=1)) == 2
    second = await begin(store, Question("And then?", first.conversation_id))
    assert second.position == 2
    assert await store.commit(second, ANSWER, NOW + timedelta(seconds=2)) == 4

    conversation = await store.conversation(first.conversation_id)
    assert [m.id for m in conversation.messages] == [
        first.user_message_id,
        first.message_id,
        second.user_message_id,
        second.message_id,
    ]
    assert [m.role for m in conversation.messages] == ["user", "assistant"] * 2
    assert conversation.messages[0].content == "Olá! 🚀 ?"
    assert conversation.messages[0].created_at == NOW
    assert conversation.messages[1].created_at == NOW + timedelta(seconds=1)
    assert (conversation.messages[0].provider, conversation.messages[1].model) == (None, "gpt-4o-mini")


async def test_a_turn_that_was_only_begun_leaves_nothing(store: Store) -> None:
    turn = await begin(store, Question("Hello?"))
    with pytest.raises(ConversationUnknown):
        await store.conversation(turn.conversation_id)


async def test_an_unknown_conversation_is_refused_and_its_key_stays_free(store: Store) -> None:
    with pytest.raises(ConversationUnknown):
        await store.begin(Question("Hello?", uuid4(), key="k"), NOW, LEASE_S)
    assert (await begin(store, Question("Hello?", key="k"))).question.key == "k"


async def test_context_is_the_last_messages_oldest_first(store: Store) -> None:
    turn = await begin(store, Question("one"))
    await store.commit(turn, ANSWER, NOW)
    turn = await begin(store, Question("two", turn.conversation_id))
    await store.commit(turn, ANSWER, NOW)
    turn = await begin(store, Question("three", turn.conversation_id))

    context = await store.context(turn, limit=3)
    assert context.position == 4
    assert context.messages == (
        ContextMessage("assistant", "An answer."),
        ContextMessage("user", "two"),
        ContextMessage("assistant", "An answer."),
    )


async def test_an_answered_key_gives_the_same_answer_again(store: Store) -> None:
    question = Question("Hello?", key="k")
    turn = await begin(store, question)
    await store.commit(turn, ANSWER, NOW)

    again = await store.begin(question, NOW + timedelta(days=300), LEASE_S)
    assert again == Answer(turn.conversation_id, turn.user_message_id, turn.message_id, ANSWER, replayed=True)


async def test_a_key_belongs_to_one_body(store: Store) -> None:
    turn = await begin(store, Question("Hello?", key="k"))
    with pytest.raises(KeyReused):
        await store.begin(Question("Bye.", key="k"), NOW, LEASE_S)
    await store.commit(turn, ANSWER, NOW)
    with pytest.raises(KeyReused):
        await store.begin(Question("Hello?", key="k", stream=True), NOW, LEASE_S)


async def test_a_reserved_key_is_in_progress_until_its_lease_ends(store: Store) -> None:
    question = Question("Hello?", key="k")
    dead = await begin(store, question)
    with pytest.raises(KeyInProgress):
        await store.begin(question, NOW + timedelta(seconds=LEASE_S - 1), LEASE_S)

    heir = await begin(store, question, NOW + timedelta(seconds=LEASE_S + 1))
    with pytest.raises(KeyInProgress):  # back from the dead, it may not store its turn any more
        await store.commit(dead, ANSWER, NOW + timedelta(seconds=LEASE_S + 2))
    with pytest.raises(ConversationUnknown):
        await store.conversation(dead.conversation_id)

    await store.commit(heir, ANSWER, NOW + timedelta(seconds=LEASE_S + 2))
    assert len((await store.conversation(heir.conversation_id)).messages) == 2


async def test_a_released_key_is_free_at_once_but_an_answered_one_stays(store: Store) -> None:
    question = Question("Hello?", key="k")
    await store.release(await begin(store, question))
    turn = await begin(store, question)
    await store.commit(turn, ANSWER, NOW)
    await store.release(turn)
    assert isinstance(await store.begin(question, NOW, LEASE_S), Answer)


async def test_only_the_owner_releases_a_key(store: Store) -> None:
    question = Question("Hello?", key="k")
    dead = await begin(store, question)
    await begin(store, question, NOW + timedelta(seconds=LEASE_S + 1))
    await store.release(dead)
    with pytest.raises(KeyInProgress):
        await store.begin(question, NOW + timedelta(seconds=LEASE_S + 2), LEASE_S)


async def test_of_many_requests_with_one_key_one_begins(store: Store) -> None:
    question = Question("Hello?", key="k")
    results = await asyncio.gather(*(store.begin(question, NOW, LEASE_S) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Turn) for result in results) == 1
    assert sum(isinstance(result, KeyInProgress) for result in results) == 19


async def test_concurrent_turns_of_one_conversation_keep_a_strict_order(store: Store) -> None:
    first = await begin(store, Question("one"))
    await store.commit(first, ANSWER, NOW)
    turns = await asyncio.gather(*(begin(store, Question(f"turn {n}", first.conversation_id)) for n in range(10)))
    positions = await asyncio.gather(*(store.commit(turn, ANSWER, NOW) for turn in turns))

    assert sorted(positions) == list(range(4, 24, 2))
    messages = (await store.conversation(first.conversation_id)).messages
    assert [m.role for m in messages] == ["user", "assistant"] * 11
    for turn, position in zip(turns, positions, strict=True):
        assert messages[position - 2].id == turn.user_message_id
        assert messages[position - 1].id == turn.message_id


async def test_a_turn_whose_key_is_gone_leaves_nothing(store: Store) -> None:
    turn = await begin(store, Question("Hello?", key="k"))
    await store.release(turn)
    with pytest.raises(KeyInProgress):
        await store.commit(turn, ANSWER, NOW)
    with pytest.raises(ConversationUnknown):
        await store.conversation(turn.conversation_id)


async def test_of_many_that_take_a_dead_requests_key_over_one_does(store: Store) -> None:
    question = Question("Hello?", key="k")
    await begin(store, question)
    later = NOW + timedelta(seconds=LEASE_S + 1)
    results = await asyncio.gather(*(store.begin(question, later, LEASE_S) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, Turn) for result in results) == 1
    assert sum(isinstance(result, KeyInProgress) for result in results) == 9


async def test_a_turn_and_the_one_who_takes_its_key_over_at_the_same_moment_are_not_both_stored(store: Store) -> None:
    later = NOW + timedelta(seconds=LEASE_S + 1)
    for n in range(10):
        question = Question("Hello?", key=f"k{n}")
        slow = await begin(store, question)
        stored, taken = await asyncio.gather(
            store.commit(slow, ANSWER, later), store.begin(question, later, LEASE_S), return_exceptions=True
        )
        if isinstance(taken, Turn):
            assert isinstance(stored, KeyInProgress)
            await store.commit(taken, ANSWER, later)
        else:
            assert stored == 2
            assert isinstance(taken, Answer)
            assert taken.message_id == slow.message_id
        answer = await store.begin(question, later, LEASE_S)
        assert isinstance(answer, Answer)
        assert len((await store.conversation(answer.conversation_id)).messages) == 2


async def test_a_long_conversation_is_whole_and_its_end_is_its_context(store: Store) -> None:
    turn = await begin(store, Question("turn 0"))
    await store.commit(turn, ANSWER, NOW)
    for n in range(1, 70):
        turn = await begin(store, Question(f"turn {n}", turn.conversation_id))
        assert await store.commit(turn, ANSWER, NOW) == 2 * n + 2
    messages = (await store.conversation(turn.conversation_id)).messages
    assert [m.content for m in messages[::2]] == [f"turn {n}" for n in range(70)]
    turn = await begin(store, Question("the last", turn.conversation_id))
    context = await store.context(turn, limit=20)
    assert [m.content for m in context.messages[::2]] == [f"turn {n}" for n in range(60, 70)]
