"""Is the server fit to get requests? Asks the store and the cache; about the provider it only remembers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from targets.chat.errors import CacheUnavailable, StoreUnavailable
from targets.chat.providers.base import ManyProviders
from targets.chat.schemas import Dependency, Readiness
from targets.chat.service import Parts
from targets.chat.telemetry import RecentCalls


async def readiness(parts: Parts, recent: RecentCalls) -> Readiness:
    """Return the state of every dependency.

    Without its store the server can do nothing. Without its cache it is slower. An absent provider is reported, from
    recent calls and not by paying for one more, but taking the server out of service would not bring it back. Where
    there are several providers, 'provider' is all of them as one, and each has a line under its own name.
    """
    database, cache = await asyncio.gather(
        _asked(parts.store.ping, required=True), _asked(parts.cache.ping, required=False)
    )
    calls, failures = recent.counts()
    provider = Dependency(
        ok=calls == 0 or failures < calls, required=False, recent_calls=calls, recent_failures=failures
    )
    dependencies = {"database": database, "cache": cache, "provider": provider, **_each_provider(parts)}
    ready = all(dependency.ok for dependency in dependencies.values() if dependency.required)
    return Readiness(status="ready" if ready else "not ready", dependencies=dependencies)


def _each_provider(parts: Parts) -> dict[str, Dependency]:
    if not isinstance(parts.provider, ManyProviders):
        return {}
    return {
        one.name: Dependency(
            ok=one.breaker != "open" and (one.calls == 0 or one.failures < one.calls),
            required=False,
            recent_calls=one.calls,
            recent_failures=one.failures,
            breaker=one.breaker,
        )
        for one in parts.provider.health()
    }


async def _asked(ping: Callable[[], Awaitable[None]], *, required: bool) -> Dependency:
    started = time.perf_counter()
    try:
        await ping()
        ok = True
    except (StoreUnavailable, CacheUnavailable):
        ok = False
    return Dependency(ok=ok, required=required, latency_ms=round((time.perf_counter() - started) * 1000, 2))
