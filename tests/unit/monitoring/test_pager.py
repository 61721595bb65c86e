"""The pager: what it keeps, what it refuses, and that its two sides are apart."""

from __future__ import annotations

import json

from targets.parts.kit.http import Request
from targets.parts.pager import record as kept
from targets.parts.pager.record import Record
from targets.parts.pager.server import control, wire

FIRING = {"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "EdgeDown", "severity": "page"}}]}


def _body(value: object) -> bytes:
    return json.dumps(value).encode()


async def test_a_notification_is_kept_word_for_word_with_its_moment() -> None:
    record = Record()
    answer = await wire(record, lambda: 1234.5678)(Request("POST", "/alerts", body=_body(FIRING)))
    told = await control(record, lambda: 2000.0)(Request("GET", "/notifications"))
    assert answer.status == 200
    assert json.loads(told.body) == {"now": 2000.0, "notifications": [{"received": 1234.568, "body": FIRING}]}


async def test_a_heartbeat_is_no_notification() -> None:
    record = Record()
    await wire(record, lambda: 7.0)(Request("POST", "/heartbeat", body=_body(FIRING)))
    assert record.notifications() == []
    beats = await control(record, lambda: 8.0)(Request("GET", "/heartbeats"))
    assert json.loads(beats.body) == {"now": 8.0, "heartbeats": [7.0]}


async def test_reset_forgets_both() -> None:
    record = Record()
    record.told(1.0, _body(FIRING))
    record.beat(1.0, _body(FIRING))
    assert (await control(record)(Request("POST", "/reset"))).status == 200
    assert (record.notifications(), record.heartbeats()) == ([], [])


async def test_what_is_no_notification_is_refused_and_not_kept() -> None:
    record = Record()
    for body in (b"", b"{", b"[]", _body({}), _body({"alerts": {}}), _body({"alerts": [1]}), _body({"alerts": [{}]})):
        assert (await wire(record)(Request("POST", "/alerts", body=body))).status == 400, body
        assert (await wire(record)(Request("POST", "/heartbeat", body=body))).status == 400, body
    assert (record.notifications(), record.heartbeats()) == ([], [])


async def test_either_side_serves_only_its_own() -> None:
    record = Record()
    for request in (Request("GET", "/notifications"), Request("POST", "/reset"), Request("GET", "/alerts")):
        assert (await wire(record)(request)).status == 404
    for request in (Request("POST", "/alerts", body=_body(FIRING)), Request("GET", "/reset")):
        assert (await control(record)(request)).status == 404
    for side in (wire(record), control(record)):
        assert (await side(Request("GET", "/health"))).status == 200
    assert record.notifications() == []


def test_it_does_not_grow_without_end() -> None:
    record = Record()
    for number in range(kept.KEPT_NOTIFICATIONS + 2):
        record.told(float(number), _body(FIRING))
    told = record.notifications()
    assert (len(told), told[0]["received"]) == (kept.KEPT_NOTIFICATIONS, 2.0)
