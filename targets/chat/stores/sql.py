"""The store in SQL, once for every database that has it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from targets.chat.domain import (
    Answer,
    Completion,
    Context,
    ContextMessage,
    Conversation,
    Message,
    Question,
    Turn,
    Usage,
)
from targets.chat.errors import ConversationUnknown, KeyInProgress, KeyReused
from targets.chat.stores.database import Database, Parameter, Row, Session
from targets.chat.stores.repeat import repeated

# Reserves a key, or takes it over from a request that died: its lease has ended and nothing was stored. Who reserved it
# already (and could not know, as the connection broke) has it.
RESERVE = """
    INSERT INTO idempotency_keys (key, request_hash, owner, lease_until) VALUES (?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
    WHERE idempotency_keys.message_id IS NULL
      AND idempotency_keys.request_hash = excluded.request_hash
      AND (idempotency_keys.lease_until < ? OR idempotency_keys.owner = excluded.owner)
    RETURNING owner
"""

# Takes the next two places of the conversation. The row stays locked until the transaction ends: concurrent turns
# of one conversation stand in line here.
ADVANCE = """
    INSERT INTO conversations (id, last_position, created_at) VALUES (?, 2, ?)
    ON CONFLICT (id) DO UPDATE SET last_position = conversations.last_position + 2
    RETURNING last_position
"""

ADD_MESSAGE = """
    INSERT INTO messages (id, conversation_id, position, role, content, created_at,
                          provider, model, finish_reason, input_tokens, output_tokens)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

SETTLE = "UPDATE idempotency_keys SET user_message_id = ?, message_id = ? WHERE key = ? AND owner = ? RETURNING key"


class SqlStore:
    """A Store on a Database.

    What a fail-over broke is tried again for `repeat_s`, also where nobody knows whether the broken attempt was carried
    out: ids and owners are made before the first attempt, so that a later one finds what an earlier one has stored.
    """

    def __init__(self, database: Database, repeat_s: float = 0.0) -> None:
        self._database = database
        self._repeat_s = repeat_s

    async def open(self) -> None:
        """Start; return at once, also when the database is away."""
        await self._database.open()

    async def begin(self, question: Question, now: datetime, lease_s: float) -> Turn | Answer:
        """Reserve the key and look up the conversation, in one transaction (see Store)."""
        owner = uuid4()

        async def reserved(_: int) -> int | Answer:
            async with self._database.transaction() as session:
                if question.key is not None:
                    answer = await _reserve(session, question, owner, now, lease_s)
                    if answer is not None:
                        return answer
                return await _position(session, question.conversation_id)

        position = await repeated(reserved, self._repeat_s)
        if isinstance(position, Answer):
            return position
        return Turn.begun(question, owner, position, now)

    async def context(self, turn: Turn, limit: int) -> Context:
        """Return the last `limit` messages as the turn found them, oldest first."""
        rows = await self._rows(
            "SELECT role, content FROM messages WHERE conversation_id = ? AND position <= ?"
            " ORDER BY position DESC LIMIT ?",
            turn.conversation_id,
            turn.position,
            limit,
        )
        messages = tuple(ContextMessage(row["role"], row["content"]) for row in reversed(rows))
        return Context(turn.position, messages)

    async def commit(self, turn: Turn, completion: Completion, now: datetime) -> int:
        """Keep both messages in one transaction and return the position of the second (see Store)."""

        async def stored(attempt: int) -> int:
            async with self._database.transaction() as session:
                if attempt > 1:
                    found = await session.rows("SELECT position FROM messages WHERE id = ?", turn.message_id)
                    if found:
                        return int(found[0]["position"])
                return await _add(session, turn, completion, now)

        return await repeated(stored, self._repeat_s)

    async def release(self, turn: Turn) -> None:
        """Give back the key of a turn that will not be stored; nothing happens when it was."""
        if turn.question.key is None:
            return
        await self._rows(
            "DELETE FROM idempotency_keys WHERE key = ? AND owner = ? AND message_id IS NULL",
            turn.question.key,
            turn.owner,
        )

    async def conversation(self, conversation_id: UUID) -> Conversation:
        """Return the whole conversation. Raises ConversationUnknown."""
        rows = await self._rows(
            "SELECT id, role, content, created_at, provider, model FROM messages"
            " WHERE conversation_id = ? ORDER BY position",
            conversation_id,
        )
        if not rows:  # a conversation is stored together with its first two messages
            raise ConversationUnknown(f"There is no conversation {conversation_id}.")
        return Conversation(conversation_id, tuple(_message(row) for row in rows))

    async def ping(self) -> None:
        """Return when the database answers and its schema is there."""
        await self._database.ping()

    async def close(self) -> None:
        """Let go of connections."""
        await self._database.close()

    async def _rows(self, sql: str, *parameters: Parameter) -> list[Row]:
        """Execute one statement that may be carried out twice."""

        async def executed(_: int) -> list[Row]:
            async with self._database.session() as session:
                return await session.rows(sql, *parameters)

        return await repeated(executed, self._repeat_s)


async def _reserve(session: Session, question: Question, owner: UUID, now: datetime, lease_s: float) -> Answer | None:
    """Reserve the question's key for `owner`; return the stored answer when there is one already."""
    fingerprint = question.fingerprint()
    until = now + timedelta(seconds=lease_s)
    if await session.rows(RESERVE, question.key, fingerprint, owner, until, now):
        return None
    rows = await session.rows("SELECT * FROM idempotency_keys WHERE key = ?", question.key)
    if rows and rows[0]["request_hash"] != fingerprint:
        raise KeyReused("This Idempotency-Key was used with another request body. Use a new key.")
    if not rows or rows[0]["message_id"] is None:  # no row: the other request gave up at this very moment
        raise KeyInProgress("A request with this Idempotency-Key is still in progress.", retry_after_s=1)
    return await _stored_answer(session, rows[0])


async def _add(session: Session, turn: Turn, completion: Completion, now: datetime) -> int:
    """Add both messages of the turn and settle its key; return the position of the second."""
    question, tokens = turn.question, completion.usage
    rows = await session.rows(ADVANCE, turn.conversation_id, turn.began_at)
    last = int(rows[0]["last_position"])
    user = (turn.user_message_id, turn.conversation_id, last - 1, "user", question.message, turn.began_at)
    await session.rows(ADD_MESSAGE, *user, None, None, None, None, None)
    assistant = (turn.message_id, turn.conversation_id, last, "assistant", completion.text, now)
    origin = (completion.provider, completion.model, completion.finish_reason)
    await session.rows(ADD_MESSAGE, *assistant, *origin, tokens.input_tokens, tokens.output_tokens)
    if question.key is not None:
        ids = (turn.user_message_id, turn.message_id)
        if not await session.rows(SETTLE, *ids, question.key, turn.owner):
            raise KeyInProgress("Another request took this Idempotency-Key over.")
    return last


async def _stored_answer(session: Session, key: Row) -> Answer:
    row = (await session.rows("SELECT * FROM messages WHERE id = ?", as_uuid(key["message_id"])))[0]
    usage = Usage(row["input_tokens"], row["output_tokens"])
    return Answer(
        conversation_id=as_uuid(row["conversation_id"]),
        user_message_id=as_uuid(key["user_message_id"]),
        message_id=as_uuid(row["id"]),
        completion=Completion(row["content"], row["provider"], row["model"], row["finish_reason"], usage),
        replayed=True,
    )


async def _position(session: Session, conversation_id: UUID | None) -> int:
    """How many messages the conversation holds. Raises ConversationUnknown.

    A new conversation is asked for as well: whether the database is there is worth knowing before a paid request.
    """
    rows = await session.rows("SELECT last_position FROM conversations WHERE id = ?", conversation_id)
    if rows:
        return int(rows[0]["last_position"])
    if conversation_id is None:
        return 0
    raise ConversationUnknown(f"There is no conversation {conversation_id}.")


def _message(row: Row) -> Message:
    return Message(
        id=as_uuid(row["id"]),
        role=row["role"],
        content=row["content"],
        created_at=as_moment(row["created_at"]),
        provider=row["provider"],
        model=row["model"],
    )


def as_uuid(value: object) -> UUID:
    """PostgreSQL gives a UUID, SQLite the text of one."""
    return value if isinstance(value, UUID) else UUID(str(value))


def as_moment(value: object) -> datetime:
    """PostgreSQL gives a datetime, SQLite the text of one."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
