"""Token buckets in a real Redis: no token is spent twice, and an absent Redis limits nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from targets.chat.cache.connection import RedisConnection
from targets.chat.limits.redis import TokenBuckets
from targets.chat.settings import LimitSettings, RedisSettings
from tests.contract.chat.local_servers import LocalRedis, free_port
from tests.contract.chat.tcp_proxy import proxy_to

SLACK_S = 1.5


@asynccontextmanager
async def buckets(port: int, per_s: float, burst: int, timeout_s: float = 5.0) -> AsyncIterator[TokenBuckets]:
    url = f"redis://127.0.0.1:{port}/0"
    redis = RedisSettings.from_env({"REDIS_URL": url, "REDIS_TIMEOUT_S": str(timeout_s), "REDIS_REST_S": "30"})
    connection = RedisConnection(redis)
    limits = LimitSettings.from_env({"RATE_LIMIT_PER_S": str(per_s), "RATE_LIMIT_BURST": str(burst)})
    try:
        yield TokenBuckets(limits, connection)
    finally:
        await connection.close()


async def allowed(limiter: TokenBuckets, client: str) -> bool:
    verdict = await limiter.take(client)
    assert verdict is not None
    return verdict.allowed


async def test_many_replicas_at_once_spend_each_token_once(redis_server: LocalRedis) -> None:
    async with (
        buckets(redis_server.port, 0.001, 50) as one,
        buckets(redis_server.port, 0.001, 50) as two,
        buckets(redis_server.port, 0.001, 50) as three,
    ):
        results = await asyncio.gather(*(allowed(limiter, "c") for _ in range(60) for limiter in (one, two, three)))
        assert sum(results) == 50
        assert await allowed(one, "another")


async def test_what_a_client_is_told(redis_server: LocalRedis) -> None:
    async with buckets(redis_server.port, 0.01, 2) as limiter:
        verdicts = [await limiter.take("c") for _ in range(3)]
        assert all(verdicts)
        assert [v and (v.allowed, v.limit, v.remaining) for v in verdicts] == [
            (True, 2, 1),
            (True, 2, 0),
            (False, 2, 0),
        ]
        refused = verdicts[2]
        assert refused is not None
        assert 95 <= refused.retry_after_s <= 100
        assert 195 <= refused.full_after_s <= 200


async def test_tokens_come_back_at_the_rate_and_never_more_than_the_bucket_holds(redis_server: LocalRedis) -> None:
    async with buckets(redis_server.port, 20, 5) as limiter:
        began = time.monotonic()
        passed = 0
        while time.monotonic() - began < 1.0:
            passed += await allowed(limiter, "c")
        took = time.monotonic() - began
        assert 5 + 20 * 0.9 <= passed <= 5 + 20 * took + 1
        await asyncio.sleep(0.6)  # twelve tokens' time
        assert sum([await allowed(limiter, "c") for _ in range(12)]) in (5, 6)


async def test_a_bucket_that_is_full_again_is_forgotten(redis_server: LocalRedis) -> None:
    async with buckets(redis_server.port, 1, 10) as limiter, Redis.from_url(redis_server.url) as client:
        await limiter.take("c")
        assert 1000 < await client.pttl("chat:limit:c") <= 2000


async def test_a_clock_that_falls_behind_takes_nothing_away(redis_server: LocalRedis) -> None:
    """As after a fail-over to a server whose clock is slow."""
    async with buckets(redis_server.port, 1, 10) as limiter, Redis.from_url(redis_server.url) as client:
        await client.hset("chat:limit:c", mapping={"tokens": "5", "at": str(time.time() + 1000)})
        verdict = await limiter.take("c")
        assert verdict is not None
        assert (verdict.allowed, verdict.remaining) == (True, 4)


async def test_a_redis_that_has_forgotten_the_script_gets_it_again(redis_server: LocalRedis) -> None:
    async with buckets(redis_server.port, 0.001, 2) as limiter, Redis.from_url(redis_server.url) as client:
        assert await allowed(limiter, "c")
        await client.script_flush()
        assert await allowed(limiter, "c")
        assert not await allowed(limiter, "c")


@pytest.mark.parametrize("away", ["refused", "silent"])
async def test_an_absent_redis_limits_nobody_and_is_paid_for_once(redis_server: LocalRedis, away: str) -> None:
    async with proxy_to(redis_server.port) as proxy:
        proxy.swallowing = True
        port = proxy.port if away == "silent" else free_port()
        async with buckets(port, 0.001, 1, timeout_s=0.3) as limiter:
            started = time.monotonic()
            assert [await limiter.take("c") for _ in range(100)] == [None] * 100
            assert time.monotonic() - started < 0.3 + SLACK_S
