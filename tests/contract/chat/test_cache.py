"""What every cache promises, in memory and on a real Redis; and what happens when Redis is away."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from targets.chat.cache.base import ContextCache
from targets.chat.cache.memory import MemoryCache
from targets.chat.cache.redis import RedisCache
from targets.chat.domain import Context, ContextMessage
from targets.chat.errors import CacheUnavailable
from targets.chat.settings import RedisSettings
from tests.contract.chat.local_servers import LocalRedis, free_port
from tests.contract.chat.tcp_proxy import proxy_to
from tests.contract.chat.waiting import eventually

CONTEXT = Context(2, (ContextMessage("user", "Olá! 🚀"), ContextMessage("assistant", "Hi.")))
SLACK_S = 1.5


@asynccontextmanager
async def redis_at(port: int, **settings: str) -> AsyncIterator[RedisCache]:
    cache = RedisCache(RedisSettings.from_env({"REDIS_URL": f"redis://127.0.0.1:{port}/0", **settings}))
    try:
        yield cache
    finally:
        await cache.close()


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[ContextCache]:
    if request.param == "memory":
        yield MemoryCache()
        return
    # A long time-out: this is about what is remembered, on a machine that may be busy.
    async with redis_at(request.getfixturevalue("redis_server").port, REDIS_TIMEOUT_S="5") as redis:
        yield redis


async def test_it_remembers(cache: ContextCache) -> None:
    conversation = uuid4()
    assert await cache.get(conversation) is None
    await cache.put(conversation, CONTEXT)
    assert await cache.get(conversation) == CONTEXT
    newer = Context(4, CONTEXT.messages * 2)
    await cache.put(conversation, newer)
    assert await cache.get(conversation) == newer
    assert await cache.get(uuid4()) is None
    await cache.ping()


async def test_memory_forgets_what_was_not_used_for_longest() -> None:
    cache = MemoryCache(capacity=2)
    first, second, third = uuid4(), uuid4(), uuid4()
    await cache.put(first, CONTEXT)
    await cache.put(second, CONTEXT)
    assert await cache.get(first) == CONTEXT
    await cache.put(third, CONTEXT)
    assert await cache.get(second) is None
    assert await cache.get(first) == CONTEXT


async def test_an_entry_ends_by_itself(redis_server: LocalRedis) -> None:
    conversation = uuid4()
    async with redis_at(redis_server.port, CACHE_TTL_S="100", REDIS_TIMEOUT_S="5") as cache:
        await cache.put(conversation, CONTEXT)
    async with Redis.from_url(redis_server.url) as client:
        assert 0 < await client.ttl(f"chat:context:{conversation}") <= 100


@pytest.mark.parametrize("value", ["", "nonsense", "{}", "[]", '{"position": 1, "messages": [1]}', "null"])
async def test_an_entry_that_cannot_be_read_is_a_miss(redis_server: LocalRedis, value: str) -> None:
    conversation = uuid4()
    async with Redis.from_url(redis_server.url) as client:
        await client.set(f"chat:context:{conversation}", value)
    async with redis_at(redis_server.port, REDIS_TIMEOUT_S="5") as cache:
        assert await cache.get(conversation) is None


async def test_nobody_there_is_noticed_at_once() -> None:
    async with redis_at(free_port()) as cache:
        started = time.monotonic()
        with pytest.raises(CacheUnavailable):
            await cache.get(uuid4())
        assert time.monotonic() - started < SLACK_S


async def test_a_black_hole_is_paid_for_once(redis_server: LocalRedis) -> None:
    async with proxy_to(redis_server.port) as proxy, redis_at(proxy.port, REDIS_REST_S="30") as cache:
        await eventually(cache.ping)
        proxy.swallowing = True
        started = time.monotonic()
        with pytest.raises(CacheUnavailable):
            await cache.get(uuid4())
        assert time.monotonic() - started < 0.3 + SLACK_S
        for _ in range(100):
            with pytest.raises(CacheUnavailable):
                await cache.get(uuid4())
        assert time.monotonic() - started < 0.3 + SLACK_S  # a hundred time-outs would be thirty seconds

        proxy.heal()
        await eventually(cache.ping)
        assert await cache.get(uuid4()) is None  # a sign of life ends the rest


async def test_after_a_restart_it_works_again(redis_server: LocalRedis) -> None:
    async with redis_at(redis_server.port, REDIS_REST_S="0.001", REDIS_TIMEOUT_S="5") as cache:
        conversation = uuid4()
        await cache.put(conversation, CONTEXT)
        redis_server.stop()
        with pytest.raises(CacheUnavailable):
            await cache.get(conversation)
        redis_server.start()
        assert await eventually(lambda: cache.get(conversation)) is None  # it has lost everything
        await cache.put(conversation, CONTEXT)
        assert await cache.get(conversation) == CONTEXT
