import json

import pytest

from harness.history import Outcome
from harness.load.answers import Asked, judge_chat, judge_read, judge_stream

IDS = {"conversation_id": "c1", "user_message_id": "u1", "message_id": "a1"}
REPLY = {**IDS, "reply": "well said", "provider": "openai", "model": "m", "finish_reason": "stop", "usage": {}}
ASKED = Asked("c1")


def body(**changes):
    return json.dumps({**REPLY, **changes}).encode()


def sse(*events):
    return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events).encode()


START, DELTAS, DONE = ("start", IDS), [("delta", {"text": "well "}), ("delta", {"text": "said"})], ("done", REPLY)


def test_a_whole_reply_of_the_right_conversation_is_ok():
    judged = judge_chat(200, body(), ASKED)

    assert judged.outcome is Outcome.OK
    assert (judged.conversation_id, judged.user_message_id, judged.assistant_message_id) == ("c1", "u1", "a1")
    assert judged.provider == "openai"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (body(conversation_id="c2"), Outcome.WRONG),
        (body(finish_reason=None), Outcome.TRUNCATED),
        (body(finish_reason="length"), Outcome.TRUNCATED),
        (body(reply=""), Outcome.MALFORMED),
        (body(reply=None), Outcome.MALFORMED),
        (body(message_id=None), Outcome.MALFORMED),
        (body(message_id="u1"), Outcome.MALFORMED),  # one id for two messages
        (b"{not json", Outcome.MALFORMED),
        (b"[]", Outcome.MALFORMED),
        (b"\xff\xfe\x00", Outcome.MALFORMED),
        (b"", Outcome.MALFORMED),
    ],
)
def test_a_reply_that_is_not_right_is_not_ok(content, outcome):
    judged = judge_chat(200, content, ASKED)
    assert judged.outcome is outcome
    assert judged.detail
    assert not judged.assistant_message_id


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(429, Outcome.LIMITED), (503, Outcome.HTTP_ERROR), (404, Outcome.HTTP_ERROR), (201, Outcome.HTTP_ERROR)],
)
def test_a_wrong_status_is_told_with_its_problem(status, outcome):
    problem = json.dumps({"status": status, "title": "No", "detail": "because"}).encode()
    for judge in (judge_chat, judge_stream):
        judged = judge(status, problem, ASKED)
        assert judged.outcome is outcome
        assert judged.detail == f"{status} No: because"


def test_a_wrong_status_without_a_problem_shows_the_beginning_of_its_body():
    assert judge_chat(502, b"<html>Bad\n  Gateway", ASKED).detail == "<html>Bad Gateway"


def test_a_new_conversation_must_be_new():
    assert judge_chat(200, body(), Asked(None, lambda known: False)).outcome is Outcome.OK
    assert judge_chat(200, body(), Asked(None, lambda known: known == "c1")).outcome is Outcome.WRONG


def test_a_stream_that_ends_with_done_and_adds_up_is_ok():
    judged = judge_stream(200, sse(START, *DELTAS, DONE), ASKED)
    assert judged.outcome is Outcome.OK
    assert judged.assistant_message_id == "a1"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (sse(START, *DELTAS), Outcome.TRUNCATED),
        (sse(START, *DELTAS, DONE)[:-1], Outcome.TRUNCATED),  # the event 'done' lacks its closing blank line
        (b"", Outcome.TRUNCATED),
        (sse(START, *DELTAS, ("done", {**REPLY, "finish_reason": None})), Outcome.TRUNCATED),
        (sse(START, *DELTAS, ("done", {**REPLY, "conversation_id": "c2"})), Outcome.WRONG),
        (sse(START, *DELTAS, ("done", {**REPLY, "message_id": "a2"})), Outcome.WRONG),  # 'start' promised a1
        (sse(START, DELTAS[0], DONE), Outcome.MALFORMED),  # a delta is missing
        (sse(START, *DELTAS, DONE, DELTAS[0]), Outcome.MALFORMED),
        (sse(*DELTAS, DONE), Outcome.MALFORMED),
        (sse(START, ("what", {}), *DELTAS, DONE), Outcome.MALFORMED),
        (b"event: start\ndata: {oops\n\n" + sse(DONE), Outcome.MALFORMED),
        (b"event: delta\ndata: \xff\n\n", Outcome.MALFORMED),
        (sse(START, DELTAS[0], ("error", {"status": 502, "title": "Bad provider"})), Outcome.HTTP_ERROR),
    ],
)
def test_a_stream_that_is_not_right_is_not_ok(content, outcome):
    assert judge_stream(200, content, ASKED).outcome is outcome


def test_the_error_event_of_a_stream_tells_its_status():
    judged = judge_stream(200, sse(START, ("error", {"status": 502, "title": "Bad provider"})), ASKED)
    assert judged.detail == "in the stream: 502 Bad provider"


def conversation(*messages):
    told = [{"id": id_, "role": role, "content": "text"} for id_, role in messages]
    return json.dumps({"conversation_id": "c1", "messages": told}).encode()


STORED = [("u1", "user"), ("a1", "assistant"), ("x", "user"), ("u2", "user"), ("a2", "assistant")]


def test_a_read_must_show_every_acknowledged_message_in_order():
    assert judge_read(200, conversation(*STORED), "c1", ["u1", "a1", "u2", "a2"]).outcome is Outcome.OK
    assert judge_read(200, conversation(*STORED), "c1", ["u1", "a1", "u3"]).outcome is Outcome.WRONG
    assert judge_read(200, conversation(*STORED), "c1", ["u2", "a2", "u1", "a1"]).outcome is Outcome.WRONG
    assert judge_read(200, conversation(*STORED, *STORED), "c1", ["u1", "a1"]).outcome is Outcome.WRONG
    assert judge_read(200, conversation(*STORED), "c2", []).outcome is Outcome.WRONG


@pytest.mark.parametrize("content", [b"{}", b"nope", b'{"messages": [1]}', b'{"messages": [{"id": 1}]}'])
def test_a_read_that_cannot_be_understood_is_malformed(content):
    assert judge_read(200, content, "c1", ["u1"]).outcome is Outcome.MALFORMED


def test_a_read_of_a_wrong_status_is_an_error():
    assert judge_read(404, b"{}", "c1", ["u1"]).outcome is Outcome.HTTP_ERROR
