"""The policy at work, in virtual time: who is asked when, for how long, and what the caller gets."""

from __future__ import annotations

import asyncio

import pytest

from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable, SettingsError
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import ResilienceSettings
from tests.unit.chat.resilience.scripted import (
    FIRST_S,
    HANGS,
    MESSAGES,
    REST_S,
    STALLS,
    Play,
    Scripted,
    Stand,
    Told,
    answered,
    cut_off,
    fails,
    silent,
    unreachable,
)
from tests.unit.chat.resilience.virtual_time import run

WHOLE_S = FIRST_S + REST_S
USED_S = 9 * 0.95  # of PROVIDER_DEADLINE_S

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
MENDED = [unreachable(), answered(429), answered(500), answered(503), answered(401), answered(403), cut_off(), silent()]


def stand_of(*plays: Play, **env: str) -> Stand:
    """OpenAI with these plays, and Anthropic, which is well."""
    return Stand(Scripted("openai", list(plays)), Scripted("anthropic"), **env)


@both
def test_the_first_provider_answers_while_it_is_well(stream: bool) -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai"), Scripted("anthropic"))
        for _ in range(20):
            told = await stand.ask(stream=stream)
            assert (told.provider, told.took_s) == ("openai", WHOLE_S)
        assert stand.providers[1].asked_at == []
        assert stand.attempts("openai", "ok") == 20
        assert stand.metric("chat_provider_failovers_total") == 0
        assert stand.metric("chat_provider_attempt_duration_seconds_count") == 20
        assert stand.state("openai") == stand.state("anthropic") == "closed"

    run(main)


@both
@pytest.mark.parametrize("error", MENDED, ids=str)
def test_a_failure_before_the_first_words_is_made_up_for(error: ProviderError, stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(fails(error, after_s=0.1))
        told = await stand.ask(stream=stream)
        assert (told.provider, told.took_s) == ("anthropic", pytest.approx(0.1 + WHOLE_S))
        reason = stand.telemetry.failovers.collect()[0].samples[0].labels
        assert (reason["from_provider"], reason["to_provider"]) == ("openai", "anthropic")
        assert stand.attempts("openai", reason["reason"]) == 1
        assert stand.attempts("anthropic", "ok") == 1

    run(main)


@both
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_wrong_is_nobodys_failure(status: int, stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(fails(answered(status)))
        for _ in range(10):
            told = await stand.ask(stream=stream)
            assert isinstance(told.error, ProviderBadAnswer)
            assert str(status) in str(told.error)
        assert stand.providers[1].asked_at == []
        assert stand.attempts("openai", "rejected") == 10
        assert stand.state("openai") == "closed"

    run(main)


@pytest.mark.parametrize(("stream", "patience_s"), [(False, 3.0), (True, 2.0)], ids=["plain", "stream"])
def test_a_silent_provider_is_left_in_time(stream: bool, patience_s: float) -> None:
    async def main() -> None:
        stand = stand_of(HANGS)
        told = await stand.ask(stream=stream)
        assert (told.provider, told.took_s) == ("anthropic", pytest.approx(patience_s + WHOLE_S))
        assert stand.providers[0].running == 0, "nobody pays for words that nobody reads"
        assert stand.attempts("openai", "timeout") == 1

    run(main)


@both
def test_two_silent_providers_are_reported_inside_the_deadline(stream: bool) -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [HANGS]), Scripted("anthropic", [HANGS]))
        told = await stand.ask(stream=stream)
        assert isinstance(told.error, ProviderTimeout)
        assert "openai" in str(told.error) and "anthropic" in str(told.error)
        assert told.took_s == pytest.approx(USED_S)

    run(main)


@both
def test_the_last_one_left_gets_all_the_time_there_is(stream: bool) -> None:
    async def main() -> None:
        slow = Play(first_s=4.4)  # longer than an attempt, and than anybody waits for first words
        stand = Stand(Scripted("openai", [slow]), Scripted("anthropic", [slow]))
        told = await stand.ask(stream=stream)
        assert told.provider == "anthropic"
        alone = Stand(Scripted("openai", [slow]))
        assert (await alone.ask(stream=stream)).took_s == pytest.approx(4.4 + REST_S)

    run(main)


def test_after_the_first_words_there_is_no_second_answer() -> None:
    async def main() -> None:
        stand = stand_of(fails(cut_off(), spoken=1))
        told = await stand.ask(stream=True)
        assert told.error is not None and "before it was complete" in str(told.error)
        assert told.pieces == ("Fine, ",)
        assert stand.providers[1].asked_at == []
        assert stand.attempts("openai", "bad_answer") == 1

    run(main)


def test_a_stream_that_falls_silent_after_its_first_words_ends_at_the_deadline() -> None:
    async def main() -> None:
        stand = stand_of(STALLS)
        told = await stand.ask(stream=True)
        assert isinstance(told.error, ProviderTimeout)
        assert (told.pieces, told.took_s) == (("Fine, ",), pytest.approx(USED_S))
        assert stand.providers[0].running == 0
        assert stand.attempts("openai", "timeout") == 1

    run(main)


def test_a_stream_that_began_in_time_may_take_longer_than_an_attempt() -> None:
    async def main() -> None:
        told = await stand_of(Play(rest_s=5.0)).ask(stream=True)
        assert (told.provider, told.took_s) == ("openai", pytest.approx(FIRST_S + 5.0))

    run(main)


@both
def test_after_failures_in_a_row_the_provider_is_left_alone_and_then_tried_by_one(stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(*[fails(answered(503))] * 6, Play())
        for _ in range(5):
            await stand.ask(stream=stream)
        assert stand.state("openai") == "open"
        for _ in range(5):
            assert (await stand.ask(stream=stream)).took_s == pytest.approx(WHOLE_S)
        assert len(stand.providers[0].asked_at) == 5
        assert stand.metric('chat_provider_failovers_total{from_provider="openai",reason="open"') == 5

        await asyncio.sleep(5.0)
        told = await asyncio.gather(*[stand.ask(stream=stream) for _ in range(8)])
        assert {one.provider for one in told} == {"anthropic"}
        assert len(stand.providers[0].asked_at) == 6, "one probe, which fails"
        assert stand.state("openai") == "open"

        await asyncio.sleep(5.0)
        told = await asyncio.gather(*[stand.ask(stream=stream) for _ in range(8)])
        assert sorted(one.provider or "" for one in told) == ["anthropic"] * 7 + ["openai"]
        assert stand.state("openai") == "closed"
        assert (await stand.ask(stream=stream)).provider == "openai"
        assert stand.metric('chat_provider_breaker_transitions_total{provider="openai",state="closed"}') == 1

    run(main)


@both
def test_a_whole_outage_costs_a_few_attempts_however_many_ask_at_once(stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(HANGS)
        told: list[Told] = []
        for _ in range(10):
            told += await asyncio.gather(*[stand.ask(stream=stream) for _ in range(20)])
        assert {one.provider for one in told} == {"anthropic"}
        asked = len(stand.providers[0].asked_at)
        assert asked <= 20 + 2, f"the first twenty and a probe or two, not {asked}"
        assert sorted(one.took_s for one in told)[150] == pytest.approx(WHOLE_S)

    run(main)


def test_streams_that_die_after_their_first_words_open_the_breaker_too() -> None:
    async def main() -> None:
        stand = stand_of(fails(cut_off(), spoken=1))
        for _ in range(5):
            assert (await stand.ask(stream=True)).error is not None
        assert stand.state("openai") == "open"
        assert (await stand.ask(stream=True)).provider == "anthropic"

    run(main)


@both
def test_all_breakers_open_is_said_at_once_and_with_the_time_to_come_back(stream: bool) -> None:
    async def main() -> None:
        stand = Stand(Scripted("openai", [fails(unreachable())]), Scripted("anthropic", [fails(unreachable())]))
        for _ in range(5):
            told = await stand.ask(stream=stream)
            assert isinstance(told.error, ProviderUnavailable)
            assert told.error.retry_after_s == 5
        await asyncio.sleep(1.5)
        told = await stand.ask(stream=stream)
        assert isinstance(told.error, ProviderUnavailable)
        assert (told.took_s, told.error.retry_after_s) == (0.0, 4)
        assert len(stand.providers[0].asked_at) == len(stand.providers[1].asked_at) == 5

    run(main)


@both
def test_an_accident_of_the_only_one_left_is_repeated_once(stream: bool) -> None:
    async def main() -> None:
        alone = Stand(Scripted("openai", [fails(answered(500)), Play(), fails(answered(500))]))
        assert (await alone.ask(stream=stream)).provider == "openai"
        assert alone.metric('chat_provider_retries_total{decision="granted",provider="openai"}') == 1
        assert alone.metric("chat_provider_failovers_total") == 0
        assert isinstance((await alone.ask(stream=stream)).error, ProviderBadAnswer)
        assert len(alone.providers[0].asked_at) == 4, "once more, not again and again"

    run(main)


@both
@pytest.mark.parametrize("error", [unreachable(), answered(429), answered(401), silent()], ids=str)
def test_what_another_try_would_not_mend_is_not_repeated(error: ProviderError, stream: bool) -> None:
    async def main() -> None:
        alone = Stand(Scripted("openai", [fails(error)]))
        assert (await alone.ask(stream=stream)).error is not None
        assert len(alone.providers[0].asked_at) == 1

    run(main)


def test_what_the_breaker_would_not_let_through_costs_no_budget() -> None:
    async def main() -> None:
        alone = Stand(Scripted("openai", [fails(answered(500))]))
        for _ in range(3):
            await alone.ask()
        assert len(alone.providers[0].asked_at) == 5, "two, two, and the one that opens the breaker"
        assert alone.metric('chat_provider_retries_total{decision="granted"') == 2

    run(main)


def test_no_attempt_is_begun_for_which_no_time_is_left() -> None:
    async def main() -> None:
        alone = Stand(Scripted("openai", [fails(answered(500), after_s=7.0)]))
        told = await alone.ask()
        assert (type(told.error), told.took_s) == (ProviderBadAnswer, 7.0)
        assert len(alone.providers[0].asked_at) == 1

    run(main)


def test_a_partial_outage_of_all_does_not_become_a_storm() -> None:
    async def main() -> None:
        bad = [fails(answered(500)), fails(answered(500)), Play()]  # never five failures in a row
        stand = Stand(Scripted("openai", bad * 400), Scripted("anthropic", bad * 400))
        for _ in range(300):
            await stand.ask()
        asked = sum(len(provider.asked_at) for provider in stand.providers)
        granted = stand.metric('chat_provider_retries_total{decision="granted"')
        assert granted <= 300 * 0.1 + 10
        assert stand.metric('chat_provider_retries_total{decision="denied"') > 0
        assert asked <= 2 * 300 + granted

    run(main)


@both
def test_a_reader_who_leaves_tells_nothing_about_the_provider(stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(STALLS)
        for _ in range(10):
            asking = asyncio.create_task(stand.ask(stream=stream))
            await asyncio.sleep(1.0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert stand.providers[0].running == 0
        assert stand.attempts("openai", "cancelled") == 10
        assert stand.state("openai") == "closed"
        assert stand.providers[1].asked_at == []

    run(main)


def test_a_reader_who_stops_at_a_piece_or_at_the_completion() -> None:
    async def main() -> None:
        stand = stand_of(Play())
        for stop_at, outcome in ((0, "cancelled"), (2, "ok")):
            pieces = stand.failover.stream(MESSAGES)
            for _ in range(stop_at + 1):
                await anext(pieces)
            await pieces.aclose()
            assert stand.attempts("openai", outcome) == 1
        assert stand.providers[0].running == 0

    run(main)


def test_a_probe_whose_reader_leaves_lets_the_next_one_try() -> None:
    async def main() -> None:
        stand = stand_of(*[fails(answered(503))] * 5, HANGS, Play())
        for _ in range(5):
            await stand.ask()
        await asyncio.sleep(5.0)
        probe = asyncio.create_task(stand.ask())
        await asyncio.sleep(0.1)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        assert stand.state("openai") == "half_open"
        assert (await stand.ask()).provider == "openai"
        assert stand.state("openai") == "closed"

    run(main)


@both
def test_a_mistake_of_ours_is_not_hidden(stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(fails(RuntimeError("a bug")))
        with pytest.raises(RuntimeError, match="a bug"):
            await stand.ask(stream=stream)
        assert stand.attempts("openai", "error") == 1

    run(main)


def test_a_stream_that_just_ends_is_a_failure() -> None:
    class Mute(Scripted):
        async def stream(self, messages):  # type: ignore[no-untyped-def, override]
            for word in self.words[: self.plays[0].spoken]:
                yield word

    async def main() -> None:
        before = Stand(Mute("openai", [Play(spoken=0)]), Scripted("anthropic"))
        assert (await before.ask(stream=True)).provider == "anthropic"
        after = Stand(Mute("openai", [Play(spoken=1)]), Scripted("anthropic"))
        assert isinstance((await after.ask(stream=True)).error, ProviderBadAnswer)

    run(main)


@both
def test_without_failover_only_the_first_is_asked_and_all_are_closed(stream: bool) -> None:
    async def main() -> None:
        stand = stand_of(fails(unreachable()), CHAT_FAILOVER="false")
        assert isinstance((await stand.ask(stream=stream)).error, ProviderUnavailable)
        assert [one.name for one in stand.failover.health()] == ["openai"]
        await stand.failover.close()
        assert [provider.closed for provider in stand.providers] == [1, 1]

    run(main)


def test_without_a_breaker_every_question_pays_for_the_silent_one() -> None:
    async def main() -> None:
        stand = stand_of(HANGS, CHAT_BREAKER="false")
        for _ in range(10):
            assert (await stand.ask()).took_s == pytest.approx(3.0 + WHOLE_S)
        assert len(stand.providers[0].asked_at) == 10

    run(main)


def test_health_tells_of_each_provider() -> None:
    async def main() -> None:
        stand = stand_of(fails(answered(503)))
        for _ in range(7):
            await stand.ask()
        openai, anthropic = stand.failover.health()
        assert (openai.name, openai.breaker, openai.calls, openai.failures) == ("openai", "open", 5, 5)
        assert (anthropic.name, anthropic.breaker, anthropic.calls, anthropic.failures) == ("anthropic", "closed", 7, 0)

    run(main)


def test_every_mechanism_is_on_unless_it_is_switched_off() -> None:
    settings = ResilienceSettings.from_env({})
    assert settings.failover and settings.breaker
    assert settings.retry_burst > 0 and settings.retry_ratio > 0


def test_every_provider_gets_its_turn_or_the_start_fails() -> None:
    def made(deadline_s: str, providers: int, **env: str) -> None:
        settings = ResilienceSettings.from_env({"PROVIDER_DEADLINE_S": deadline_s, **env})
        FailoverProvider([Scripted(str(number)) for number in range(providers)], settings)

    made("8", 2)
    made("1", 1)
    made("1", 2, CHAT_FAILOVER="false")
    made("8", 3, PROVIDER_ATTEMPT_S="2.5")
    for deadline_s, providers in (("5", 2), ("8", 3)):
        with pytest.raises(SettingsError, match="PROVIDER_DEADLINE_S"):
            made(deadline_s, providers)
    with pytest.raises(SettingsError, match="at least one"):
        made("8", 0)
