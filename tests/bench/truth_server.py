"""A chat API as fast as Python gets, whose truth is known: when it misbehaves, and what arrived when.

    python -m tests.bench.truth_server --delay 0.05

It prints its port. `POST /control` with a list of {"from": s, "until": s, "how": "hang" or "fail"} (CLOCK_MONOTONIC)
sets windows of misbehaviour, `GET /log` returns the moments (CLOCK_MONOTONIC, s) at which arrivals came in.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import statistics
import sys
import time
from typing import Any

import uvloop

GOLDEN = (math.sqrt(5) - 1) / 2


class Truth:
    """The state that all connections share."""

    def __init__(self, delay_s: float, sigma: float) -> None:
        self.delay_s, self.sigma = delay_s, sigma
        self.windows: list[dict[str, Any]] = []
        self.arrived: list[float] = []
        self.conversations: dict[str, list[tuple[str, str]]] = {}
        self.ids = itertools.count(1)
        self.turns = itertools.count(1)
        self._normal = statistics.NormalDist()

    def behaviour(self, now: float) -> str:
        """'ok', 'hang' or 'fail', by the windows."""
        return next((w["how"] for w in self.windows if w["from"] <= now < w["until"]), "ok")

    def delay(self) -> float:
        """The next delay: log-normal quantiles at multiples of the golden ratio, which fill the range evenly.

        So any few thousand requests in a row have the same percentiles, and two load tools meet the same server.
        """
        if not self.sigma:
            return self.delay_s
        place = (next(self.turns) * GOLDEN) % 1.0
        return self.delay_s * math.exp(self.sigma * self._normal.inv_cdf(min(max(place, 1e-6), 1 - 1e-6)))

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """The right answer of the chat API."""
        if method == "GET":
            return self._read(path.rpartition("/")[2])
        asked = json.loads(body)
        conversation = asked.get("conversation_id") or f"c{next(self.ids)}"
        said, told = f"m{next(self.ids)}", f"m{next(self.ids)}"
        self.conversations.setdefault(conversation, []).append((said, told))
        ids = {"conversation_id": conversation, "user_message_id": said, "message_id": told}
        reply = {**ids, "reply": "well said", "provider": "p", "model": "m", "finish_reason": "stop", "usage": {}}
        if not asked.get("stream"):
            return plain(200, json.dumps(reply))
        events = [("start", ids), ("delta", {"text": "well "}), ("delta", {"text": "said"}), ("done", reply)]
        text = "".join(f"event: {name}\ndata: {json.dumps(content)}\n\n" for name, content in events)
        return plain(200, text, "text/event-stream")

    def _read(self, conversation: str) -> bytes:
        pairs = self.conversations.get(conversation)
        if pairs is None:
            return plain(404, "{}")
        messages = [
            {"id": id_, "role": role, "content": "text"}
            for pair in pairs
            for id_, role in zip(pair, ("user", "assistant"), strict=True)
        ]
        return plain(200, json.dumps({"conversation_id": conversation, "messages": messages}))


def plain(status: int, text: str, kind: str = "application/json") -> bytes:
    """An answer with its length."""
    body = text.encode()
    return (
        b"HTTP/1.1 %d X\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind.encode(), len(body)) + body
    )


class Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request. No pipelining."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        length = next((int(x.partition(":")[2]) for x in lines[1:] if x.lower().startswith("content-length:")), 0)
        if len(rest) < length:
            return
        self._buffer = b""
        method, path, _ = lines[0].split(" ")
        self._handle(method, path, rest[:length])

    def _handle(self, method: str, path: str, body: bytes) -> None:
        truth, now = self._truth, time.monotonic()
        if path == "/control":
            truth.windows.extend(json.loads(body))
            self._transport.write(plain(200, "{}"))
            return
        if path == "/log":
            self._transport.write(plain(200, json.dumps(truth.arrived)))
            return
        truth.arrived.append(now)
        behaviour = truth.behaviour(now)
        if behaviour == "hang":
            return  # and nothing more, until the client leaves
        if behaviour == "fail":
            self._transport.write(plain(503, '{"status": 503, "title": "No"}'))
            return
        answer = truth.answer(method, path, body)
        delay = truth.delay()
        if delay:
            asyncio.get_running_loop().call_later(delay, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def serve(delay_s: float, sigma: float) -> None:
    """Serve until killed."""
    truth = Truth(delay_s, sigma)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(truth), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="of an answer, s (the median, with --sigma)")
    parser.add_argument("--sigma", type=float, default=0.0, help="spread of a log-normal delay")
    given = parser.parse_args()
    uvloop.run(serve(given.delay, given.sigma))
