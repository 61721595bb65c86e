"""What the document store keeps: documents that are written once, and never changed or deleted. No I/O.

A turn, both of its messages, is one document. Two fields are unique, and that is all the consistency there is:

- `_id` of a turn is its place in the conversation: of two turns that want the same place, one gets it;
- `slot` is the place in the history of an Idempotency-Key. A history begins with a reservation in the slot of the key,
  and every further entry takes the slot "after" another. So a reservation is followed by one entry only: the turn that
  it was made for, a release, or the reservation of someone who takes over when its lease has ended.

`of` says where a document belongs: to a stretch of a conversation, and to a key. Documents are only ever looked for by
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from targets.chat.domain import Answer, Completion, Message, Question, Role, Turn, Usage
from targets.chat.stores.transfer import StoredTurn

Document = Mapping[str, Any]

STRETCH = 32
"""How many turns are looked up together. A gateway reads whole documents, so a stretch bounds what a look costs."""


def stretch(conversation_id: UUID, number: int) -> str:
    """Return the `of` of the `number`-th turn of a conversation, counted from 0, and of those around it."""
    return f"conversation {conversation_id}/{number // STRETCH}"


def history(key: str) -> str:
    """Return the `of` of everything that was done with a key."""
    return f"key {key}"


def reservation(question: Question, owner: UUID, now: datetime, lease_s: float, after: str | None = None) -> Document:
    """Return the reservation of the question's key, as the first entry or `after` another one (its `_id`)."""
    return {
        "_id": reserved_by(owner),
        "slot": history(str(question.key)) if after is None else f"after {after}",
        "of": [history(str(question.key))],
        "hash": question.fingerprint(),
        "until": now + timedelta(seconds=lease_s),
    }


def release(key: str, owner: UUID) -> Document:
    """Return the end of a reservation without a turn."""
    return {"_id": f"release {owner}", "slot": f"after {reserved_by(owner)}", "of": [history(key)]}


def reserved_by(owner: UUID) -> str:
    """Return the `_id` of a reservation."""
    return f"reservation {owner}"


def turn_at(number: int, turn: Turn, completion: Completion, now: datetime) -> Document:
    """Return the turn as the `number`-th of its conversation, counted from 0."""
    question, tokens = turn.question, completion.usage
    keyed = {} if question.key is None else {"hash": question.fingerprint()}
    belongs = [stretch(turn.conversation_id, number)] + ([] if question.key is None else [history(question.key)])
    return {
        "_id": f"{turn.conversation_id}/{number}",
        "slot": f"turn {turn.message_id}" if question.key is None else f"after {reserved_by(turn.owner)}",
        "of": belongs,
        "number": number,
        "conversation": str(turn.conversation_id),
        "user": {"id": str(turn.user_message_id), "content": question.message, "at": turn.began_at},
        "assistant": {
            "id": str(turn.message_id),
            "content": completion.text,
            "at": now,
            "provider": completion.provider,
            "model": completion.model,
            "finish_reason": completion.finish_reason,
            "input_tokens": tokens.input_tokens,
            "output_tokens": tokens.output_tokens,
        },
        **keyed,
    }


def taken_in(stored: StoredTurn) -> list[Document]:
    """Return what another store's turn is here, in the order in which it has to be inserted.

    Whoever reserved its key there is unknown, so the answer's id stands for the owner: the documents are the same
    whenever they are made.
    """
    key = stored.key
    question = Question(stored.message, stored.conversation_id, key=None if key is None else key.key)
    turn = Turn(
        question=question,
        conversation_id=stored.conversation_id,
        user_message_id=stored.user_message_id,
        message_id=stored.message_id,
        owner=stored.message_id,
        position=2 * stored.number,
        began_at=stored.began_at,
    )
    document = turn_at(stored.number, turn, stored.completion, stored.ended_at)
    if key is None:
        return [document]
    # The fingerprint is that of the request, of which more was known there than is stored.
    fingerprint = {"hash": key.request_hash}
    reserved = reservation(question, turn.owner, stored.ended_at, lease_s=0.0)
    return [{**reserved, **fingerprint}, {**document, **fingerprint}]


def same(one: Document, other: Document) -> bool:
    """Whether two documents are one: the place of a turn alone does not tell which turn is there."""
    mine, others = ((document["_id"], document.get("assistant", {}).get("id")) for document in (one, other))
    return bool(mine == others)


def is_turn(document: Document) -> bool:
    """Whether it is a turn, and not an entry about a key alone."""
    return "number" in document


def last_entry(entries: Sequence[Document], key: str) -> Document | None:
    """Return the entry of a key's history that no other follows; None when the first is not among `entries`."""
    slots = {entry["slot"]: entry for entry in entries}
    entry = slots.get(history(key))
    while entry is not None and (then := slots.get(f"after {entry['_id']}")):
        entry = then
    return entry


def answer_of(document: Document) -> Answer:
    """Return the answer that a stored turn is."""
    said = document["assistant"]
    usage = Usage(said["input_tokens"], said["output_tokens"])
    return Answer(
        conversation_id=UUID(document["conversation"]),
        user_message_id=UUID(document["user"]["id"]),
        message_id=UUID(said["id"]),
        completion=Completion(said["content"], said["provider"], said["model"], said["finish_reason"], usage),
        replayed=True,
    )


def messages_of(document: Document) -> tuple[Message, Message]:
    """Return both messages of a stored turn."""
    return _message("user", document["user"]), _message("assistant", document["assistant"])


def position_after(document: Document) -> int:
    """Return how many messages a conversation holds that ends with this turn."""
    return 2 * (int(document["number"]) + 1)


def _message(role: Role, said: Document) -> Message:
    provider, model = said.get("provider"), said.get("model")
    return Message(UUID(said["id"]), role, said["content"], said["at"], provider, model)
