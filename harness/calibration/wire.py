"""The chat API's answers as bytes, right and wrong: what the reference server sends."""

from __future__ import annotations

import json
import uuid
from typing import Any

from harness.calibration.script import Form

Store = dict[str, list[dict[str, str]]]
"""Messages by conversation id, in order."""


def answer(method: str, path: str, body: bytes, store: Store, form: Form | None) -> bytes:
    """Return a whole HTTP answer; a new turn is in `store` by then. `form` is None or what is wrong with it.

    `cut` is whole here: whoever sends it closes the connection in its middle.
    """
    if form is Form.UNAVAILABLE:
        return _plain(503, {"status": 503, "title": "Unavailable", "detail": "scripted"}, "application/problem+json")
    if method == "GET":
        return _conversation(path.rpartition("/")[2], store, form)
    asked = json.loads(body)
    ids, reply = _turn(asked, store)
    if asked.get("stream"):
        return _stream(ids, reply, with_end=form is not Form.TRUNCATED)
    return _plain(200, reply if form is not Form.TRUNCATED else {**reply, "finish_reason": None})


def _turn(asked: dict[str, Any], store: Store) -> tuple[dict[str, str], dict[str, Any]]:
    """Store both messages and return their ids and the reply."""
    conversation = asked.get("conversation_id") or str(uuid.uuid4())
    said = {"id": str(uuid.uuid4()), "role": "user", "content": asked["message"]}
    told = {"id": str(uuid.uuid4()), "role": "assistant", "content": f"You said {asked['message'].lower()}"}
    store.setdefault(conversation, []).extend((said, told))
    ids = {"conversation_id": conversation, "user_message_id": said["id"], "message_id": told["id"]}
    rest = {"provider": "reference", "model": "reference", "finish_reason": "stop", "usage": {}}
    return ids, {**ids, "reply": told["content"], **rest}


def _conversation(conversation: str, store: Store, form: Form | None) -> bytes:
    if conversation not in store:
        return _plain(404, {"status": 404, "title": "Unknown conversation"}, "application/problem+json")
    text = json.dumps({"conversation_id": conversation, "messages": store[conversation]})
    return _head_and(200, text[: len(text) // 2] if form is Form.TRUNCATED else text)


def _stream(ids: dict[str, str], reply: dict[str, Any], with_end: bool) -> bytes:
    """Server-sent events in chunks: start, deltas, and `done` unless the end is missing."""
    events: list[tuple[str, Any]] = [("start", ids)]
    events += [("delta", {"text": part}) for part in reply["reply"].partition(" ")]
    events += [("done", reply)] if with_end else []
    texts = [f"event: {name}\ndata: {json.dumps(content)}\n\n".encode() for name, content in events]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(text), text) for text in texts) + b"0\r\n\r\n"


def _plain(status: int, content: Any, kind: str = "application/json") -> bytes:
    return _head_and(status, json.dumps(content), kind)


def _head_and(status: int, text: str, kind: str = "application/json") -> bytes:
    body = text.encode()
    return f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
