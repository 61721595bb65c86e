"""Token buckets in Redis, one per client, shared by all replicas of the app."""

from __future__ import annotations

import hashlib
import logging
import math
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from targets.chat.cache.connection import Connection
from targets.chat.errors import CacheUnavailable
from targets.chat.limits.base import Verdict
from targets.chat.settings import LimitSettings

# One step in Redis, so that no two requests see the same token, and by Redis' clock, so that replicas need not agree on
# the time. After a fail-over the new primary's clock may be behind: time never runs backwards here. A bucket that has
# become full again is forgotten.
TAKE = """
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or burst
local at = tonumber(bucket[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local allowed = 0
if tokens >= 1 then
  tokens = tokens - 1
  allowed = 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return {allowed, tostring(tokens)}
"""
TAKE_HASH = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()  # how Redis names a script
log = logging.getLogger("chat.limits")


class TokenBuckets:
    """A RateLimiter. A bucket holds `burst` tokens, a request takes one, and `per_s` come back each second.

    Over the connection that the cache uses too: one bound for both, and when Redis is away both leave it alone. Then
    every request passes: to refuse all users because one cannot be counted would be the greater harm.
    """

    def __init__(self, settings: LimitSettings, connection: Connection) -> None:
        self._settings = settings
        self._connection = connection

    @property
    def proxies(self) -> int:
        """How many proxies of ours stand before the app."""
        return self._settings.proxies

    async def take(self, client: str) -> Verdict | None:
        """Take a token of the client's (see RateLimiter)."""
        try:
            allowed, tokens = await self._connection.run(lambda redis: self._taken(redis, client))
        except CacheUnavailable:
            return None
        return verdict(bool(allowed), float(tokens), self._settings)

    async def _taken(self, redis: Redis, client: str) -> tuple[int, str]:
        arguments = (1, f"chat:limit:{client}", str(self._settings.per_s), str(self._settings.burst))
        reply: Any
        try:
            reply = await redis.evalsha(TAKE_HASH, *arguments)
        except NoScriptError:  # a Redis that has just started, or has just become the primary
            reply = await redis.eval(TAKE, *arguments)
        return int(reply[0]), str(reply[1])


def verdict(allowed: bool, tokens: float, settings: LimitSettings) -> Verdict:
    """Return what `tokens` left in the bucket mean for its client."""
    return Verdict(
        allowed=allowed,
        limit=settings.burst,
        remaining=max(0, math.floor(tokens)),
        retry_after_s=math.ceil(max(0.0, 1 - tokens) / settings.per_s),
        full_after_s=math.ceil((settings.burst - tokens) / settings.per_s),
    )


def token_buckets(settings: LimitSettings, connection: Connection) -> TokenBuckets | None:
    """Return the limiter that the settings ask for; None when they ask for none."""
    return TokenBuckets(settings, connection) if settings.per_s > 0 else None
