"""A small chat server whose truth is scripted: it does to each request what a function tells it to.

It speaks just enough HTTP/1.1 by hand, because no framework can be made to misbehave on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

Behaviour = Literal[
    "ok",
    "hang",  # takes the request and says nothing until the client leaves
    "dribble",  # one byte of the answer every 0.2 s
    "drop",  # closes without a word
    "close_after",  # answers, then closes without having announced it
    "break_off",  # closes in the middle of the answer
    "garbage",  # an answer that is not HTTP
    "not_json",
    "no_finish",  # an answer without its finish reason; a stream without its 'done'
    "error_event",  # a stream that ends with an 'error' event
    "wrong_conversation",
    "forget",  # acknowledges and stores nothing
    "repeat",  # stores the user's message twice
    "limited",
    "unavailable",
]


@dataclass(frozen=True)
class Attempt:
    """A request as the server saw it. `t` is CLOCK_MONOTONIC (s); `arrival`, `client`, `request`: its headers."""

    t: float
    method: str
    path: str
    arrival: str
    behaviour: Behaviour
    client: str = ""
    conversation: str = ""
    request: str = ""


class ChatServer:
    """Serves on loopback from a thread of its own. `script` maps (monotonic s, method) to a behaviour."""

    def __init__(
        self, script: Callable[[float, str], Behaviour] = lambda t, method: "ok", delay_s: float = 0.0
    ) -> None:
        self.script = script
        self.delay_s = delay_s
        self.keep_alive_s = 60.0
        self.refused_clients: Callable[[str], bool] = lambda client: False
        self.attempts: list[Attempt] = []
        self.connections = 0
        self.store: dict[str, list[dict[str, Any]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        self._do(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def up(self) -> None:
        """Listen, on the same port as before."""
        self._do(self._listen())

    def down(self) -> None:
        """Stop listening and reset every connection, as a dying process does."""
        self._do(self._stop())

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _cancel_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client left, or was idle for too long
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.keep_alive_s)
        line, *rest = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        headers = {key.lower(): value.strip() for key, _, value in (one.partition(":") for one in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        now = time.monotonic()
        client = headers.get("x-client-id", "")
        behaviour = "limited" if self.refused_clients(client) else self.script(now, method)
        about = path.rpartition("/")[2] if method == "GET" else json.loads(body or b"{}").get("conversation_id", "")
        arrival = headers.get("x-arrival-id", "")
        request = headers.get("x-request-id", "")
        self.attempts.append(Attempt(now, method, path, arrival, behaviour, client, about, request))
        if behaviour == "drop":
            return False
        if behaviour == "hang":
            await reader.read(1)
            return False
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        answer = self._answer(method, path, json.loads(body or b"{}"), behaviour)
        return await self._send(writer, answer, behaviour)

    async def _send(self, writer: asyncio.StreamWriter, answer: bytes, behaviour: Behaviour) -> bool:
        if behaviour == "dribble":
            for byte in answer:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
        if behaviour == "close_after":
            # Corked, so that the FIN leaves with the answer however busy the machine is.
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        cut = len(answer) - 20 if behaviour == "break_off" else len(answer)
        writer.write(answer[:cut])
        await writer.drain()
        return behaviour not in ("close_after", "break_off", "garbage")

    def _answer(self, method: str, path: str, content: dict[str, Any], behaviour: Behaviour) -> bytes:
        if behaviour == "garbage":
            return b"\x00\x01 this is not HTTP\r\n\r\n"
        if behaviour in ("limited", "unavailable"):
            status = 429 if behaviour == "limited" else 503
            return plain(status, {"status": status, "title": "No", "detail": "scripted"}, "application/problem+json")
        if behaviour == "not_json" and not content.get("stream"):
            return plain(200, "no json here")
        if method == "GET":
            return self._conversation(path.rpartition("/")[2])
        return self._turn(content, behaviour)

    def _conversation(self, conversation: str) -> bytes:
        if conversation not in self.store:
            return plain(404, {"status": 404, "title": "Unknown conversation"}, "application/problem+json")
        return plain(200, {"conversation_id": conversation, "messages": self.store[conversation]})

    def _turn(self, content: dict[str, Any], behaviour: Behaviour) -> bytes:
        asked = content.get("conversation_id") or str(uuid.uuid4())
        conversation = str(uuid.uuid4()) if behaviour == "wrong_conversation" else asked
        said = {"id": str(uuid.uuid4()), "role": "user", "content": content["message"]}
        text = "You said " + content["message"].lower()
        told = {"id": str(uuid.uuid4()), "role": "assistant", "content": text}
        messages = self.store.setdefault(asked, [])
        if behaviour != "forget":
            messages += [said, {**said, "id": str(uuid.uuid4())}] if behaviour == "repeat" else [said]
            messages.append(told)
        ids = {"conversation_id": conversation, "user_message_id": said["id"], "message_id": told["id"]}
        finish = None if behaviour == "no_finish" else "stop"
        reply = {**ids, "reply": text, "provider": "openai", "model": "m", "finish_reason": finish, "usage": {}}
        return stream(ids, reply, behaviour) if content.get("stream") else plain(200, reply)


def plain(status: int, content: Any, kind: str = "application/json") -> bytes:
    """One answer with its length."""
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    return f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def stream(ids: dict[str, str], reply: dict[str, Any], behaviour: Behaviour) -> bytes:
    """Server-sent events in chunks: start, deltas, done."""
    events = [("start", ids)] + [("delta", {"text": word}) for word in reply["reply"].partition(" ")]
    if behaviour == "error_event":
        events.append(("error", {"status": 502, "title": "Bad answer of the provider"}))
    elif behaviour != "no_finish":
        events.append(("done", reply))
    texts = [f"event: {name}\ndata: {json.dumps(content)}\n\n" for name, content in events]
    if behaviour == "not_json":
        texts[1] = "event: delta\ndata: {no json\n\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(text.encode()), text.encode()) for text in texts)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


def between(start: float, end: float, behaviour: Behaviour) -> Callable[[float, str], Behaviour]:
    """A script that misbehaves from `start` to `end` (CLOCK_MONOTONIC, s) and is fine otherwise."""
    return lambda t, method: behaviour if start <= t < end else "ok"


@contextlib.contextmanager
def serving(behaviour: Behaviour = "ok", **options: Any) -> Any:
    """A server that always does the same."""
    with ChatServer(lambda t, method: behaviour, **options) as server:
        yield server
