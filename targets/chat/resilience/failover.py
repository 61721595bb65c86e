"""Several providers as one: a Provider that asks the best one, and the next ones where it fails."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

from targets.chat.domain import Completion, ContextMessage
from targets.chat.errors import ProviderBadAnswer, SettingsError
from targets.chat.providers.base import Provider, ProviderHealth
from targets.chat.resilience.attempts import Member, Way
from targets.chat.resilience.breaker import NEVER, STATES, Breaker, BreakerState
from targets.chat.resilience.budget import FailoverBudget, RetryBudget
from targets.chat.resilience.order import ConfiguredOrder, HealthOrder, Order
from targets.chat.settings import ResilienceSettings
from targets.chat.telemetry import Telemetry

# The service stops listening at PROVIDER_DEADLINE_S. We stop a little earlier: a failure that we see ourselves is
# booked with the provider that caused it, whereas being stopped from outside looks like a client that went away.
OUR_SHARE_OF_THE_DEADLINE = 0.95

log = logging.getLogger("chat.resilience")


class FailoverProvider:
    """A Provider over others, best first. The Completion says who really answered.

    `clock` gives seconds and must be monotonic. Raises SettingsError when the attempts do not fit into the deadline.
    """

    name = "failover"

    def __init__(
        self,
        providers: Sequence[Provider],
        settings: ResilienceSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._all = tuple(providers)
        self._settings = settings
        self._clock = clock
        self._deadline_s = settings.deadline_s * OUR_SHARE_OF_THE_DEADLINE
        self._budget = RetryBudget(settings.retry_ratio, settings.retry_burst)
        self._failovers = FailoverBudget(settings.failover_ratio, clock)
        self._telemetry = Telemetry()
        used = self._all if settings.failover else self._all[:1]
        _check_time(len(used), self._deadline_s, settings)
        self._members = {provider.name: Member(provider, self._breaker(provider.name)) for provider in used}
        if len(self._members) < len(used):
            raise SettingsError("Each AI provider needs a name of its own.")
        self._order: Order = _order(list(self._members), settings)

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        """Return the first whole answer. Raises ProviderError when there is none."""
        way = self._way(self._settings.attempt_s)
        for attempt in way.attempts():
            with attempt:
                async with attempt.in_time():
                    return await attempt.provider.complete(messages)
        raise way.failure()

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """Yield the pieces of the first provider that speaks, then its Completion. Raises ProviderError.

        What a provider does before its first words, another one may make up for. After them there is no second answer:
        the reader has seen the beginning of this one.
        """
        way = self._way(self._settings.first_token_s)
        for attempt in way.attempts():
            completion: Completion | None = None
            with attempt:
                async with aclosing(attempt.provider.stream(messages)) as pieces:
                    while completion is None:
                        async with attempt.in_time():
                            piece = await anext(pieces, None)
                        if piece is None:
                            raise ProviderBadAnswer(f"{attempt.name}'s answer ended before it was complete.")
                        if isinstance(piece, Completion):
                            completion = piece
                        else:
                            attempt.first_words()
                            yield piece
            if completion is not None:  # booked as good already, whether or not anybody reads on
                yield completion
                return
        raise way.failure()

    async def close(self) -> None:
        """Close every provider's connections, also of those that are switched off."""
        for provider in self._all:
            await provider.close()

    def report_to(self, telemetry: Telemetry) -> None:
        """Keep the metrics there from now on."""
        self._telemetry = telemetry
        for member in self._members.values():
            self._show(member.name, member.breaker.state)
        self._show_ranks()

    def health(self) -> list[ProviderHealth]:
        """Return how each provider is, best first."""
        members = [self._members[name] for name in self._order.standing(self._resting())]
        return [ProviderHealth(member.name, member.breaker.state, *member.recent.counts()) for member in members]

    def _way(self, patience_s: float) -> Way:
        resting = self._resting()
        if self._failovers.allows():
            names = self._order.next_question(self._clock(), resting)
        else:  # nobody could make up for a probe that fails
            names = self._order.standing(resting)
        self._show_ranks()
        return Way(
            members=[self._members[name] for name in names],
            order=self._order,
            budget=self._budget,
            failovers=self._failovers,
            telemetry=self._telemetry,
            clock=self._clock,
            deadline=self._clock() + self._deadline_s,
            patience_s=patience_s,
            least_s=self._settings.first_token_s,
            longest_rest_s=self._settings.retry_after_max_s if self._settings.breaker else 0.0,
        )

    def _resting(self) -> set[str]:
        return {name for name, member in self._members.items() if not member.breaker.admits()}

    def _show_ranks(self) -> None:
        for place, name in enumerate(self._order.standing(self._resting()), start=1):
            self._telemetry.provider_rank.labels(name).set(place)

    def _breaker(self, name: str) -> Breaker:
        failures = self._settings.breaker_failures if self._settings.breaker else NEVER
        return Breaker(name, failures, self._settings.breaker_open_s, partial(self._changed, name), self._clock)

    def _changed(self, name: str, state: BreakerState) -> None:
        log.warning("the breaker of a provider changed", extra={"provider": name, "state": state})
        self._telemetry.breaker_transitions.labels(name, state).inc()
        self._show(name, state)

    def _show(self, name: str, state: BreakerState) -> None:
        for each in STATES:
            self._telemetry.breaker_state.labels(name, each).set(each == state)


def _order(names: list[str], settings: ResilienceSettings) -> Order:
    return HealthOrder(names, settings.breaker_open_s) if settings.order == "health" else ConfiguredOrder(names)


def _check_time(providers: int, deadline_s: float, settings: ResilienceSettings) -> None:
    """Every provider must get its turn, even when all before it hang. Raises SettingsError."""
    if providers == 0:
        raise SettingsError("Fail-over needs at least one AI provider.")
    needed_s = (providers - 1) * max(settings.attempt_s, settings.first_token_s) + settings.first_token_s
    if providers > 1 and needed_s > deadline_s:
        raise SettingsError(
            f"PROVIDER_DEADLINE_S: {settings.deadline_s:g} s, of which {deadline_s:.3g} s are used, are too short for "
            f"{providers} providers: {needed_s:g} s are needed. Raise it, or lower PROVIDER_ATTEMPT_S "
            f"({settings.attempt_s:g} s) or PROVIDER_FIRST_TOKEN_S ({settings.first_token_s:g} s)."
        )
