"""Settings come from the environment; a mistake names its variable and never shows a secret."""

from __future__ import annotations

import importlib
import sys

import pytest

from targets.chat.api import create_app
from targets.chat.errors import SettingsError
from targets.chat.settings import (
    ChatSettings,
    LimitSettings,
    OpenAISettings,
    PostgresSettings,
    RedisSettings,
    SentinelSettings,
    ServeSettings,
)


def test_the_defaults_of_v1() -> None:
    postgres, redis = PostgresSettings.from_env({}), RedisSettings.from_env({})
    openai = OpenAISettings.from_env({"OPENAI_API_KEY": "key"})
    assert (postgres.connect_s, postgres.pool_wait_s, postgres.transaction_s) == (2, 2, 4)
    assert 0.25 <= redis.timeout_s <= 0.5
    assert (openai.connect_s, openai.deadline_s) == (3, 30)
    chat = ChatSettings.from_env({})
    assert chat.mode == "production"
    # A reservation outlasts the longest request: two waits, three transactions and the provider.
    slowest = 3 * (postgres.pool_wait_s + postgres.transaction_s) + chat.provider_deadline_s
    assert chat.lease_s > slowest


def test_v1_has_none_of_what_v2_adds() -> None:
    assert PostgresSettings.from_env({}).repeat_s == 0
    assert LimitSettings.from_env({}).per_s == 0
    assert ServeSettings.from_env({}).drain_s == 0


def test_sentinels_are_hosts_with_ports() -> None:
    settings = SentinelSettings.from_env({"REDIS_SENTINELS": "a:26379, b:26380"})
    assert settings.sentinels == (("a", 26379), ("b", 26380))
    assert settings.primary == "chat"


@pytest.mark.parametrize("value", ["", "a", "a:", ":1", "a:1,", "a:b", "a:70000"])
def test_sentinels_that_are_not_are_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_SENTINELS"):
        SentinelSettings.from_env({"REDIS_SENTINELS": value})


def test_an_empty_variable_is_an_unset_one() -> None:
    assert OpenAISettings.from_env({"OPENAI_API_KEY": "key", "OPENAI_MODEL": ""}).model == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"OPENAI_API_KEY": "sk-secret", "PROVIDER_READ_S": "soon"}, "PROVIDER_READ_S"),
        ({"OPENAI_API_KEY": "sk-secret", "PROVIDER_DEADLINE_S": "-1"}, "PROVIDER_DEADLINE_S"),
        ({}, "OPENAI_API_KEY"),
    ],
)
def test_a_mistake_names_its_variable(env: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        OpenAISettings.from_env(env)
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    env = {"OPENAI_API_KEY": "sk-secret", "DATABASE_URL": "postgresql://chat:secret@db/chat"}
    assert "secret" not in repr(OpenAISettings.from_env(env)) + repr(PostgresSettings.from_env(env))


def test_nothing_happens_at_import_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_MODE", "no such mode")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    sys.modules.pop("targets.v1.app", None)
    assert importlib.import_module("targets.v1.app").app.title.startswith("Chat API v1")


async def test_a_mistake_stops_the_start(tmp_path: object) -> None:
    from targets.v1.app import compose

    app = create_app("v1", compose, {"CHAT_MODE": "no such mode"})
    with pytest.raises(SettingsError, match="CHAT_MODE"):
        async with app.router.lifespan_context(app):
            pass
