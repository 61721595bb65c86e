"""Requests and replies as they look on the wire; `/docs` is made from these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from targets.chat.domain import Answer, Conversation, Question, Role

MAX_MESSAGE = 8000  # characters, after leading and trailing white space was taken off


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a message cannot contain the NUL character")
    return text


Text = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE),
    AfterValidator(_storable),
]


class ChatRequest(BaseModel):
    """What a client asks."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: UUID | None = Field(None, description="An earlier reply's; leave it out to begin a conversation.")
    message: Text = Field(description=f"1 to {MAX_MESSAGE} characters.", examples=["What is an error budget?"])
    stream: bool = Field(False, strict=True, description="Answer with server-sent events.")

    def question(self, key: str | None) -> Question:
        """Return the request as the service takes it. `key` is the Idempotency-Key."""
        return Question(self.message, self.conversation_id, self.stream, key)


class UsageReply(BaseModel):
    """Tokens that the provider counted."""

    input_tokens: int
    output_tokens: int


class ChatReply(BaseModel):
    """An acknowledged turn: when this arrives, both messages are durable."""

    conversation_id: UUID
    user_message_id: UUID
    message_id: UUID
    reply: str
    provider: str
    model: str
    finish_reason: str
    usage: UsageReply

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Return the reply for an answer."""
        completion = answer.completion
        return cls(
            conversation_id=answer.conversation_id,
            user_message_id=answer.user_message_id,
            message_id=answer.message_id,
            reply=completion.text,
            provider=completion.provider,
            model=completion.model,
            finish_reason=completion.finish_reason,
            usage=UsageReply(input_tokens=completion.usage.input_tokens, output_tokens=completion.usage.output_tokens),
        )


class MessageReply(BaseModel):
    """One stored message."""

    id: UUID
    role: Role
    content: str
    created_at: datetime
    provider: str | None
    model: str | None


class ConversationReply(BaseModel):
    """A whole conversation, in order."""

    conversation_id: UUID
    messages: list[MessageReply]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Return the reply for a conversation."""
        messages = [MessageReply.model_validate(vars(message)) for message in conversation.messages]
        return cls(conversation_id=conversation.id, messages=messages)


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Healthy(BaseModel):
    """Whether the process should go on. starting: it was never ready yet; failing: most of its answers are mistakes."""

    status: Literal["healthy", "starting", "failing"]


class Dependency(BaseModel):
    """One dependency. Only a `required` one that is away makes the server not ready.

    `breaker` is the state of its circuit breaker, where it has one: closed, open or half_open.
    """

    ok: bool
    required: bool
    latency_ms: float | None = None
    recent_calls: int | None = None
    recent_failures: int | None = None
    breaker: str | None = None


class Readiness(BaseModel):
    """Whether the server should get requests, and the state of each of its dependencies."""

    status: Literal["ready", "not ready", "draining", "failing"]
    dependencies: dict[str, Dependency]
