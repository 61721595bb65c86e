"""Judges an answer of the chat API from the user's side: pure functions from bytes to an outcome.

Good is semantic (method, section 1): right status, complete, well formed, of the right conversation. Whether it came
in time is judged elsewhere, from the times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.load.sse import parse_events
from harness.outcome import Outcome

ID_KEYS = ("conversation_id", "user_message_id", "message_id")
"""The ids in a reply: of the conversation, of the user's message, and of the assistant's."""


@dataclass(frozen=True)
class Judgement:
    """How an answer is to be taken. Ids and provider are '' unless the answer was in order; `detail` is for people."""

    outcome: Outcome
    conversation_id: str = ""
    user_message_id: str = ""
    assistant_message_id: str = ""
    provider: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Asked:
    """What the turn was about: the conversation it goes on with, or None and how to tell a known id from a new one."""

    conversation_id: str | None
    is_known: Callable[[str], bool] = lambda _: False


def judge_status(status: int, body: bytes) -> Judgement | None:
    """Return the judgement on a wrong status, None when the status is 200."""
    if status == 200:
        return None
    outcome = Outcome.LIMITED if status == 429 else Outcome.HTTP_ERROR
    return Judgement(outcome, detail=_problem(body))


def judge_chat(status: int, body: bytes, asked: Asked) -> Judgement:
    """Judge a plain answer."""
    return judge_status(status, body) or _judge_reply(_json_object(body), asked)


def judge_stream(status: int, body: bytes, asked: Asked) -> Judgement:
    """Judge a streamed answer: start, deltas, then exactly one `done` that carries the reply, or one `error`."""
    wrong = judge_status(status, body)
    if wrong is not None:
        return wrong
    events = _readable_events(body)
    if events is None:
        return Judgement(Outcome.MALFORMED, detail="the stream has an event that is not a JSON object")
    names = [name for name, _ in events]
    last = next((k for k, name in enumerate(names) if name in ("done", "error")), None)
    if last is None:
        return Judgement(Outcome.TRUNCATED, detail=f"the stream ended after {len(events)} events without 'done'")
    if names[last] == "error":
        return Judgement(Outcome.HTTP_ERROR, detail="in the stream: " + _problem_text(events[last][1]))
    disorder = _disorder(names, last)
    if disorder:
        return Judgement(Outcome.MALFORMED, detail=disorder)
    return _judge_done([content for _, content in events], asked)


def judge_read(status: int, body: bytes, conversation_id: str, acknowledged: Sequence[str]) -> Judgement:
    """Judge a conversation that was read: every id in `acknowledged` is there, in that order."""
    wrong = judge_status(status, body)
    if wrong is not None:
        return wrong
    found = read_stored(body)
    if found is None:
        return Judgement(Outcome.MALFORMED, detail="the conversation cannot be read: " + _excerpt(body))
    if found.conversation_id != conversation_id:
        return Judgement(Outcome.WRONG, detail=f"asked for {conversation_id}, got {found.conversation_id}")
    missing = set(acknowledged) - set(found.ids)
    if missing:
        detail = f"{len(missing)} of {len(acknowledged)} acknowledged messages are missing, first {min(missing)}"
        return Judgement(Outcome.WRONG, conversation_id, detail=detail)
    wanted = set(acknowledged)
    if [one for one in found.ids if one in wanted] != list(acknowledged):
        return Judgement(Outcome.WRONG, conversation_id, detail="acknowledged messages are out of order or repeated")
    return Judgement(Outcome.OK, conversation_id)


@dataclass(frozen=True)
class Stored:
    """A conversation as the API tells it: ids, roles and contents of its messages, in order."""

    conversation_id: str
    ids: tuple[str, ...]
    roles: tuple[str, ...]
    contents: tuple[str, ...]


def read_stored(body: bytes) -> Stored | None:
    """Read the body of GET /v1/chat/{id}; None when it is not what the API promises."""
    content = _json_object(body) or {}
    messages = content.get("messages")
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        return None
    columns = [tuple(one.get(key) for one in messages) for key in ("id", "role", "content")]
    if not all(isinstance(value, str) for column in columns for value in column):
        return None
    return Stored(str(content.get("conversation_id")), *columns)


def _judge_reply(reply: dict[str, Any] | None, asked: Asked) -> Judgement:
    ids = _ids(reply or {})
    if reply is None or ids is None:
        return Judgement(Outcome.MALFORMED, detail="the answer is not a JSON object with the ids of its messages")
    conversation, user, assistant = ids
    if asked.conversation_id is None and asked.is_known(conversation):
        return Judgement(Outcome.WRONG, detail=f"asked for a new conversation, got {conversation} of someone else")
    if asked.conversation_id not in (None, conversation):
        return Judgement(Outcome.WRONG, detail=f"asked for {asked.conversation_id}, got {conversation}")
    if reply.get("finish_reason") != "stop":
        return Judgement(Outcome.TRUNCATED, detail=f"finish_reason is {reply.get('finish_reason')!r}"[:200])
    if not isinstance(reply.get("reply"), str) or not reply["reply"].strip():
        return Judgement(Outcome.MALFORMED, detail="the reply is empty")
    return Judgement(Outcome.OK, conversation, user, assistant, str(reply.get("provider") or ""))


def _ids(reply: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return the ids of the conversation, the user's and the assistant's message; None when one is missing."""
    conversation, user, assistant = (reply.get(key) for key in ID_KEYS)
    if isinstance(conversation, str) and isinstance(user, str) and isinstance(assistant, str):
        return (conversation, user, assistant) if conversation and user and assistant and user != assistant else None
    return None


def _judge_done(contents: list[dict[str, Any]], asked: Asked) -> Judgement:
    """Judge a stream whose events are in order: `done` must agree with `start` and with the deltas."""
    start, deltas, done = contents[0], contents[1:-1], contents[-1]
    judged = _judge_reply(done, asked)
    if judged.outcome is not Outcome.OK:
        return judged
    if any(start.get(key) != done.get(key) for key in ID_KEYS):
        return Judgement(Outcome.WRONG, detail="'start' and 'done' name different conversations or messages")
    if "".join(str(delta.get("text", "")) for delta in deltas) != done["reply"]:
        return Judgement(Outcome.MALFORMED, detail="the deltas do not add up to the reply")
    return judged


def _disorder(names: list[str], last: int) -> str:
    """Say what is wrong with the order of a stream's events; '' when nothing is."""
    if last != len(names) - 1:
        return f"{len(names) - 1 - last} events after 'done'"
    if names[0] != "start":
        return f"the stream begins with '{names[0]}'"
    strange = next((name for name in names[1:-1] if name != "delta"), "")
    return f"'{strange}' among the deltas" if strange else ""


def _readable_events(body: bytes) -> list[tuple[str, dict[str, Any]]] | None:
    """Return name and content of every event; None when one of them cannot be read."""
    try:
        events = [(event.name, _json_object(event.data)) for event in parse_events(body)]
    except UnicodeDecodeError:
        return None
    readable = [(name, content) for name, content in events if content is not None]
    return readable if len(readable) == len(events) else None


def _json_object(text: bytes | str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None
    return content if isinstance(content, dict) else None


def _problem(body: bytes) -> str:
    """Return 'status title: detail' of an RFC 9457 problem, or the beginning of whatever else it is."""
    problem = _json_object(body)
    return _excerpt(body) if problem is None else _problem_text(problem)


def _problem_text(problem: dict[str, Any]) -> str:
    text = f"{problem.get('status', '')} {problem.get('title', '')}: {problem.get('detail') or ''}"
    return text.strip(" :")[:200]


def _excerpt(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split())
