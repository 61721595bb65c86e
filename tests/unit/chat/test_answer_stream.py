"""Whatever becomes of a streamed response, the generator behind it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest
from starlette.types import Message

from targets.chat.domain import Delta, Started, StreamEvent
from targets.chat.streaming import AnswerStream
from targets.chat.telemetry import Telemetry


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_a_client_that_is_gone_before_the_first_byte(spec_version: str) -> None:
    closed = []

    async def words() -> AsyncGenerator[StreamEvent, None]:
        try:
            while True:
                yield Delta("on and on ")
        finally:
            closed.append(True)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await asyncio.sleep(0)  # as a real server: others get their turn
        if message["type"] == "http.response.body" and spec_version == "2.4":
            raise OSError("the client is gone")

    rest = words()  # held here, so that nothing but the response closes it
    await anext(rest)
    response = AnswerStream(Started(uuid4(), uuid4(), uuid4()), rest, "/v1/chat", Telemetry())
    await response({"type": "http", "asgi": {"spec_version": spec_version}}, receive, send)
    assert closed == [True]
