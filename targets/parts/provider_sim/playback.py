"""Plays a plan to a client, in time, and notices when the client leaves."""

from __future__ import annotations

import asyncio
import time

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from targets.parts.provider_sim.plan import Ending, Plan
from targets.parts.provider_sim.state import Counters


class Playback(Response):
    """The response that a plan describes. Due times count from `started_s` (s, time.monotonic)."""

    def __init__(self, plan: Plan, counters: Counters | None, started_s: float) -> None:
        super().__init__(status_code=plan.status)
        self._plan = plan
        self._counters = counters
        self._started_s = started_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send every step when it is due; count how it ended."""
        client_left = asyncio.create_task(_until_client_leaves(receive))
        completed = False
        try:
            completed = await self._play(send, client_left)
        finally:
            client_left.cancel()
            if self._counters is not None:
                self._counters.ended(completed=completed)

    async def _play(self, send: Send, client_left: asyncio.Task[None]) -> bool:
        for number, step in enumerate(self._plan.steps):
            if not await _is_there_at(self._started_s + step.at_s, client_left):
                return False
            if number == 0:
                await send(self._head())
            await send({"type": "http.response.body", "body": step.body, "more_body": True})
        if self._plan.ending is Ending.SILENCE:
            await client_left
            return False
        if self._plan.ending is Ending.DROP:
            # Returning before the body is complete is how an ASGI application makes uvicorn drop the connection.
            return False
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return True

    def _head(self) -> dict[str, object]:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._plan.headers.items()]
        return {"type": "http.response.start", "status": self._plan.status, "headers": headers}


async def _until_client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _is_there_at(due_s: float, client_left: asyncio.Task[None]) -> bool:
    """Wait until `due_s` (time.monotonic); return early, with False, when the client leaves."""
    wait_s = due_s - time.monotonic()
    if wait_s > 0:
        await asyncio.wait((client_left,), timeout=wait_s)
    return not client_left.done()
