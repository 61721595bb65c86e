"""Parts of the chat that do as a test tells them, and an app made of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from targets.chat.api import create_app
from targets.chat.cache.memory import MemoryCache
from targets.chat.domain import Completion, Context, ContextMessage, Usage
from targets.chat.errors import CacheUnavailable, StoreUnavailable
from targets.chat.limits.base import Verdict
from targets.chat.service import Parts
from targets.chat.stores.sql import SqlStore


@dataclass
class FakeProvider:
    """Says its `words`; raises `error` after `fails_after` of them; waits for `hold` (when set) before the next."""

    words: Sequence[str] = ("Fine, ", "thanks.")
    error: Exception | None = None
    fails_after: int = 0
    hold: asyncio.Event | None = None
    holds_after: int = 0
    asked: list[list[ContextMessage]] = field(default_factory=list)
    speaking: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0
    name: str = "openai"

    async def complete(self, messages: Sequence[ContextMessage]) -> Completion:
        pieces = [piece async for piece in self.stream(messages)]
        completion = pieces[-1]
        assert isinstance(completion, Completion)
        return completion

    async def stream(self, messages: Sequence[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        self.asked.append(list(messages))
        try:
            for number, word in enumerate(self.words):
                if self.error is not None and number == self.fails_after:
                    raise self.error
                if self.hold is not None and number == self.holds_after:
                    self.speaking.set()
                    await self.hold.wait()
                yield word
            if self.error is not None:
                raise self.error
            yield Completion("".join(self.words), self.name, "gpt-4o-mini", "stop", Usage(5, 2))
        finally:
            self.stopped += 1

    async def close(self) -> None:
        """Nothing to let go of."""


class FakeCache(MemoryCache):
    """A cache that can be `away`."""

    away = False

    async def get(self, conversation_id: UUID) -> Context | None:
        self._check()
        return await super().get(conversation_id)

    async def put(self, conversation_id: UUID, context: Context) -> None:
        self._check()
        await super().put(conversation_id, context)

    async def ping(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.away:
            raise CacheUnavailable("away")


class FakeStore(SqlStore):
    """A real store whose named operations can be `away`."""

    away: frozenset[str] = frozenset()

    async def begin(self, *args: Any) -> Any:
        self._check("begin")
        return await super().begin(*args)

    async def context(self, *args: Any) -> Any:
        self._check("context")
        return await super().context(*args)

    async def commit(self, *args: Any) -> Any:
        self._check("commit")
        return await super().commit(*args)

    async def release(self, *args: Any) -> Any:
        self._check("release")
        return await super().release(*args)

    async def conversation(self, *args: Any) -> Any:
        self._check("conversation")
        return await super().conversation(*args)

    async def ping(self) -> None:
        self._check("ping")
        await super().ping()

    def _check(self, operation: str) -> None:
        if operation in self.away:
            raise StoreUnavailable("The database is away.", retry_after_s=2)


@dataclass
class World:
    """A running app, its parts, and a client for it."""

    client: httpx.AsyncClient
    store: FakeStore
    cache: FakeCache
    provider: FakeProvider
    app: FastAPI

    async def ask(self, message: str = "How are you?", *, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post("/v1/chat", json={"message": message, **body}, headers=headers)

    async def contents(self, conversation_id: str) -> list[str]:
        answer = await self.client.get(f"/v1/chat/{conversation_id}")
        assert answer.status_code == 200
        return [message["content"] for message in answer.json()["messages"]]

    async def stored(self) -> int:
        """How many messages there are in the store."""
        async with self.store._database.session() as session:
            return int((await session.rows("SELECT count(*) AS n FROM messages"))[0]["n"])

    async def metric(self, line: str) -> float:
        """The value of the metric line that begins so; 0 when there is none."""
        text = (await self.client.get("/metrics")).text
        values = [float(row.rsplit(" ", 1)[1]) for row in text.splitlines() if row.startswith(line)]
        return sum(values)


class FakeLimiter:
    """Lets each client make `burst` requests; knows nothing while it is `away`."""

    def __init__(self, burst: int, proxies: int = 0) -> None:
        self.burst = burst
        self.proxies = proxies
        self.away = False
        self.asked: list[str] = []

    async def take(self, client: str) -> Verdict | None:
        if self.away:
            return None
        self.asked.append(client)
        left = self.burst - self.asked.count(client)
        return Verdict(left >= 0, self.burst, max(0, left), 0 if left > 0 else 3, 7)


@asynccontextmanager
async def world(
    store: FakeStore, provider: FakeProvider, env: dict[str, str] | None = None, limiter: FakeLimiter | None = None
) -> AsyncIterator[World]:
    cache = FakeCache()
    app = create_app("test", lambda _: Parts(store, cache, provider, limiter), env or {})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://chat") as client,
    ):
        yield World(client, store, cache, provider, app)


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Parse server-sent events strictly: name, data."""
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """The response is an RFC 9457 problem of that status and kind; return its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["type"] == f"urn:chat:problem:{kind}"
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    assert body["title"]
    assert body["detail"]
    return body
