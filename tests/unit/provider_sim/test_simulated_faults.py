"""What each fault does to the plan of a response, for both wires, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from targets.parts.provider_sim.answer import Asked, Draw, draw
from targets.parts.provider_sim.faults import parse_fault
from targets.parts.provider_sim.plan import Ending, Plan, make_plan
from targets.parts.provider_sim.settings import Settings
from targets.parts.provider_sim.state import State
from targets.parts.provider_sim.wire import Wire
from targets.parts.provider_sim.wire_app import WIRES

DRAWN: Draw = draw(Settings(), 1)
TOKENS = len(DRAWN.texts)


@pytest.fixture(params=list(WIRES.values()), ids=["openai", "anthropic", "gemini"])
def wire(request: pytest.FixtureRequest) -> Wire:
    found: Wire = request.param
    return found


def planned(wire: Wire, stream: bool, **fault: Any) -> Plan:
    return make_plan(wire, Asked("m", stream, 5), DRAWN, parse_fault(fault) if fault else None, created=0)


def body(plan: Plan) -> bytes:
    return b"".join(step.body for step in plan.steps)


@pytest.mark.parametrize("stream", [False, True])
def test_a_plain_answer_takes_as_long_as_the_stream(wire: Wire, stream: bool) -> None:
    plan = planned(wire, stream)
    assert plan.ending is Ending.COMPLETE
    assert plan.steps[-1].at_s == pytest.approx(DRAWN.first_token_s + sum(DRAWN.gaps_s))


def test_a_stream_has_one_step_for_each_token(wire: Wire) -> None:
    plan = planned(wire, True)
    assert len(plan.steps) == 1 + TOKENS + 1
    assert [step.at_s for step in plan.steps] == sorted(step.at_s for step in plan.steps)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("kind", "ending"), [("stall", Ending.SILENCE), ("cut", Ending.DROP)])
@pytest.mark.parametrize("after_tokens", [0, 3, 99_999])
def test_an_answer_that_breaks_off_never_has_its_end(
    wire: Wire, stream: bool, kind: str, ending: Ending, after_tokens: int
) -> None:
    plan, whole = planned(wire, stream, kind=kind, after_tokens=after_tokens), planned(wire, stream)
    assert plan.ending is ending
    assert body(whole).startswith(body(plan))
    assert len(body(plan)) < len(body(whole))
    assert plan.headers == whole.headers


@pytest.mark.parametrize("after_tokens", [0, 3, 99_999])
def test_truncated_streams_end_cleanly_without_their_end(wire: Wire, after_tokens: int) -> None:
    plan, whole = planned(wire, True, kind="truncate", after_tokens=after_tokens), planned(wire, True)
    assert plan.ending is Ending.COMPLETE
    assert plan.steps == whole.steps[: 1 + min(after_tokens, TOKENS)]


def test_truncated_plain_answers_are_json_without_a_reason(wire: Wire) -> None:
    plan = planned(wire, False, kind="truncate", after_tokens=3)
    answer = json.loads(body(plan))
    reason = answer["choices"][0]["finish_reason"] if "choices" in answer else answer["stop_reason"]
    assert reason is None
    assert plan.headers["content-length"] == str(len(body(plan)))


@pytest.mark.parametrize("after_tokens", [0, 3, 99_999])
def test_a_malformed_stream_has_exactly_one_chunk_that_is_not_json(wire: Wire, after_tokens: int) -> None:
    plan = planned(wire, True, kind="malformed", after_tokens=after_tokens)
    bad = 0
    for line in body(plan).split(b"\n"):
        data = line.removeprefix(b"data: ")
        if line.startswith(b"data: ") and data != b"[DONE]":
            try:
                json.loads(data)
            except json.JSONDecodeError:
                bad += 1
    assert bad == 1
    assert plan.ending is Ending.COMPLETE
    assert plan.steps[-1] == planned(wire, True).steps[-1]


def test_a_malformed_plain_body_is_not_json_but_has_its_length(wire: Wire) -> None:
    plan = planned(wire, False, kind="malformed")
    with pytest.raises(json.JSONDecodeError):
        json.loads(body(plan))
    assert plan.headers["content-length"] == str(len(body(plan)))


@pytest.mark.parametrize("stream", [False, True])
def test_a_hang_sends_not_even_headers(wire: Wire, stream: bool) -> None:
    plan = planned(wire, stream, kind="hang")
    assert (plan.steps, plan.ending) == ((), Ending.SILENCE)


def test_a_state_counts_what_meets_the_fault_and_starts_over() -> None:
    state = State(Settings())
    state.fault = parse_fault({"kind": "hang", "share": 0.5})
    first = [state.arrive()[1] is not None for _ in range(100)]
    assert (state.counters.requests, state.counters.affected) == (100, sum(first))
    assert 25 <= sum(first) <= 75
    assert dict(state.counters.by_kind) == {"hang": sum(first)}
    state.reset()
    assert state.fault is None
    assert state.counters.requests == 0
    state.fault = parse_fault({"kind": "hang", "share": 0.5})
    assert [state.arrive()[1] is not None for _ in range(100)] == first


def test_what_was_in_flight_at_a_reset_is_not_counted_after_it() -> None:
    state = State(Settings())
    _, _, counters = state.arrive()
    state.reset()
    counters.ended(completed=True)
    assert state.counters.completed == 0
