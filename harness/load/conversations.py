"""Who talks about what: the conversations that the run has begun, and which of them are idle.

Users hold conversations of several turns and never talk over themselves, so a conversation that has a request in
flight is not lent out for another turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Conversation:
    """A conversation that the target has acknowledged, of one `client`.

    `messages` are (user id, assistant id) pairs, in order.
    """

    id: str
    client: int = 0
    messages: list[tuple[str, str]] = field(default_factory=list)

    def acknowledged(self) -> tuple[str, ...]:
        """Return the ids of all acknowledged messages, in order."""
        return tuple(one for pair in self.messages for one in pair)


class Conversations:
    """A pool of idle conversations beside the list of all. `pick` is a number in [0, 1) that chooses one."""

    def __init__(self) -> None:
        self._idle: list[Conversation] = []
        self._all: dict[str, Conversation] = {}
        self._in_order: list[Conversation] = []

    def lend(self, pick: float) -> Conversation | None:
        """Take an idle conversation out of the pool; None when there is none."""
        if not self._idle:
            return None
        place = int(pick * len(self._idle))
        # Order means nothing here, so the last one fills the gap and lending costs the same at any size.
        self._idle[place], self._idle[-1] = self._idle[-1], self._idle[place]
        return self._idle.pop()

    def give_back(self, conversation: Conversation) -> None:
        """Put a conversation into the pool again, whether its turn went well or not."""
        self._idle.append(conversation)

    def any(self, pick: float) -> Conversation | None:
        """Return a conversation that may be busy, for a look that changes nothing; None when there is none."""
        return self._in_order[int(pick * len(self._in_order))] if self._in_order else None

    def knows(self, conversation_id: str) -> bool:
        """Whether a conversation of this id was begun in this run."""
        return conversation_id in self._all

    def begun(self, conversation_id: str, client: int = 0) -> Conversation:
        """Remember a conversation whose first turn was acknowledged; it is lent to the caller."""
        conversation = self._all[conversation_id] = Conversation(conversation_id, client)
        self._in_order.append(conversation)
        return conversation
