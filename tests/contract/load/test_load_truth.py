"""The generator against servers whose truth is scripted: what it records is what happened."""

from collections import Counter

import numpy as np
import pytest

from harness.experiment import Mix
from harness.load.plan import make_plan
from tests.fakes.chat_server import ChatServer, between, serving

TURNS_ONLY = Mix(chat=0.6, stream=0.4, read=0.0)


def test_an_outage_by_hang_is_measured_as_it_was(keep_plan):
    """A quarter of the time the server takes requests and says nothing: neither the load nor the figure gives way."""
    plan = make_plan(150, 6, 0.5, Mix(), seed=1)
    deadline_s, on, off = 1.0, 2.0, 3.5
    with ChatServer(delay_s=0.01) as server:
        clocks = []

        def script_it(clock):
            clocks.append(clock)
            server.script = between(clock.t0_monotonic + on, clock.t0_monotonic + off, "hang")

        ran = keep_plan(plan, server.url, deadline_s, script_it)

        seen = np.array([attempt.t - clocks[0].t0_monotonic for attempt in server.attempts])
        hung = sum(a.behaviour == "hang" for a, t in zip(server.attempts, seen, strict=True) if t >= 0)

    truth = 1 - hung / plan.counted.sum()
    inside = np.sum((seen >= on) & (seen < off)) / np.sum((plan.due_s >= on) & (plan.due_s < off))
    outside = np.sum((seen < on) | (seen >= off)) / np.sum((plan.due_s < on) | (plan.due_s >= off))
    assert ran.odd == []
    assert 0.7 < truth < 0.8
    assert ran.availability(deadline_s) == pytest.approx(truth, abs=0.004)
    assert inside == pytest.approx(1, abs=0.02)
    assert outside == pytest.approx(1, abs=0.02)
    late = ran.arrivals.select(ran.arrivals.outcome == "deadline")
    assert np.all(late.ended_s - late.due_s >= deadline_s)
    assert np.median(late.ended_s - late.due_s) < deadline_s + 0.2


def test_an_outage_that_lasts_to_the_end_is_counted_in_full(keep_plan):
    plan = make_plan(60, 3, 0, Mix(), seed=2)
    with ChatServer() as server:

        def script_it(clock):
            server.script = between(clock.t0_monotonic + 1.5, float("inf"), "hang")

        ran = keep_plan(plan, server.url, 1.0, script_it)
        hung = sum(attempt.behaviour == "hang" for attempt in server.attempts)

    assert ran.odd == []  # planned = started = recorded
    assert (ran.figures.planned, ran.figures.started, ran.figures.recorded) == (180, 180, 180)
    assert ran.availability(1.0) == pytest.approx(1 - hung / 180, abs=0.01)
    assert hung > 70


def test_a_server_that_is_down_refuses_and_is_found_again(keep_plan):
    plan = make_plan(60, 4, 0, TURNS_ONLY, seed=3)
    with ChatServer() as server:
        clocks = []
        steps = iter([(1.0, server.down), (2.5, server.up)])
        waiting = [next(steps)]

        def on_tick():
            if waiting and clocks[0].now() >= waiting[0][0]:
                waiting.pop()[1]()
                waiting.extend([step] if (step := next(steps, None)) else [])

        ran = keep_plan(plan, server.url, 1.0, clocks.append, on_tick)

    inside = (plan.due_s > 1.2) & (plan.due_s < 2.4)
    after = plan.due_s > 2.8
    assert ran.odd == []
    assert Counter(ran.arrivals.outcome[inside]) == {"refused": int(inside.sum())}
    assert set(ran.arrivals.outcome[after]) == {"ok"}
    assert set(ran.arrivals.outcome) <= {"ok", "refused", "reset"}


def test_connections_closed_without_notice_cause_no_failure_and_no_second_attempt(keep_plan):
    plan = make_plan(60, 3, 0, Mix(), seed=4)
    with serving("close_after") as server:
        ran = keep_plan(plan, server.url, 2.0)
        attempts = Counter(attempt.arrival for attempt in server.attempts)

    assert ran.odd == []
    assert set(ran.arrivals.outcome) == {"ok"}
    assert attempts == {f"test-{seq}": 1 for seq in range(len(plan))}


def test_one_attempt_for_each_record_when_the_server_drops_everything_it_has_read(keep_plan):
    """Stock geventhttpclient would ask again for every GET, as often as its pool is large."""
    plan = make_plan(60, 3, 0, Mix(chat=0.3, stream=0.0, read=0.7), seed=5)
    with ChatServer() as server:

        def script_it(clock):
            server.script = between(clock.t0_monotonic + 1.0, float("inf"), "drop")

        ran = keep_plan(plan, server.url, 1.0, script_it)
        attempts = Counter(attempt.arrival for attempt in server.attempts)
        reads = sum(attempt.method == "GET" and attempt.behaviour == "drop" for attempt in server.attempts)

    assert reads > 20
    assert attempts == {f"test-{seq}": 1 for seq in range(len(plan))}
    assert set(ran.arrivals.outcome[plan.due_s > 1.1]) == {"reset"}


def test_conversations_have_several_turns_and_never_two_requests_at_once(keep_plan):
    plan = make_plan(80, 3, 0, Mix(chat=0.5, stream=0.3, read=0.2, turns=4), seed=6)
    with ChatServer(delay_s=0.05) as server:
        ran = keep_plan(plan, server.url, 2.0)
        lengths = [len(messages) // 2 for messages in server.store.values()]

    rows = ran.arrivals
    assert set(rows.outcome) == {"ok"}
    assert 2.0 < np.mean(lengths) < 6.0
    for conversation in set(rows.conversation_id):
        turns = (rows.conversation_id == conversation) & (rows.kind != "read")
        began, ended = np.sort(rows.sent_s[turns]), np.sort(rows.ended_s[turns])
        assert np.all(began[1:] >= ended[:-1])
    texts = [one["content"] for messages in server.store.values() for one in messages if one["role"] == "user"]
    asked = rows.seq[rows.kind != "read"]
    assert sorted(text.split(" ")[0] for text in texts) == sorted(f"[test-{seq}]" for seq in asked)
