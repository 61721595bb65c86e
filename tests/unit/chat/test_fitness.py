"""Whether a process is fit: its own mistakes count, what others did does not, and it forgets."""

from __future__ import annotations

import pytest

from targets.chat.broken import compose
from targets.chat.errors import ProviderUnavailable, SettingsError
from targets.chat.fitness import LEAST, MOST, WINDOW_S, Fitness
from targets.chat.service import Parts
from tests.unit.chat.chat_fakes import World, events


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def after(*statuses: int) -> Fitness:
    fitness = Fitness(Clock())
    for status in statuses:
        fitness.answered(status)
    return fitness


@pytest.mark.parametrize(
    ("statuses", "failing"),
    [
        ([], False),
        ([500] * (LEAST - 1), False),
        ([500] * LEAST, True),
        ([200, 200, 500, 500, 500], True),
        ([200, 200, 200, 500, 500, 500], False),  # half of them is not more than half
        ([500] * 4 + [503] * 9, False),  # of what counts there are four
        ([500] * 5 + [429] * 9 + [404] * 9, True),  # clients do not make up for it
        ([502, 503, 504] * 5, False),
        ([200] * MOST + [500] * MOST, True),  # the last ones are what counts
    ],
)
def test_mistakes_are_counted_and_nothing_else(statuses: list[int], failing: bool) -> None:
    assert after(*statuses).failing() is failing


def test_a_mistake_in_mid_stream_counts_whatever_the_status_was() -> None:
    fitness = Fitness(Clock())
    for _ in range(LEAST):
        fitness.answered(200, mistake=True)
    assert fitness.failing()


def test_what_is_long_ago_is_forgotten() -> None:
    clock = Clock()
    fitness = Fitness(clock)
    for _ in range(LEAST):
        fitness.answered(500)
    clock.now += WINDOW_S
    assert fitness.failing()
    clock.now += 0.1
    assert not fitness.failing()


async def healthy(chat: World) -> tuple[int, str]:
    response = await chat.client.get("/v1/healthy")
    return response.status_code, response.json()["status"]


async def ready(chat: World) -> tuple[int, str]:
    response = await chat.client.get("/v1/ready")
    return response.status_code, response.json()["status"]


async def test_one_that_was_never_ready_is_starting_and_afterwards_the_store_does_not_matter(chat: World) -> None:
    chat.store.away = frozenset({"ping"})
    assert await healthy(chat) == (503, "starting")
    chat.store.away = frozenset()
    assert await healthy(chat) == (200, "healthy")
    chat.store.away = frozenset({"ping", "begin"})
    for _ in range(LEAST):
        assert (await chat.ask()).status_code == 503
    assert await healthy(chat) == (200, "healthy")
    assert (await ready(chat))[0] == 503


async def test_one_that_fails_at_most_of_what_it_is_asked_says_so(chat: World) -> None:
    assert await healthy(chat) == (200, "healthy")
    chat.provider.error = ProviderUnavailable("away")
    for _ in range(LEAST):
        await chat.ask()
    assert (await healthy(chat), await ready(chat)) == ((200, "healthy"), (200, "ready"))
    chat.provider.error = KeyError("a mistake of ours")
    for _ in range(LEAST):
        assert (await chat.ask()).status_code == 500
    assert (await healthy(chat), await ready(chat)) == ((503, "failing"), (503, "failing"))


async def test_streams_that_break_by_a_mistake_count_too(chat: World) -> None:
    chat.provider.error, chat.provider.fails_after = KeyError("a mistake of ours"), 1
    assert await healthy(chat) == (200, "healthy")
    for _ in range(LEAST):
        response = await chat.ask(stream=True)
        assert (response.status_code, events(response.text)[-1][0]) == (200, "error")
    assert await healthy(chat) == (503, "failing")


async def test_streams_that_a_dependency_breaks_do_not(chat: World) -> None:
    chat.provider.error, chat.provider.fails_after = ProviderUnavailable("away"), 1
    for _ in range(LEAST):
        await chat.ask(stream=True)
    assert await healthy(chat) == (200, "healthy")


async def test_the_bad_version_is_ready_and_fails_every_chat(chat: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "targets.chat.development.development_parts", lambda _: Parts(chat.store, chat.cache, chat.provider)
    )
    good = (await chat.ask()).json()["conversation_id"]
    chat.app.state.service.parts = compose({"BROKEN_APP": "targets.chat.development:development_parts"})
    assert await ready(chat) == (200, "ready")
    assert await chat.contents(good) == ["How are you?", "Fine, thanks."]
    for number in range(LEAST + 2):
        assert (await chat.ask(stream=bool(number % 2))).status_code == 500
    assert await ready(chat) == (503, "failing")


def test_it_must_be_told_whom_to_break() -> None:
    with pytest.raises(SettingsError, match="BROKEN_APP"):
        compose({})
