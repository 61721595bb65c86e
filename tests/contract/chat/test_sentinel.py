"""The cache behind real sentinels: a primary that is killed, and sentinels that do not help."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from targets.chat.cache.redis import RedisCache
from targets.chat.cache.sentinel import SentinelConnection
from targets.chat.domain import Context, ContextMessage
from targets.chat.errors import CacheUnavailable
from targets.chat.settings import SentinelSettings
from tests.contract.chat.local_servers import LocalSentinels, free_port
from tests.contract.chat.tcp_proxy import proxy_to
from tests.contract.chat.waiting import eventually

CONTEXT = Context(2, (ContextMessage("user", "Olá! 🚀"), ContextMessage("assistant", "Hi.")))
SLACK_S = 1.5


@asynccontextmanager
async def cache_behind(*sentinels: str, **env: str) -> AsyncIterator[RedisCache]:
    settings = SentinelSettings.from_env(
        {"REDIS_SENTINELS": ",".join(sentinels), "REDIS_URL": "redis://anywhere/3", **env}
    )
    cache = RedisCache(settings, connection=SentinelConnection(settings))
    try:
        yield cache
    finally:
        await cache.close()


def local(*ports: int) -> list[str]:
    return [f"127.0.0.1:{port}" for port in ports]


async def test_a_killed_primary_is_replaced_and_no_request_waits_for_it(sentinels: LocalSentinels) -> None:
    async with cache_behind(*local(*sentinels.ports)) as cache:
        conversation = uuid4()
        await eventually(lambda: cache.put(conversation, CONTEXT))
        assert await cache.get(conversation) == CONTEXT

        sentinels.primary.kill()
        killed, agreed, longest = time.monotonic(), 0.0, 0.0
        while True:
            started = time.monotonic()
            try:
                await cache.put(conversation, CONTEXT)
                break
            except CacheUnavailable:
                longest = max(longest, time.monotonic() - started)
            if not agreed and await asyncio.to_thread(sentinels.named_primary) == sentinels.replica.port:
                agreed = time.monotonic()
            assert time.monotonic() - killed < 30
            await asyncio.sleep(0.02)
        assert await cache.get(conversation) == CONTEXT
        assert time.monotonic() - (agreed or time.monotonic()) < 1.0 + SLACK_S
        assert longest < 0.3 + SLACK_S


async def test_a_primary_that_was_made_a_replica_is_left(sentinels: LocalSentinels) -> None:
    """It still answers, so nothing fails but writes; they must not fail for long."""
    import redis

    async with cache_behind(*local(*sentinels.ports)) as cache:
        await eventually(lambda: cache.put(uuid4(), CONTEXT))
        with redis.Redis(port=sentinels.ports[0], socket_timeout=5) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", "chat")

        async def moved() -> None:
            assert await asyncio.to_thread(sentinels.named_primary) == sentinels.replica.port

        await eventually(moved)
        started = time.monotonic()
        await eventually(lambda: cache.put(uuid4(), CONTEXT))
        assert time.monotonic() - started < 2.0 + SLACK_S


async def test_sentinels_that_do_not_help_cost_nothing(sentinels: LocalSentinels) -> None:
    """One name is unknown, one swallows every packet, one refuses: the fourth is enough, and at once."""
    async with proxy_to(sentinels.ports[0]) as proxy:
        proxy.swallowing = True
        useless = ["no-such-name.invalid:26379", *local(proxy.port, free_port())]
        async with cache_behind(*useless, *local(sentinels.ports[1])) as cache:
            started = time.monotonic()
            await eventually(cache.ping)
            assert time.monotonic() - started < 0.3 + 0.2 + SLACK_S
            started = time.monotonic()
            for _ in range(50):
                await cache.get(uuid4())
            assert time.monotonic() - started < SLACK_S


async def test_without_any_sentinel_it_is_away_within_the_bound() -> None:
    async with cache_behind(*local(free_port(), free_port()), REDIS_REST_S="30") as cache:
        started = time.monotonic()
        for _ in range(100):
            with pytest.raises(CacheUnavailable):
                await cache.get(uuid4())
        assert time.monotonic() - started < 0.3 + SLACK_S
