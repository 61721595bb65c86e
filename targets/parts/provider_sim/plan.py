"""From an answer and a fault to what goes over the wire: bytes with their times, and how it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from targets.parts.provider_sim.answer import Answer, Asked, Draw
from targets.parts.provider_sim.faults import (
    CutFault,
    EmptyFault,
    Fault,
    HangFault,
    MalformedFault,
    SlowFirstTokenFault,
    SlowTokensFault,
    StallFault,
    StatusFault,
    TruncateFault,
)
from targets.parts.provider_sim.wire import Wire

JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Ending(StrEnum):
    """How a response ends after its last byte."""

    COMPLETE = "complete"  # the HTTP response is finished properly
    SILENCE = "silence"  # nothing more comes until the client leaves
    DROP = "drop"  # the connection is closed in mid-response


@dataclass(frozen=True)
class Step:
    """Bytes of the body that are due `at_s` seconds after the request."""

    at_s: float
    body: bytes


@dataclass(frozen=True)
class Plan:
    """One HTTP response. Status and headers go out with the first step; without steps they never do."""

    status: int
    headers: dict[str, str]
    steps: tuple[Step, ...]
    ending: Ending = Ending.COMPLETE


def make_plan(wire: Wire, asked: Asked, drawn: Draw, fault: Fault | None, created: int) -> Plan:
    """Return the response to `asked`, with `fault` done to it. `created` is wall time (s since 1970)."""
    if isinstance(fault, HangFault):
        return Plan(200, {}, (), Ending.SILENCE)
    if isinstance(fault, StatusFault):
        return refusal(wire, fault.status, drawn.key, retry_after_s=fault.retry_after_s)
    delay_s = fault.delay_s if isinstance(fault, SlowFirstTokenFault | SlowTokensFault) else 0.0
    token_s = fault.token_s if isinstance(fault, SlowTokensFault) else None
    answer = Answer.of(asked, drawn, created, delay_s=delay_s, token_s=token_s)
    if isinstance(fault, EmptyFault):
        answer = answer.first(0)
    return _streamed(wire, answer, fault) if asked.stream else _plain(wire, answer, fault)


def refusal(wire: Wire, status: int, key: str, *, message: str | None = None, retry_after_s: int | None = None) -> Plan:
    """Return an error in the provider's own words, sent at once."""
    body = wire.error(status, message, key, retry_after_s)
    headers = {**JSON, **wire.headers(key), "content-length": str(len(body))}
    if retry_after_s is not None:
        headers |= wire.come_back(retry_after_s)
    return Plan(status, headers, (Step(0.0, body),))


def _streamed(wire: Wire, answer: Answer, fault: Fault | None) -> Plan:
    opening = Step(answer.ready_s, wire.opening(answer))
    tokens = [Step(at_s, wire.token(answer, text)) for at_s, text in zip(answer.due_s, answer.texts, strict=True)]
    closing = Step(answer.complete_s, wire.closing(answer))
    headers = {**STREAM, **wire.headers(answer.key)}
    if isinstance(fault, StallFault | CutFault | TruncateFault):
        # An answer that is shorter than `after_tokens` still loses its end: the fault bites every request it meets.
        return Plan(200, headers, (opening, *tokens[: fault.after_tokens]), _ending(fault))
    if isinstance(fault, MalformedFault):
        place = min(fault.after_tokens, len(tokens) - 1)
        tokens[place] = Step(tokens[place].at_s, wire.broken(answer, answer.texts[place]))
    return Plan(200, headers, (opening, *tokens, closing))


def _plain(wire: Wire, answer: Answer, fault: Fault | None) -> Plan:
    body, at_s, ending = wire.plain(answer), answer.complete_s, Ending.COMPLETE
    if isinstance(fault, TruncateFault):
        answer = answer.first(fault.after_tokens)
        body, at_s = wire.plain(answer, finished=False), answer.complete_s
    elif isinstance(fault, MalformedFault):
        body = body[: len(body) // 2]
    headers = {**JSON, **wire.headers(answer.key), "content-length": str(len(body))}
    if isinstance(fault, StallFault | CutFault):
        # The same share of the body as of the tokens, but never all of it.
        given = answer.first(fault.after_tokens)
        body = body[: min(len(body) - 1, len(body) * len(given.texts) // len(answer.texts))]
        at_s, ending = given.complete_s, _ending(fault)
    return Plan(200, headers, (Step(at_s, body),), ending)


def _ending(fault: StallFault | CutFault | TruncateFault) -> Ending:
    if isinstance(fault, StallFault):
        return Ending.SILENCE
    return Ending.DROP if isinstance(fault, CutFault) else Ending.COMPLETE
