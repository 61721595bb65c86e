"""What the reference server sends is taken by the load generator's own judges for what it is."""

import json

import pytest

from harness.calibration.script import Form
from harness.calibration.wire import answer
from harness.history import Outcome
from harness.load.answers import Asked, judge_chat, judge_read, judge_stream


def parts(whole):
    head, _, body = whole.partition(b"\r\n\r\n")
    if b"chunked" in head:
        chunks, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks, rest = chunks + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        body = chunks
    else:
        assert f"content-length: {len(body)}".encode() in head
    return int(head.split()[1]), body


def said(stream, form=None, store=None, conversation=None):
    content = {"message": "[r-1] Hello", "stream": stream}
    if conversation:
        content["conversation_id"] = conversation
    return answer("POST", "/v1/chat", json.dumps(content).encode(), {} if store is None else store, form)


@pytest.mark.parametrize(
    ("form", "outcome"),
    [(None, Outcome.OK), (Form.UNAVAILABLE, Outcome.HTTP_ERROR), (Form.TRUNCATED, Outcome.TRUNCATED)],
)
def test_turns(form, outcome):
    assert judge_chat(*parts(said(False, form)), Asked(None)).outcome is outcome
    assert judge_stream(*parts(said(True, form)), Asked(None)).outcome is outcome


def test_a_conversation_is_kept_and_read_back():
    store = {}
    first = judge_chat(*parts(said(False, store=store)), Asked(None))
    second = judge_stream(*parts(said(True, None, store, first.conversation_id)), Asked(first.conversation_id))
    ids = [one for turn in (first, second) for one in (turn.user_message_id, turn.assistant_message_id)]
    path = f"/v1/chat/{first.conversation_id}"
    status, body = parts(answer("GET", path, b"", store, None))
    assert judge_read(status, body, first.conversation_id, ids).outcome is Outcome.OK
    status, body = parts(answer("GET", path, b"", store, Form.TRUNCATED))
    assert judge_read(status, body, first.conversation_id, ids).outcome is Outcome.MALFORMED
    status, body = parts(answer("GET", "/v1/chat/nobody", b"", store, None))
    assert judge_read(status, body, "nobody", []).outcome is Outcome.HTTP_ERROR
