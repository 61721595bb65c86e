"""The words of the product: questions, turns, answers and messages. No I/O, no framework."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Usage:
    """Tokens that the provider counted; zero where it did not say."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Completion:
    """A finished answer of a provider. `finish_reason` is in OpenAI's words ('stop', 'length', ...)."""

    text: str
    provider: str
    model: str
    finish_reason: str
    usage: Usage


@dataclass(frozen=True)
class ContextMessage:
    """What a provider is told about one earlier message."""

    role: Role
    content: str


@dataclass(frozen=True)
class Context:
    """The recent messages of a conversation, oldest first, as they stood at `position` (0: it is new)."""

    position: int
    messages: tuple[ContextMessage, ...] = ()


@dataclass(frozen=True)
class Message:
    """One stored message. `provider` and `model` say who wrote an assistant's message."""

    id: UUID
    role: Role
    content: str
    created_at: datetime
    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class Conversation:
    """A whole conversation, in order."""

    id: UUID
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Question:
    """What a client asks. `key` is its Idempotency-Key, if it sent one."""

    message: str
    conversation_id: UUID | None = None
    stream: bool = False
    key: str | None = None

    def fingerprint(self) -> str:
        """Return a hash of the request's body: the same key with another one is a client's mistake."""
        conversation = str(self.conversation_id) if self.conversation_id else None
        body = json.dumps([self.message, conversation, self.stream], ensure_ascii=True)
        return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True)
class Turn:
    """One question on its way to an answer, with the ids that it will have when it is stored.

    `position` is how many messages the conversation held when the turn began; `owner` is the token that proves,
    when the turn is stored, that its Idempotency-Key is still reserved for it.
    """

    question: Question
    conversation_id: UUID
    user_message_id: UUID
    message_id: UUID
    owner: UUID
    position: int
    began_at: datetime

    @classmethod
    def begun(cls, question: Question, owner: UUID, position: int, now: datetime) -> Turn:
        """A turn that begins now, with ids of its own."""
        return cls(
            question=question,
            conversation_id=question.conversation_id or uuid4(),
            user_message_id=uuid4(),
            message_id=uuid4(),
            owner=owner,
            position=position,
            began_at=now,
        )

    @property
    def is_new_conversation(self) -> bool:
        """True when storing the turn will create the conversation."""
        return self.question.conversation_id is None


@dataclass(frozen=True)
class Answer:
    """An acknowledged turn: both of its messages are durable. `replayed` when an earlier request stored it."""

    conversation_id: UUID
    user_message_id: UUID
    message_id: UUID
    completion: Completion
    replayed: bool = False


@dataclass(frozen=True)
class Started:
    """First event of a stream: the ids that the turn's messages will have."""

    conversation_id: UUID
    user_message_id: UUID
    message_id: UUID
    replayed: bool = False


@dataclass(frozen=True)
class Delta:
    """A piece of the answer's text."""

    text: str


StreamEvent = Started | Delta | Answer
