"""Mechanisms that a setting switches off, for the sensitivity test: with them, and without them."""

from pathlib import Path

import pytest

from targets.chat.domain import Usage
from targets.chat.errors import ProviderBadAnswer
from targets.chat.providers.base import whole
from targets.chat.settings import ChatSettings, OpenAISettings
from targets.chat.stores.sqlite import SqliteDatabase
from tests.unit.chat.chat_fakes import FakeProvider, FakeStore, assert_problem, world


@pytest.mark.parametrize(("value", "status"), [("true", 200), ("false", 503)])
async def test_a_turn_without_the_cache_fails_only_where_the_cache_may_not(
    tmp_path: Path, value: str, status: int
) -> None:
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, FakeProvider(), {"CHAT_CACHE_MAY_FAIL": value}) as chat:
        conversation = (await chat.ask("one")).json()["conversation_id"]
        chat.cache.away = True
        answer = await chat.ask("two", conversation_id=conversation)
        assert answer.status_code == status
        if status == 503:
            assert_problem(answer, 503, "database-unavailable")
        assert (await chat.ask("a new one")).status_code == 200  # it has no context to read


def test_an_answer_without_its_end_is_refused_unless_it_may_pass() -> None:
    with pytest.raises(ProviderBadAnswer, match="before it was complete"):
        whole("Half an ans", "openai", "m", None, Usage(1, 1))
    passed = whole("Half an ans", "openai", "m", None, Usage(1, 1), require_end=False)
    assert (passed.text, passed.finish_reason) == ("Half an ans", "unknown")
    with pytest.raises(ProviderBadAnswer, match="empty"):
        whole(" ", "openai", "m", None, Usage(1, 0), require_end=False)


def test_every_mechanism_is_on_unless_it_is_switched_off() -> None:
    assert ChatSettings.from_env({}).cache_may_fail is True
    assert OpenAISettings.from_env({"OPENAI_API_KEY": "k"}).require_end is True
    assert OpenAISettings.from_env({"OPENAI_API_KEY": "k", "PROVIDER_REQUIRE_END": "false"}).require_end is False
