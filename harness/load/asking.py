"""Serves one arrival: picks its conversation, sends one request, and turns what came back into a Record."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import gevent
from geventhttpclient.response import HTTPParseError

from harness.clock import RunClock
from harness.load.answers import Asked, Judgement, judge_chat, judge_read, judge_stream
from harness.load.client import CouldNotConnect, OneAttemptClient, OutOfSockets
from harness.load.conversations import Conversation, Conversations
from harness.load.rawlog import Record
from harness.load.rows import Arrival
from harness.load.settings import Settings
from harness.outcome import Kind, Outcome

QUESTIONS = (
    "What did we agree on last time?",
    "Can you say that in simpler words?",
    "Give me an example, please.",
    "Why is that so?",
    "Write a short note about it for a colleague.",
    "What would you do in my place?",
    "Which of the two is cheaper in the long run?",
)
"""What users say; the arrival's token stands before it."""

ABUSER = -1
"""The abuser's number, as a client and as a place: nobody goes on with what it began."""


@dataclass
class _Request:
    """What is asked, and by which client. `lent` says that `conversation` was taken out of `pool` and must go back."""

    client: int
    pool: Conversations
    kind: Kind
    conversation: Conversation | None
    lent: bool
    acknowledged: tuple[str, ...]


@dataclass
class _Seen:
    """What was seen of the answer so far; it outlives the deadline that ends the attempt."""

    first_byte_s: float | None = None
    status: int = 0
    body: bytes = b""


class Asker:
    """Serves arrivals, each in a greenlet of its own, over one client and one pool of conversations for each place."""

    def __init__(
        self,
        client: OneAttemptClient,
        settings: Settings,
        clock: RunClock,
        doors: Sequence[OneAttemptClient] = (),
    ) -> None:
        """Take the client for the target's address; or, in `doors`, one for each place by its number in the plan."""
        self._doors = list(doors) or [client]
        self._settings = settings
        self._clock = clock
        self._conversations: dict[int, Conversations] = defaultdict(Conversations)

    def ask(self, arrival: Arrival) -> Record:
        """Send the arrival's request and return what became of it, at its deadline at the latest.

        The deadline runs from the due time and holds for the whole request, from connecting to the stream's end.
        """
        sent = self._clock.now()
        left = arrival.due_s + self._settings.deadline_s - sent
        if left <= 0:
            detail = f"the generator came {sent - arrival.due_s:.1f} s late"
            return Record(arrival.seq, arrival.kind, None, None, None, Outcome.UNSENT, detail=detail)
        request = self._choose(arrival)
        seen = _Seen()
        try:
            with gevent.Timeout(left):
                failure = self._attempt(arrival, request, seen)
        except gevent.Timeout:
            how = "the answer did not end" if seen.status else "no answer came"
            failure = Judgement(Outcome.DEADLINE, detail=how)
        ended = self._clock.now()
        judged = failure or self._judge(request, seen)
        self._settle(request, judged)
        unsent = judged.outcome is Outcome.UNSENT
        return Record(
            seq=arrival.seq,
            kind=request.kind,
            sent_s=None if unsent else round(sent, 6),
            first_byte_s=seen.first_byte_s,
            ended_s=None if unsent else round(ended, 6),
            outcome=judged.outcome,
            status=seen.status,
            conversation_id=judged.conversation_id or (request.conversation.id if request.conversation else ""),
            user_message_id=judged.user_message_id,
            assistant_message_id=judged.assistant_message_id,
            provider=judged.provider,
            detail=judged.detail,
        )

    def _choose(self, arrival: Arrival) -> _Request:
        """Find the conversation for an arrival; no arrival is ever dropped for want of one.

        A turn without an idle conversation begins a new one. A read takes an idle conversation, else looks into a busy
        one (it changes nothing there, and what was acknowledged by now must be in it), and while the run
        knows no conversation at all, the user begins one: the read becomes a chat, and its record says so.
        A conversation belongs to one client, who stays in one place.
        """
        pool = self._conversations[ABUSER if arrival.abuser else arrival.place]
        client = ABUSER if arrival.abuser else arrival.seq % self._settings.clients
        if arrival.kind is not Kind.READ and arrival.fresh:
            return _Request(client, pool, arrival.kind, None, False, ())
        idle = pool.lend(arrival.pick)
        if idle is not None:
            return _Request(idle.client, pool, arrival.kind, idle, True, idle.acknowledged())
        busy = pool.any(arrival.pick) if arrival.kind is Kind.READ else None
        if busy is not None:
            return _Request(busy.client, pool, Kind.READ, busy, False, busy.acknowledged())
        return _Request(client, pool, Kind.CHAT if arrival.kind is Kind.READ else arrival.kind, None, False, ())

    def _attempt(self, arrival: Arrival, request: _Request, seen: _Seen) -> Judgement | None:
        """Send the request once and fill `seen`; return why there is no answer to judge, or None."""
        method, path, body, headers = self._wire(arrival.seq, request)
        try:
            answer = self._doors[arrival.place].request(method, path, body, headers)
            seen.first_byte_s, seen.status = round(self._clock.now(), 6), answer.get_code()
            seen.body = answer.read()
        except OutOfSockets as error:
            return Judgement(Outcome.UNSENT, detail=str(error))
        except CouldNotConnect as error:
            return Judgement(Outcome.REFUSED, detail=str(error))
        except HTTPParseError as error:
            return Judgement(Outcome.MALFORMED, detail=f"not HTTP: {error}")
        except OSError as error:
            return Judgement(Outcome.RESET, detail=str(error))
        return None

    def _wire(self, seq: int, request: _Request) -> tuple[str, str, bytes, dict[str, str]]:
        """Return method, path, body and headers. The token in the message is what the store is searched for."""
        key = f"{self._settings.run}-{seq}"
        who = "abuser" if request.client == ABUSER else f"c{request.client}"
        headers = {"X-Arrival-Id": key, "X-Request-ID": key, "X-Client-Id": f"{self._settings.run}-{who}"}
        if request.kind is Kind.READ and request.conversation is not None:
            return "GET", f"/v1/chat/{request.conversation.id}", b"", headers
        content: dict[str, str | bool] = {"message": f"[{key}] {QUESTIONS[seq % len(QUESTIONS)]}"}
        if request.kind is Kind.STREAM:
            content["stream"] = True
        if request.conversation is not None:
            content["conversation_id"] = request.conversation.id
        headers |= {"Idempotency-Key": key, "Content-Type": "application/json"}
        return "POST", "/v1/chat", json.dumps(content).encode(), headers

    def _judge(self, request: _Request, seen: _Seen) -> Judgement:
        if request.kind is Kind.READ and request.conversation is not None:
            return judge_read(seen.status, seen.body, request.conversation.id, request.acknowledged)
        known = request.conversation.id if request.conversation else None
        asked = Asked(known, self._known)
        return (judge_stream if request.kind is Kind.STREAM else judge_chat)(seen.status, seen.body, asked)

    def _known(self, conversation_id: str) -> bool:
        return any(pool.knows(conversation_id) for pool in self._conversations.values())

    def _settle(self, request: _Request, judged: Judgement) -> None:
        """Remember what was acknowledged, and make the conversation idle again."""
        conversation, lent = request.conversation, request.lent
        if judged.outcome is Outcome.OK and judged.assistant_message_id:
            if conversation is None:
                conversation, lent = request.pool.begun(judged.conversation_id, request.client), True
            conversation.messages.append((judged.user_message_id, judged.assistant_message_id))
        if conversation is not None and lent:
            request.pool.give_back(conversation)
