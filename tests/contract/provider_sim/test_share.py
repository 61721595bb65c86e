"""A share is a share of requests, not of connections, and follows from the seed."""

from __future__ import annotations

import httpx

from tests.fakes.simulator import Simulator

BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}


def statuses(simulator: Simulator, requests: int) -> list[int]:
    """Send so many requests over one and the same connection."""
    with httpx.Client(base_url=simulator.wire_url, trust_env=False, timeout=20) as client:
        return [client.post("/v1/chat/completions", json=BODY).status_code for _ in range(requests)]


def test_three_in_ten_of_200_requests_and_the_same_ones_after_a_reset(simulator: Simulator) -> None:
    simulator.set_fault(kind="status", status=503, share=0.3)
    first = statuses(simulator, 200)
    counted = simulator.counters()
    simulator.control("POST", "reset")
    simulator.set_fault(kind="status", status=503, share=0.3)
    again = statuses(simulator, 200)
    hits = first.count(503)
    assert set(first) == {200, 503}
    assert 34 <= hits <= 86, "outside four standard deviations of 60"
    assert (counted["requests"], counted["affected"]) == (200, hits)
    assert first == again


def test_a_larger_share_meets_the_same_requests_and_more(simulator: Simulator) -> None:
    simulator.set_fault(kind="status", status=503, share=0.2)
    few = statuses(simulator, 60)
    simulator.control("POST", "reset")
    simulator.set_fault(kind="status", status=503, share=0.8)
    many = statuses(simulator, 60)
    assert {k for k, status in enumerate(few) if status == 503} < {k for k, s in enumerate(many) if s == 503}
