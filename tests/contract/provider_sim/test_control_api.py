"""The control API stores what it was told, refuses what it does not know, and starts over on demand."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.provider_sim.callers import ask
from tests.fakes.simulator import Simulator


def test_a_fault_is_stored_shown_and_cleared(simulator: Simulator) -> None:
    stored = simulator.set_fault(kind="stall", share=0.25, after_tokens=2)
    assert stored == {"kind": "stall", "share": 0.25, "after_tokens": 2}
    assert simulator.control("GET", "fault").json() == stored
    cleared = simulator.control("DELETE", "fault")
    assert (cleared.status_code, cleared.json()) == (200, {})
    assert simulator.control("GET", "fault").json() == {}


def test_a_new_fault_takes_the_place_of_the_old_one(simulator: Simulator) -> None:
    simulator.set_fault(kind="hang")
    assert simulator.set_fault(kind="empty") == {"kind": "empty", "share": 1.0}
    assert simulator.control("GET", "fault").json()["kind"] == "empty"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "explode"}, ["explode", "'status'", "'truncate'"]),
        ({}, ["kind"]),
        ({"kind": "status"}, ["status", "required"]),
        ({"kind": "status", "status": 418}, ["status", "400", "529"]),
        ({"kind": "status", "status": "503"}, ["status"]),
        ({"kind": "status", "status": 500, "retry_after_s": 3}, ["retry_after_s", "429"]),
        ({"kind": "status", "status": 429, "retry_after_s": 0}, ["retry_after_s"]),
        ({"kind": "hang", "share": 0}, ["share"]),
        ({"kind": "hang", "share": 1.5}, ["share"]),
        ({"kind": "hang", "delay_s": 3}, ["delay_s"]),
        ({"kind": "slow_first_token"}, ["delay_s", "required"]),
        ({"kind": "slow_first_token", "delay_s": -1}, ["delay_s"]),
        ({"kind": "slow_tokens", "token": 1}, ["token_s", "required"]),
        ({"kind": "cut", "after_tokens": 2.5}, ["after_tokens"]),
    ],
)
def test_a_mistake_is_refused_with_its_place(simulator: Simulator, fault: dict[str, object], words: list[str]) -> None:
    simulator.set_fault(kind="empty")
    answer = simulator.control("PUT", "fault", fault)
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    for word in words:
        assert word in detail
    assert simulator.control("GET", "fault").json()["kind"] == "empty", "a refused fault must change nothing"


def test_what_is_not_json_is_refused(simulator: Simulator) -> None:
    url, headers = f"{simulator.control_url}/control/fault", {"content-type": "application/json"}
    answer = httpx.put(url, content=b"{kind", headers=headers, trust_env=False)
    assert answer.status_code == 422
    assert "JSON" in answer.json()["detail"]


async def test_reset_clears_fault_and_counters(simulator: Simulator) -> None:
    simulator.set_fault(kind="status", status=500)
    await ask("openai", simulator.wire_url, stream=False)
    assert simulator.counters()["affected"] == 1
    assert simulator.control("POST", "reset").status_code == 200
    zero = {"requests": 0, "affected": 0, "by_kind": {}, "completed": 0, "aborted": 0}
    assert simulator.counters() == zero
    assert simulator.control("GET", "fault").json() == {}


def test_each_port_has_its_own_side(simulator: Simulator) -> None:
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{simulator.wire_url}/").status_code == 200
        assert client.get(f"{simulator.control_url}/control/health").status_code == 200
        assert client.get(f"{simulator.wire_url}/control/health").status_code == 404
        assert client.post(f"{simulator.control_url}/v1/messages", json={}).status_code == 404
    assert simulator.counters()["requests"] == 0
