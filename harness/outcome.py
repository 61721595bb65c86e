"""What arrivals ask for and how they end. Imports nothing, because the load generator's memory counts."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a scheduled arrival asks for."""

    CHAT = "chat"
    STREAM = "stream"
    READ = "read"


class Outcome(StrEnum):
    """How a scheduled arrival ended, from the user's side. Only OK can be good."""

    OK = "ok"
    UNSENT = "unsent"  # it was due and never sent: the instrument's fault, and still not good
    DEADLINE = "deadline"  # no complete answer inside the deadline
    REFUSED = "refused"  # no connection could be made
    RESET = "reset"  # the connection broke before the answer was complete
    HTTP_ERROR = "http_error"  # a wrong status
    LIMITED = "limited"  # 429: counted apart
    TRUNCATED = "truncated"  # the answer ended without its end
    MALFORMED = "malformed"  # the answer cannot be read
    WRONG = "wrong"  # well-formed, but of another conversation, or an acknowledged message is missing
