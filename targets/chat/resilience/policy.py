"""What becomes of each failure of a provider: the table of the package's docstring, as data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable

RETRY_AFTER_S = 5  # what we tell a client when nobody says when the providers may be back

THE_REQUEST_IS_WRONG = {400, 413, 414, 415, 422}  # it would be as wrong anywhere else
# Every other 4xx that is not "not now": our key, our bill, our rights, or a model that is gone.


class Action(Enum):
    """What follows a failure."""

    GIVE_UP = "tell the client"
    FAIL_OVER = "ask the next provider"
    RETRY = "ask the next provider, and when none is left this one once more"


@dataclass(frozen=True)
class Rule:
    """`outcome` is the word in the metrics; `counts` against the provider's breaker; `alarming`: people must act."""

    outcome: str
    action: Action
    counts: bool = True
    alarming: bool = False


REJECTED = Rule("rejected", Action.GIVE_UP, counts=False)
REFUSED = Rule("refused", Action.FAIL_OVER, alarming=True)
OVERLOADED = Rule("overloaded", Action.FAIL_OVER)
UNREACHABLE = Rule("unreachable", Action.FAIL_OVER)
TIMEOUT = Rule("timeout", Action.FAIL_OVER)
BAD_ANSWER = Rule("bad_answer", Action.RETRY)


def rule_for(error: ProviderError) -> Rule:
    """Return the row of the table that `error` falls under."""
    status = error.upstream_status
    if isinstance(error, ProviderTimeout):
        return TIMEOUT
    if isinstance(error, ProviderUnavailable):
        return UNREACHABLE if status is None else OVERLOADED
    if status in THE_REQUEST_IS_WRONG:
        return REJECTED
    if status is not None and 400 <= status < 500:
        return REFUSED
    return BAD_ANSWER


def no_answer(failures: Mapping[str, ProviderError], resting_s: Mapping[str, float]) -> ProviderError:
    """Return what the client is told when no provider is left: by name what failed, and who was not asked for how long.

    Where all failed in the same way it is that failure. Otherwise, and whenever a breaker is open, none of them can be
    used now: 503, with the time after which the first of them may be back.
    """
    kinds = {type(error) for error in failures.values()} | ({ProviderUnavailable} if resting_s else set())
    kind = kinds.pop() if len(kinds) == 1 else ProviderUnavailable
    reasons = [str(error) for error in failures.values()]
    reasons += [f"{name} failed before, and is not asked now." for name in resting_s]
    if kind in (ProviderTimeout, ProviderBadAnswer):
        return kind(" ".join(reasons))
    waits_s = [error.retry_after_s for error in failures.values() if error.retry_after_s is not None]
    waits_s += [math.ceil(rest_s) for rest_s in resting_s.values()]
    return ProviderUnavailable(" ".join(reasons), retry_after_s=max(1, min(waits_s, default=RETRY_AFTER_S)))
