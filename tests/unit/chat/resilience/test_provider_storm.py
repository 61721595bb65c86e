"""Partial outages in virtual time: how many questions providers get for one of a user's, in the settings of v3."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from targets.chat.errors import ProviderUnavailable
from tests.unit.chat.resilience.scripted import FIRST_S, GOOD, REST_S, Play, Scripted, Stand, Told, answered, fails
from tests.unit.chat.resilience.virtual_time import now, run

V3 = {
    "PROVIDER_ORDER": "health",
    "PROVIDER_ATTEMPT_S": "2.8",
    "PROVIDER_FIRST_TOKEN_S": "1.8",
    "PROVIDER_FAILOVER_RATIO": "0.5",
}
PER_S = 5.0  # what one process of many gets
WHOLE_S = FIRST_S + REST_S
SLOW = Play(first_s=4.4)


def too_many(stay_away_s: float | None = None) -> Play:
    error = ProviderUnavailable("busy", retry_after_s=2, upstream_status=429, leave_alone_s=stay_away_s)
    return fails(error)


class Lucky(Scripted):
    """Fails a share of its calls, drawn by a seed."""

    def __init__(self, name: str, share: float, play: Play, good: Play = GOOD) -> None:
        super().__init__(name)
        self._luck = random.Random(name)
        self._draw: Callable[[], Play] = lambda: play if self._luck.random() < share else good

    def stream(self, messages):  # type: ignore[no-untyped-def, override]
        self.plays = [self._draw()]
        return super().stream(messages)


async def load(stand: Stand, seconds: float, per_s: float = PER_S) -> list[Told]:
    """Ask at a constant rate, whole answers and streams in turn."""
    asking = []
    for number in range(round(seconds * per_s)):
        asking.append(asyncio.create_task(stand.ask(stream=number % 2 == 0)))
        await asyncio.sleep(1 / per_s)
    return list(await asyncio.gather(*asking))


def attempts_since(stand: Stand, moment: float) -> int:
    return sum(at >= moment for provider in stand.providers for at in provider.asked_at)  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [0.6, 1.0])
@pytest.mark.parametrize("stay_away_s", [None, 2.0])
def test_429_from_the_first_and_a_slow_second(share: float, stay_away_s: float | None) -> None:
    async def main() -> None:
        first, second = Lucky("openai", share, too_many(stay_away_s)), Scripted("anthropic", [SLOW])
        stand = Stand(first, second, Scripted("gemini"), **V3)
        reacting = await load(stand, 10)
        assert all(told.error is None for told in reacting)
        assert max(told.took_s for told in reacting) <= 2.8 + WHOLE_S + 0.01, "one wait for the slow one, no more"
        began = now()
        told = await load(stand, 60)
        assert all(one.error is None for one in told)
        assert attempts_since(stand, began) <= 1.1 * len(told)
        took = sorted(one.took_s for one in told)
        assert took[int(0.9 * len(took))] == pytest.approx(WHOLE_S)
        assert stand.metric("chat_provider_failovers_denied_total") == 0

    run(main)


@pytest.mark.parametrize(("order", "least", "most"), [("configured", 1.3, 1.5), ("health", 1.0, 1.1)])
def test_what_order_by_health_is_for(order: str, least: float, most: float) -> None:
    """A provider that fails four calls in ten seldom opens its breaker: as configured, every question pays for it."""

    async def main() -> None:
        first = Lucky("openai", 0.4, too_many())
        stand = Stand(first, Scripted("anthropic"), Scripted("gemini"), **{**V3, "PROVIDER_ORDER": order})
        await load(stand, 10)
        began = now()
        told = await load(stand, 60)
        assert least * len(told) <= attempts_since(stand, began) <= most * len(told)

    run(main)


@pytest.mark.parametrize("ratio", ["0.5", "2"])
def test_a_partial_outage_of_all_is_what_the_budget_is_for(ratio: str) -> None:
    async def main() -> None:
        bad = fails(answered(500), after_s=0.1)
        providers = [Lucky(name, 0.7, bad) for name in ("openai", "anthropic", "gemini")]
        env = {**V3, "PROVIDER_FAILOVER_RATIO": ratio, "CHAT_BREAKER": "false", "PROVIDER_RETRY_BURST": "0"}
        stand = Stand(*providers, **env)
        await load(stand, 20, per_s=20)
        began = now()
        told = await load(stand, 60, per_s=20)
        per_request = attempts_since(stand, began) / len(told)
        denied = stand.metric("chat_provider_failovers_denied_total")
        if ratio == "2":
            assert per_request > 2, "two more for each: nothing is denied, and this is the storm"
            assert denied == 0
        else:
            assert per_request <= 1.5 + 0.01
            assert denied > 0

    run(main)


def test_two_that_fall_silent_at_once_are_made_up_for_by_the_third() -> None:
    """At 75 questions a second for one process, far above its share of 10,000 users, the budget denies nothing."""

    async def main() -> None:
        stand = Stand(Scripted("openai"), Scripted("anthropic"), Scripted("gemini"), **V3)
        await load(stand, 20, per_s=75)
        for silent in stand.providers[:2]:
            silent.plays = [Play(first_s=1e6)]
        reacting = await load(stand, 10, per_s=75)
        assert all(told.provider == "gemini" for told in reacting)
        assert max(told.took_s for told in reacting) <= 2 * 2.8 + WHOLE_S + 0.01
        began = now()
        told = await load(stand, 20, per_s=75)
        assert all(one.provider == "gemini" for one in told)
        assert attempts_since(stand, began) <= 1.15 * len(told)

    run(main)


def test_the_rank_is_shown() -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [too_many()]), Scripted("anthropic"), Scripted("gemini"), **V3)

        def ranks() -> list[float]:
            return [stand.metric(f'chat_provider_rank{{provider="{one.name}"}}') for one in stand.providers]

        assert ranks() == [1, 2, 3]
        await load(stand, 2)
        assert ranks() == [3, 1, 2]
        assert [one.name for one in stand.failover.health()] == ["anthropic", "gemini", "openai"]

    run(main)


def test_it_comes_back_after_an_outage() -> None:
    async def main() -> None:
        first = Scripted("openai", [fails(answered(503))])
        stand = Stand(first, Scripted("anthropic"), Scripted("gemini"), **V3)
        await load(stand, 10)
        first.plays = [GOOD]
        told = await load(stand, 25)
        assert all(one.error is None for one in told)
        assert {one.provider for one in told[-10:]} == {"openai"}

    run(main)


def test_a_provider_is_left_alone_for_as_long_as_it_asks() -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [too_many(8.0), GOOD]), Scripted("anthropic"))
        first = stand.providers[0]
        assert (await stand.ask()).provider == "anthropic"
        assert stand.state("openai") == "open", "at once"
        for _ in range(7):
            assert (await stand.ask()).provider == "anthropic"
            await asyncio.sleep(1 - WHOLE_S)
        assert len(first.asked_at) == 1
        await asyncio.sleep(1)
        assert (await stand.ask()).provider == "openai"
        assert stand.state("openai") == "closed"

    run(main)


@pytest.mark.parametrize(
    ("says_s", "env", "alone_s"),
    [
        (3600.0, {}, 30.0),
        (3600.0, {"PROVIDER_RETRY_AFTER_MAX_S": "12"}, 12.0),
        (2.0, {}, 2.0),
        (3600.0, {"PROVIDER_RETRY_AFTER_MAX_S": "0"}, 0.0),
        (3600.0, {"CHAT_BREAKER": "false"}, 0.0),
    ],
)
def test_but_not_for_longer_than_we_want(says_s: float, env: dict[str, str], alone_s: float) -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [too_many(says_s), GOOD]), Scripted("anthropic"), **env)
        began = now()
        while (await stand.ask()).provider != "openai":
            pass
        assert began + alone_s <= stand.providers[0].asked_at[-1] <= began + alone_s + 2 * WHOLE_S

    run(main)


def test_all_that_are_left_alone_say_when_the_first_is_back() -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [too_many(20.0)]), Scripted("anthropic", [too_many(9.0)]))
        await stand.ask()
        told = await stand.ask()
        assert isinstance(told.error, ProviderUnavailable)
        assert told.error.retry_after_s == 9
        assert [len(one.asked_at) for one in stand.providers] == [1, 1]

    run(main)
