"""Providers that take their time and fail as told, and a fail-over over them in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from targets.chat.domain import Completion, ContextMessage, Usage
from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import ResilienceSettings
from targets.chat.telemetry import Telemetry
from tests.unit.chat.resilience.virtual_time import now

MESSAGES = [ContextMessage("user", "How are you?")]
FIRST_S, REST_S = 0.4, 0.3  # first words, and whole answers after 0.7 s, as the provider simulator's
HANG_S = 1e6


@dataclass(frozen=True)
class Play:
    """What one call gets: the words, then the error, if any. `spoken` words come before the error."""

    first_s: float = FIRST_S
    rest_s: float = REST_S
    error: BaseException | None = None
    spoken: int = 0


GOOD = Play()
HANGS = Play(first_s=HANG_S)
STALLS = Play(rest_s=HANG_S)


def fails(error: BaseException, *, after_s: float = 0.0, spoken: int = 0) -> Play:
    return Play(first_s=after_s, rest_s=0.0, error=error, spoken=spoken)


def unreachable() -> ProviderUnavailable:
    return ProviderUnavailable("openai cannot be reached.", retry_after_s=5)


def answered(status: int) -> ProviderError:
    if status in (429, 503, 529):
        return ProviderUnavailable(f"openai is busy ({status}).", retry_after_s=7, upstream_status=status)
    return ProviderBadAnswer(f"openai answered with status {status}.", upstream_status=status)


def cut_off() -> ProviderBadAnswer:
    return ProviderBadAnswer("openai's answer ended before it was complete.")


def silent() -> ProviderTimeout:
    return ProviderTimeout("openai did not answer in time.")


@dataclass
class Scripted:
    """Does one play after the other, and the last one for ever."""

    name: str
    plays: list[Play] = field(default_factory=lambda: [GOOD])
    asked_at: list[float] = field(default_factory=list)
    running: int = 0
    closed: int = 0
    words: tuple[str, ...] = ("Fine, ", "thanks.")

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        async with aclosing(self.stream(messages)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    return piece
        raise AssertionError("a play ends with a Completion or an error")

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
        self.asked_at.append(now())
        self.running += 1
        try:
            await asyncio.sleep(play.first_s)
            words = self.words if play.error is None else self.words[: play.spoken]
            for number, word in enumerate(words):
                if number == 1:
                    await asyncio.sleep(play.rest_s)
                yield word
            if play.error is not None:
                raise play.error
            yield Completion("".join(words), self.name, f"{self.name}-1", "stop", Usage(5, 2))
        finally:
            self.running -= 1

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Told:
    """What a caller got: the provider that answered or the error, the pieces, and when it ended (s after the call)."""

    took_s: float
    provider: str | None = None
    error: Exception | None = None
    pieces: tuple[str, ...] = ()


class Stand:
    """A fail-over over scripted providers, with metrics. Made inside the loop whose time it goes by."""

    def __init__(self, *providers: Scripted, **env: str) -> None:
        settings = ResilienceSettings.from_env({"PROVIDER_DEADLINE_S": "9", **env})
        self.providers = providers
        self.failover = FailoverProvider(providers, settings, clock=now)
        self.telemetry = Telemetry()
        self.failover.report_to(self.telemetry)

    async def ask(self, *, stream: bool = False) -> Told:
        started, pieces = now(), []
        completion: Completion | None = None
        try:
            if not stream:
                completion = await self.failover.complete(MESSAGES)
            else:
                async with aclosing(self.failover.stream(MESSAGES)) as answer:
                    async for piece in answer:
                        if isinstance(piece, Completion):
                            assert completion is None, "one answer, one Completion"
                            completion = piece
                        else:
                            pieces.append(piece)
        except ProviderError as error:
            return Told(round(now() - started, 6), error=error, pieces=tuple(pieces))
        assert completion is not None
        assert not stream or "".join(pieces) == completion.text
        return Told(round(now() - started, 6), provider=completion.provider, pieces=tuple(pieces))

    def metric(self, line: str) -> float:
        """The sum of all metric lines that begin so."""
        rows = self.telemetry.page().decode().splitlines()
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows if row.startswith(line))

    def attempts(self, provider: str, outcome: str) -> float:
        return self.metric(f'chat_provider_attempts_total{{outcome="{outcome}",provider="{provider}"}}')

    def state(self, provider: str) -> str:
        """The one state whose gauge is 1."""
        line = 'chat_provider_breaker_state{{provider="{}",state="{}"}}'
        (state,) = [s for s in ("closed", "open", "half_open") if self.metric(line.format(provider, s)) == 1]
        return state
