"""Looks again, after a run, for every message that the target acknowledged.

This is an audit and not a measurement: a conversation that cannot be read at once is asked for again, because the
question is whether the message is stored and not whether the target answers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial

import httpx
import numpy as np

from harness.history import Arrivals, Durability
from harness.load.answers import Stored, read_stored

PAUSE_S = 0.25
"""Pause (s) before a conversation that could not be read is asked for again; it doubles each time."""

WORKERS = 8
"""Conversations that are read at the same time."""


@dataclass(frozen=True)
class Turn:
    """An acknowledged turn: the ids of its two messages and the token that the user's message carried."""

    user_message_id: str
    assistant_message_id: str
    token: str


def audit(host: str, run: str, arrivals: Arrivals, timeout_s: float = 60.0) -> Durability:
    """Read every conversation with acknowledged messages and compare; all of it within about `timeout_s` seconds.

    `host` is the target's base URL, `run` what the generator was given. Messages of conversations that could not be
    read in that time are counted as unchecked.
    """
    turns = acknowledged_turns(run, arrivals)
    end = time.monotonic() + timeout_s
    limits = httpx.Limits(max_connections=WORKERS)
    with (
        httpx.Client(base_url=host, timeout=5.0, limits=limits, trust_env=False) as client,
        ThreadPoolExecutor(WORKERS) as workers,
    ):
        found = list(workers.map(partial(_read, client, end), turns))
    results = [compare(stored, wanted) for stored, wanted in zip(found, turns.values(), strict=True)]
    return Durability(*(sum(column) for column in zip(*map(astuple, results), strict=True))) if results else _NONE


def worst(audits: Iterable[Durability]) -> Durability:
    """Return the worst of every count: what one of several ways in does not find is not there for its users."""
    columns = zip(*map(astuple, audits), strict=True)
    return Durability(*(max(column) for column in columns))


def acknowledged_turns(run: str, arrivals: Arrivals) -> dict[str, list[Turn]]:
    """Return the acknowledged turns of every conversation, in the order in which they were taken."""
    mine = arrivals.select(arrivals.acknowledged())
    turns: dict[str, list[Turn]] = {}
    # A conversation has one turn in flight at a time, so the order of their ends is the order of the turns.
    for k in np.argsort(mine.ended_s, kind="stable"):
        turn = Turn(mine.user_message_id[k], mine.assistant_message_id[k], f"[{run}-{mine.seq[k]}]")
        turns.setdefault(mine.conversation_id[k], []).append(turn)
    return turns


def compare(stored: Stored | None, turns: list[Turn]) -> Durability:
    """Compare one conversation as it is stored with the turns that were acknowledged in it.

    A message is lost when its id is not there in the right role, or when a user's message lost its token. It is
    duplicated once for each further time that its id or token is stored, and reordered when it stands before one that
    was acknowledged earlier. `stored` is None when the conversation could not be read.
    """
    wanted = [id_ for turn in turns for id_ in (turn.user_message_id, turn.assistant_message_id)]
    if stored is None:
        return Durability(len(wanted), 0, 0, 0, unchecked=len(wanted))
    texts = {(role, id_): text for role, id_, text in zip(stored.roles, stored.ids, stored.contents, strict=True)}
    said = [text for role, text in zip(stored.roles, stored.contents, strict=True) if role == "user"]
    copies = Counter(stored.ids)
    lost = duplicated = 0
    for turn in turns:
        lost += turn.token not in texts.get(("user", turn.user_message_id), "")
        lost += ("assistant", turn.assistant_message_id) not in texts
        spoken = sum(turn.token in text for text in said)
        duplicated += max(0, max(spoken, copies[turn.user_message_id]) - 1)
        duplicated += max(0, copies[turn.assistant_message_id] - 1)
    return Durability(len(wanted), lost, duplicated, _out_of_order(stored.ids, wanted), unchecked=0)


def _out_of_order(stored: tuple[str, ...], wanted: list[str]) -> int:
    """Count the wanted ids that are stored before an id that was acknowledged earlier."""
    place = {id_: k for k, id_ in reversed(list(enumerate(stored)))}
    furthest, count = -1, 0
    for id_ in wanted:
        if id_ in place:
            count += place[id_] < furthest
            furthest = max(furthest, place[id_])
    return count


def _read(client: httpx.Client, end: float, conversation_id: str) -> Stored | None:
    """Read a conversation, again and again until `end` (monotonic, s); None when that never worked.

    A 404 is an answer: nothing of the conversation is there.
    """
    pause = PAUSE_S
    while time.monotonic() < end:
        try:
            # Each as a client of its own, so that no limit stands in the way, and never from a cache's memory.
            headers = {"X-Client-Id": f"audit-{conversation_id}", "Cache-Control": "no-cache"}
            response = client.get(f"/v1/chat/{conversation_id}", headers=headers)
        except httpx.HTTPError:
            response = None
        if response is not None and response.status_code == httpx.codes.NOT_FOUND:
            return Stored(conversation_id, (), (), ())
        stored = read_stored(response.content) if response is not None and response.is_success else None
        if stored is not None and stored.conversation_id == conversation_id:
            return stored
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
        pause *= 2
    return None


_NONE = Durability(0, 0, 0, 0, 0)
