"""Server-sent events: how a streamed answer looks on the wire."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from targets.chat import problems
from targets.chat.domain import Answer, Delta, Started, StreamEvent
from targets.chat.errors import ChatError
from targets.chat.fitness import MISTAKE
from targets.chat.schemas import ChatReply
from targets.chat.telemetry import Telemetry

log = logging.getLogger("chat.streaming")


class AnswerStream(StreamingResponse):
    """The events of one answer as a response. `first` was awaited before: from here on the status is 200.

    Ends with exactly one `done` or `error` event, unless the client goes away; then the rest is cancelled.
    """

    def __init__(
        self, first: StreamEvent, rest: AsyncGenerator[StreamEvent, None], instance: str, telemetry: Telemetry
    ) -> None:
        self._first = first
        self._rest = rest
        self._instance = instance
        self._telemetry = telemetry
        self._outcome = "disconnected"
        self._mistake = False
        # A proxy that collects the events before it passes them on would make a stream of no use.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._events(), headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; whatever happens, the generator behind them is closed."""
        try:
            with suppress(ClientDisconnect):  # what a newer server raises where an older one cancels
                await super().__call__(scope, receive, send)
        finally:
            self._telemetry.streams.labels(self._outcome).inc()
            scope[MISTAKE] = self._mistake
            await self._rest.aclose()

    async def _events(self) -> AsyncIterator[str]:
        try:
            yield _event_of(self._first)
            async for event in self._rest:
                if isinstance(event, Answer):
                    self._outcome = "done"
                yield _event_of(event)
        except ChatError as error:
            self._outcome = "error"
            yield sse("error", problems.of(error, self._instance))
        except Exception:  # the status is out already: an error event is the only way left to tell the client
            self._outcome, self._mistake = "error", True
            log.exception("a stream met an unexpected error")
            yield sse("error", problems.internal_body(self._instance))


def sse(event: str, data: dict[str, Any]) -> str:
    """Return one server-sent event with JSON as its data, which is always a single line."""
    return f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _event_of(event: StreamEvent) -> str:
    match event:
        case Started():
            ids = {
                "conversation_id": str(event.conversation_id),
                "user_message_id": str(event.user_message_id),
                "message_id": str(event.message_id),
            }
            return sse("start", ids)
        case Delta():
            return sse("delta", {"text": event.text})
        case Answer():
            return sse("done", ChatReply.of(event).model_dump(mode="json"))
