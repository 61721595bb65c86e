"""One request's way through the providers: whom it may ask next, for how long, and what it has met so far."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType

from targets.chat.errors import ProviderError, ProviderTimeout
from targets.chat.providers.base import Provider
from targets.chat.resilience.breaker import Breaker, Permit
from targets.chat.resilience.budget import FailoverBudget, RetryBudget
from targets.chat.resilience.order import Order
from targets.chat.resilience.policy import Action, no_answer, rule_for
from targets.chat.telemetry import RecentCalls, Telemetry

log = logging.getLogger("chat.resilience")


@dataclass(frozen=True)
class Member:
    """One of the providers that stand in for one another."""

    provider: Provider
    breaker: Breaker
    recent: RecentCalls = field(default_factory=RecentCalls)

    @property
    def name(self) -> str:
        """The provider's word in replies and metrics."""
        return self.provider.name


@dataclass(eq=False)
class Way:
    """The attempts of one request, one after the other, until one of them is good or nobody is left.

    `members` are in the order in which they are asked. `deadline` is a moment of `clock`. A provider gets `patience_s`
    while another one may stand in for it, and all that remains when there is none. Another attempt makes sense while
    `least_s` remain. `longest_rest_s` is how long a provider may ask to be left alone for.
    """

    members: Sequence[Member]
    order: Order
    budget: RetryBudget
    failovers: FailoverBudget
    telemetry: Telemetry
    clock: Callable[[], float]
    deadline: float
    patience_s: float
    least_s: float
    longest_rest_s: float
    _before: tuple[str, str] | None = None  # the provider before this one, and what came of it
    _failures: dict[str, ProviderError] = field(default_factory=dict)
    _resting_s: dict[str, float] = field(default_factory=dict)

    def attempts(self) -> Iterator[Attempt]:
        """Yield what to try: every provider in order, then once more those whose failure may have been an accident."""
        self.budget.deposit()
        self.failovers.deposit()
        for place, member in enumerate(self.members):
            others = any(later.breaker.admits() for later in self.members[place + 1 :]) and self.failovers.allows()
            if attempt := self._attempt(member, self.patience_s if others else None):
                yield attempt
        for member in self.members:
            if self._may_repeat(member) and (attempt := self._attempt(member, None)):
                yield attempt

    def failed(self, name: str, error: ProviderError, outcome: str) -> None:
        """Remember what came of an attempt that another one may make up for."""
        self._failures[name] = error
        self._before = name, outcome

    def failure(self) -> ProviderError:
        """Return what the client is told now that nobody is left."""
        return no_answer(self._failures, self._resting_s)

    def _attempt(self, member: Member, patience_s: float | None) -> Attempt | None:
        if not self._time_left():
            return None
        if member.breaker.admits() and self._denied(member):
            return None
        permit = member.breaker.enter()
        if permit is None:
            self._resting_s[member.name] = member.breaker.rest_s
            self._before = self._before or (member.name, "open")
            return None
        if self._before is not None and self._before[0] != member.name:
            source, reason = self._before
            self.telemetry.failovers.labels(source, member.name, reason).inc()
        now = self.clock()
        until = self.deadline if patience_s is None else min(self.deadline, now + patience_s)
        return Attempt(self, member, permit, now, until)

    def _denied(self, member: Member) -> bool:
        """Whether this would be a fail-over (neither the first question nor a repeated one) with no budget left."""
        if not self._failures or member.name in self._failures or self.failovers.withdraw():
            return False
        self.telemetry.failovers_denied.labels(member.name).inc()
        return True

    def _may_repeat(self, member: Member) -> bool:
        error = self._failures.get(member.name)
        if error is None or rule_for(error).action is not Action.RETRY:
            return False
        if not self._time_left() or not member.breaker.admits():
            return False
        granted = self.budget.withdraw()
        self.telemetry.retries.labels(member.name, "granted" if granted else "denied").inc()
        return granted

    def _time_left(self) -> bool:
        return self.deadline - self.clock() >= self.least_s or self._before is None


class Attempt:
    """One question to one provider, until `until` (by the clock of its way).

    As a context manager it books how the attempt ended, with the breaker and in the metrics. A ProviderError ends
    there when another attempt may make up for it; everything else goes on to the caller.
    """

    def __init__(self, way: Way, member: Member, permit: Permit, started: float, until: float) -> None:
        self.provider = member.provider
        self.name = member.name
        self._way = way
        self._member = member
        self._permit = permit
        self._started = started
        self._until = until
        self._spoken_s: float | None = None  # from the question to the first words

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        breaker = self._member.breaker
        if error is None:
            breaker.succeeded(self._permit)
            self._book("ok")
        elif isinstance(error, ProviderError):
            return self._failed(error)
        elif isinstance(error, Exception):  # a mistake of ours: nobody makes up for it, and it is not hidden
            breaker.failed(self._permit, error)
            self._book("error")
        else:  # the client went away, or nobody reads the stream any more
            breaker.dropped(self._permit)
            self._book("cancelled")
        return False

    def first_words(self) -> None:
        """From here on there is no second answer, and there is time until the end."""
        if self._spoken_s is None:
            self._spoken_s = self._way.clock() - self._started
        self._until = self._way.deadline

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """Leave the block when the attempt's time is up. Raises ProviderTimeout.

        For a stream it is entered anew for each piece: pieces may be awaited by different tasks.
        """
        try:
            async with asyncio.timeout(max(0.0, self._until - self._way.clock())):
                yield
        except TimeoutError:
            took_s = self._until - self._started
            words = "answer" if self._spoken_s is None else "finish its answer"
            raise ProviderTimeout(f"{self.name} did not {words} within {took_s:.3g} s.") from None

    def _failed(self, error: ProviderError) -> bool:
        rule = rule_for(error)
        self._book(rule.outcome)
        if rule.counts:
            stay_away_s = min(error.leave_alone_s or 0.0, self._way.longest_rest_s)
            self._member.breaker.failed(self._permit, error, stay_away_s)
        else:
            self._member.breaker.dropped(self._permit)
        facts = {"provider": self.name, "outcome": rule.outcome, "upstream_status": error.upstream_status}
        if rule.alarming:
            log.error("a provider refuses us: look at its key, its bill and its model", extra=facts)
        else:
            log.warning("a provider failed", extra=facts)
        if self._spoken_s is not None or rule.action is Action.GIVE_UP:
            return False
        self._way.failed(self.name, error, rule.outcome)
        return True

    def _book(self, outcome: str) -> None:
        telemetry, took_s = self._way.telemetry, self._way.clock() - self._started
        telemetry.attempts.labels(self.name, outcome).inc()
        telemetry.attempt_seconds.labels(self.name, outcome).observe(took_s)
        if outcome in ("cancelled", "rejected"):  # neither says how the provider is
            return
        good = outcome == "ok"
        self._member.recent.add(good)
        answered_s = took_s if self._spoken_s is None else self._spoken_s
        pace = answered_s / self._way.patience_s if good else None
        self._way.order.learn(self.name, self._way.clock(), good=good, pace=pace)
