"""The use case: from a question to a durable answer.

1. the store: the key is reserved, the conversation exists
2. the context: from the cache, or else from the store
3. the provider
4. ONE transaction with both messages
5. the cache
6. the answer

An answer that left this module is durable. A turn that fails at 2, 3 or 4 leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from targets.chat.cache.base import ContextCache
from targets.chat.domain import (
    Answer,
    Completion,
    Context,
    ContextMessage,
    Conversation,
    Delta,
    Question,
    Started,
    StreamEvent,
    Turn,
)
from targets.chat.errors import CacheUnavailable, ProviderBadAnswer, ProviderError, ProviderTimeout, StoreUnavailable
from targets.chat.limits.base import RateLimiter
from targets.chat.providers.base import ManyProviders, Provider
from targets.chat.settings import ChatSettings
from targets.chat.stores.base import Store
from targets.chat.telemetry import Telemetry

T = TypeVar("T")
log = logging.getLogger("chat.service")


@dataclass(frozen=True)
class Parts:
    """What a version is made of: the whole difference between versions, seen from here."""

    store: Store
    cache: ContextCache
    provider: Provider
    limiter: RateLimiter | None = None


class ChatService:
    """Answers questions with the given parts."""

    def __init__(self, parts: Parts, settings: ChatSettings, telemetry: Telemetry) -> None:
        self.parts = parts
        self.telemetry = telemetry
        self._settings = settings
        self._background: set[asyncio.Task[Any]] = set()
        if isinstance(parts.provider, ManyProviders):
            parts.provider.report_to(telemetry)

    async def open(self) -> None:
        """Start the store; it may be away."""
        await self.parts.store.open()

    async def close(self) -> None:
        """Wait (at most 5 s) for what still has to be written, then let go of all connections."""
        if self._background:
            await asyncio.wait(self._background, timeout=5.0)
        await self.parts.provider.close()
        await self.parts.cache.close()
        await self.parts.store.close()

    async def answer(self, question: Question) -> Answer:
        """Return the durable answer to the question. Raises ChatError."""
        turn = await self._begin(question)
        if isinstance(turn, Answer):
            return turn
        async with self._or_released(turn):
            context = await self._context(turn)
            completion = await self._complete(_asked(context, question))
            return await self._uninterrupted(self._finish(turn, context, completion))

    async def stream(self, question: Question) -> AsyncGenerator[StreamEvent, None]:
        """Yield Started, Deltas, and the durable Answer. Raises ChatError.

        Nothing is yielded before the provider's first words: until then a failure can be an ordinary HTTP status.
        """
        turn = await self._begin(question)
        if isinstance(turn, Answer):
            yield Started(turn.conversation_id, turn.user_message_id, turn.message_id, replayed=True)
            yield Delta(turn.completion.text)
            yield turn
            return
        async with self._or_released(turn):
            context = await self._context(turn)
            completion: Completion | None = None
            begun = False
            async with aclosing(self._stream(_asked(context, question))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        completion = piece
                        continue
                    if not begun:
                        begun = True
                        yield Started(turn.conversation_id, turn.user_message_id, turn.message_id)
                    yield Delta(piece)
            if completion is None:
                raise ProviderBadAnswer("The AI provider's answer ended before it was complete.")
            yield await self._uninterrupted(self._finish(turn, context, completion))

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """Return the whole conversation from the store. Raises ConversationUnknown, StoreUnavailable."""
        with self.telemetry.store("conversation"):
            return await self.parts.store.conversation(conversation_id)

    async def _begin(self, question: Question) -> Turn | Answer:
        with self.telemetry.store("begin"):
            return await self.parts.store.begin(question, datetime.now(UTC), self._settings.lease_s)

    async def _context(self, turn: Turn) -> Context:
        """The cache's word counts only when it is as new as the store: it may have missed turns while it was away."""
        if turn.is_new_conversation:
            return Context(0)
        try:
            cached = await self.parts.cache.get(turn.conversation_id)
            outcome = "miss" if cached is None else "hit" if cached.position == turn.position else "stale"
        except CacheUnavailable:
            cached, outcome = None, "error"
        self.telemetry.cache.labels("get", outcome).inc()
        if outcome == "error" and not self._settings.cache_may_fail:
            raise StoreUnavailable("The context cache did not answer, and the store is not asked instead.")
        if cached is not None and outcome == "hit":
            return cached
        with self.telemetry.store("context"):
            return await self.parts.store.context(turn, self._settings.context_messages)

    async def _complete(self, messages: list[ContextMessage]) -> Completion:
        with self.telemetry.provider(self.parts.provider.name):
            try:
                async with asyncio.timeout(self._settings.provider_deadline_s):
                    return await self.parts.provider.complete(messages)
            except TimeoutError:
                raise self._too_late() from None

    async def _stream(self, messages: list[ContextMessage]) -> AsyncGenerator[str | Completion, None]:
        """The provider's pieces, within one deadline for all of them.

        The deadline is set anew round each piece: the first piece and the rest are awaited by different tasks.
        """
        name = self.parts.provider.name
        loop = asyncio.get_running_loop()
        started = loop.time()
        first = True
        with self.telemetry.provider(name):
            async with aclosing(self.parts.provider.stream(messages)) as pieces:
                while True:
                    try:
                        async with asyncio.timeout_at(started + self._settings.provider_deadline_s):
                            piece = await anext(pieces)
                    except StopAsyncIteration:
                        return
                    except TimeoutError:
                        raise self._too_late() from None
                    if first:
                        first = False
                        self.telemetry.first_token_seconds.labels(name).observe(loop.time() - started)
                    yield piece

    def _too_late(self) -> ProviderTimeout:
        name, deadline_s = self.parts.provider.name, self._settings.provider_deadline_s
        return ProviderTimeout(f"{name} did not finish its answer within {deadline_s:g} s.")

    async def _finish(self, turn: Turn, context: Context, completion: Completion) -> Answer:
        """Make the turn durable, then tell the cache."""
        with self.telemetry.store("commit"):
            position = await self.parts.store.commit(turn, completion, datetime.now(UTC))
        self.telemetry.messages.inc(2)
        if position == context.position + 2:  # else another turn came between, and our context lacks it
            await self._remember(turn, context, completion)
        return Answer(turn.conversation_id, turn.user_message_id, turn.message_id, completion)

    async def _remember(self, turn: Turn, context: Context, completion: Completion) -> None:
        added = (ContextMessage("user", turn.question.message), ContextMessage("assistant", completion.text))
        messages = (context.messages + added)[-self._settings.context_messages :]
        try:
            await self.parts.cache.put(turn.conversation_id, Context(context.position + 2, messages))
            outcome = "ok"
        except CacheUnavailable:
            outcome = "error"
        self.telemetry.cache.labels("put", outcome).inc()

    @asynccontextmanager
    async def _or_released(self, turn: Turn) -> AsyncIterator[None]:
        """Give the turn's key back when the turn fails, so that the client may try again at once.

        When this process dies instead, the key's lease ends by itself.
        """
        try:
            yield
        except ProviderError:
            await self._uninterrupted(self._release(turn))
            raise
        except BaseException:  # the client went away, or the store did: nobody is kept waiting for the release
            self._spawn(self._release(turn))
            raise

    async def _release(self, turn: Turn) -> None:
        try:
            with self.telemetry.store("release"):
                await self.parts.store.release(turn)
        except StoreUnavailable:
            log.warning("a key stays reserved until its lease ends")

    async def _uninterrupted(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work to its end, even when the client that waits for it goes away."""
        return await asyncio.shield(self._spawn(work))

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _asked(context: Context, question: Question) -> list[ContextMessage]:
    return [*context.messages, ContextMessage("user", question.message)]
