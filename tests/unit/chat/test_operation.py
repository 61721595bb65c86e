"""Health, readiness, metrics, documentation, request ids and logs."""

from __future__ import annotations

import json
import logging

import pytest

from targets.chat.errors import ProviderUnavailable
from targets.chat.telemetry import JsonLines, request_id
from tests.unit.chat.chat_fakes import World


async def test_health_asks_nobody(chat: World) -> None:
    chat.store.away, chat.cache.away = frozenset({"ping", "begin"}), True
    response = await chat.client.get("/v1/health")
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_ready_names_every_dependency(chat: World) -> None:
    response = await chat.client.get("/v1/ready")
    assert response.status_code == 200
    body = response.json()
    assert body["status"] == "ready"
    assert {name: d["required"] for name, d in body["dependencies"].items()} == {
        "database": True,
        "cache": False,
        "provider": False,
    }
    assert all(d["ok"] for d in body["dependencies"].values())
    assert body["dependencies"]["database"]["latency_ms"] >= 0


async def test_without_its_database_the_server_is_not_ready(chat: World) -> None:
    chat.store.away = frozenset({"ping"})
    response = await chat.client.get("/v1/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "not ready"
    assert response.json()["dependencies"]["database"]["ok"] is False


async def test_without_its_cache_it_is(chat: World) -> None:
    chat.cache.away = True
    response = await chat.client.get("/v1/ready")
    assert response.status_code == 200
    assert response.json()["dependencies"]["cache"]["ok"] is False


async def test_the_provider_is_reported_from_calls_that_were_made_anyway(chat: World) -> None:
    async def provider() -> dict[str, object]:
        response = await chat.client.get("/v1/ready")
        assert response.status_code == 200
        return dict(response.json()["dependencies"]["provider"])

    assert await provider() == {"ok": True, "required": False, "recent_calls": 0, "recent_failures": 0}
    chat.provider.error = ProviderUnavailable("away")
    await chat.ask()
    assert await provider() == {"ok": False, "required": False, "recent_calls": 1, "recent_failures": 1}
    chat.provider.error = None
    await chat.ask()
    assert await provider() == {"ok": True, "required": False, "recent_calls": 2, "recent_failures": 1}
    assert len(chat.provider.asked) == 2


async def test_metrics_count_what_happened(chat: World) -> None:
    await chat.ask()
    await chat.ask("")
    await chat.client.get("/v1/chat/not-a-uuid")
    await chat.client.get("/some/path/nobody/knows")
    assert await chat.metric('chat_http_requests_total{method="POST",route="/v1/chat",status="200"}') == 1
    assert await chat.metric('chat_http_requests_total{method="POST",route="/v1/chat",status="422"}') == 1
    route = 'method="GET",route="/v1/chat/{conversation_id}",status="422"'
    assert await chat.metric(f"chat_http_request_duration_seconds_count{{{route}}}") == 1
    assert await chat.metric('chat_http_requests_total{method="GET",route="unmatched",status="404"}') == 1
    assert await chat.metric('chat_provider_calls_total{outcome="ok",provider="openai"}') == 1
    assert await chat.metric('chat_store_operation_duration_seconds_count{operation="commit",outcome="ok"}') == 1
    assert await chat.metric("chat_messages_stored_total") == 2
    assert await chat.metric("chat_http_requests_in_flight") == 1  # the one that asks
    response = await chat.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_the_documentation_is_there(chat: World) -> None:
    assert (await chat.client.get("/docs")).status_code == 200
    schema = (await chat.client.get("/openapi.json")).json()
    assert {"/v1/chat", "/v1/chat/{conversation_id}", "/v1/health", "/v1/ready"} <= set(schema["paths"])
    answers = schema["paths"]["/v1/chat"]["post"]["responses"]
    assert "application/problem+json" in answers["503"]["content"]
    parameters = schema["paths"]["/v1/chat"]["post"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == ["Idempotency-Key"]


@pytest.mark.parametrize(("offered", "kept"), [("abc-1", True), ("a b", False), ("x" * 101, False), ('"\\', False)])
async def test_a_request_id_is_kept_when_it_is_usable(chat: World, offered: str, kept: bool) -> None:
    response = await chat.client.get("/v1/health", headers={"X-Request-ID": offered})
    assert (response.headers["x-request-id"] == offered) is kept
    assert response.headers["x-request-id"]


def test_a_log_line_is_one_json_object() -> None:
    record = logging.makeLogRecord(
        {"msg": "two\nlines", "levelno": 20, "levelname": "INFO", "name": "chat", "status": 7}
    )
    token = request_id.set("r-1")
    try:
        line = JsonLines().format(record)
    finally:
        request_id.reset(token)
    assert "\n" not in line
    read = json.loads(line)
    assert (read["message"], read["request_id"], read["status"], read["level"]) == ("two\nlines", "r-1", 7, "info")
