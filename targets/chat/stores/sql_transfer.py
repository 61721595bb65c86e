"""A store in SQL that a migration can read from and write to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from targets.chat.domain import Completion, Usage
from targets.chat.stores.database import Parameter, Row, Session
from targets.chat.stores.repeat import repeated
from targets.chat.stores.sql import ADD_MESSAGE, SqlStore, as_moment, as_uuid
from targets.chat.stores.transfer import Diverged, SettledKey, StoredTurn, new_among

PORTION = 200
"""How many conversations are listed at a time: each list is a statement, and statements are bounded."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

# In the order of the primary key, and with a probe of messages' index for each: nothing is sorted, nothing is locked.
CHANGED = """
    SELECT id FROM conversations WHERE id > ? AND EXISTS (
        SELECT 1 FROM messages WHERE conversation_id = conversations.id AND created_at >= ?
    ) ORDER BY id LIMIT ?
"""

# One statement, and so one snapshot: a turn is seen with both of its messages and its key, or not at all.
TURNS = """
    SELECT messages.*, idempotency_keys.key, idempotency_keys.request_hash
    FROM messages LEFT JOIN idempotency_keys ON idempotency_keys.message_id = messages.id
    WHERE conversation_id = ? ORDER BY position
"""

# Locks the conversation's row until the transaction ends, also when there is nothing to change.
TAKE_IN = """
    INSERT INTO conversations (id, last_position, created_at) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET last_position =
        CASE WHEN conversations.last_position < excluded.last_position
             THEN excluded.last_position ELSE conversations.last_position END
"""

THERE = "SELECT id FROM messages WHERE conversation_id = ? AND role = 'assistant' ORDER BY position"

TAKE_KEY = """
    INSERT INTO idempotency_keys (key, request_hash, owner, lease_until, user_message_id, message_id)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING key
"""


class SqlTransfer(SqlStore):
    """An SqlStore that is a Source and a Sink."""

    async def changed_since(self, moment: datetime | None) -> AsyncIterator[Sequence[UUID]]:
        """Return the ids of changed conversations, PORTION at a time (see Source)."""
        last = UUID(int=0)  # before every other; nobody is given it
        while True:
            rows = await self._rows(CHANGED, last, moment or _BEGINNING, PORTION)
            if rows:
                yield [as_uuid(row["id"]) for row in rows]
                last = as_uuid(rows[-1]["id"])
            if len(rows) < PORTION:
                return

    async def turns(self, conversation_id: UUID) -> list[StoredTurn]:
        """Return a conversation's turns in order, as they stand at one moment."""
        rows = await self._rows(TURNS, conversation_id)
        return [_turn(user, assistant) for user, assistant in zip(rows[::2], rows[1::2], strict=True)]

    async def put(self, turns: Sequence[StoredTurn]) -> int:
        """Keep the turns of one conversation, in one transaction (see Sink)."""
        if not turns:
            return 0
        conversation_id, began_at = turns[0].conversation_id, turns[0].began_at
        new = 0

        async def kept(attempt: int) -> int:
            nonlocal new
            async with self._database.transaction() as session:
                await session.rows(TAKE_IN, conversation_id, 2 * len(turns), began_at)
                there = [as_uuid(row["id"]) for row in await session.rows(THERE, conversation_id)]
                missing = new_among(turns, there)
                # A broken attempt may have been carried out, and then a later one finds nothing missing.
                new = max(new, len(missing))
                for turn in missing:
                    await _take_in(session, turn)
            return new

        return await repeated(kept, self._repeat_s)

    async def settle(self) -> None:
        """Return at once: every `put` writes, and what came before is confirmed with its commit."""


async def _take_in(session: Session, turn: StoredTurn) -> None:
    place, said = 2 * turn.number + 1, turn.completion
    user: tuple[Parameter, ...] = (turn.user_message_id, turn.conversation_id, place, "user", turn.message)
    await session.rows(ADD_MESSAGE, *user, turn.began_at, None, None, None, None, None)
    assistant: tuple[Parameter, ...] = (turn.message_id, turn.conversation_id, place + 1, "assistant", said.text)
    origin = (said.provider, said.model, said.finish_reason)
    await session.rows(
        ADD_MESSAGE, *assistant, turn.ended_at, *origin, said.usage.input_tokens, said.usage.output_tokens
    )
    if turn.key is None:
        return
    # Whoever owned the key is gone; the answer's id stands for it.
    ids = (turn.user_message_id, turn.message_id)
    if not await session.rows(TAKE_KEY, turn.key.key, turn.key.request_hash, turn.message_id, turn.ended_at, *ids):
        raise Diverged(f"The Idempotency-Key of turn {turn.number} of {turn.conversation_id} is in use there.")


def _turn(user: Row, assistant: Row) -> StoredTurn:
    key = None if assistant["key"] is None else SettledKey(assistant["key"], assistant["request_hash"])
    usage = Usage(assistant["input_tokens"], assistant["output_tokens"])
    origin = (assistant["provider"], assistant["model"], assistant["finish_reason"])
    return StoredTurn(
        conversation_id=as_uuid(user["conversation_id"]),
        number=(int(assistant["position"]) - 2) // 2,
        user_message_id=as_uuid(user["id"]),
        message_id=as_uuid(assistant["id"]),
        message=user["content"],
        began_at=as_moment(user["created_at"]),
        completion=Completion(assistant["content"], *origin, usage),
        ended_at=as_moment(assistant["created_at"]),
        key=key,
    )
