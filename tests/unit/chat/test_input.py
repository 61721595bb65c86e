"""Whatever a client sends, it is told what is wrong with it: 4xx, never 500."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.chat.middleware import MAX_BODY_BYTES
from tests.unit.chat.chat_fakes import World, assert_problem

JSON = {"content-type": "application/json"}

# Text with everything that makes trouble on the way to PostgreSQL: NUL, lone surrogates, the far planes.
nasty_text = st.text(st.characters(exclude_categories=())) | st.sampled_from(["\x00", "\ud800", "x" * 8001, " "])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | nasty_text,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(nasty_text, children, max_size=4),
    max_leaves=8,
)
nearly_right = st.fixed_dictionaries(
    {},
    optional={
        "message": nasty_text | json_values,
        "conversation_id": st.uuids().map(str) | json_values,
        "stream": st.booleans() | json_values,
    },
)


async def post(chat: World, content: bytes, headers: dict[str, str] = JSON) -> httpx.Response:
    return await chat.client.post("/v1/chat", content=content, headers=headers)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"message": ""}, "message"),
        ({"message": " \n\t "}, "message"),
        ({"message": "x" * 8001}, "message"),
        ({"message": "NUL \x00 inside"}, "message"),
        ({"message": "\ud800"}, "message"),
        ({"message": 7}, "message"),
        ({"message": None}, "message"),
        ({}, "message"),
        ({"message": "Hi", "stream": "yes"}, "stream"),
        ({"message": "Hi", "stream": 1}, "stream"),
        ({"message": "Hi", "conversation_id": "not-a-uuid"}, "conversation_id"),
        ({"message": "Hi", "conversation_id": 7}, "conversation_id"),
        ({"message": "Hi", "modle": "typo"}, "modle"),
    ],
)
async def test_a_body_that_does_not_fit(chat: World, body: dict[str, Any], field: str) -> None:
    problem = assert_problem(await post(chat, json.dumps(body).encode()), 422, "invalid-request")
    assert problem["errors"][0]["field"] == f"body.{field}"
    assert chat.provider.asked == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"[]", b"null", b'"text"', b"7", b'{"message": "Hi"', b"\xff"]
)
async def test_a_body_that_is_no_object(chat: World, body: bytes) -> None:
    response = await post(chat, body)
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


async def test_nesting_without_end(chat: World) -> None:
    response = await post(chat, b'{"message":' + b"[" * 60_000)
    assert response.status_code in (400, 422)


async def test_another_content_type(chat: World) -> None:
    response = await post(chat, b'{"message": "Hi"}', {"content-type": "text/plain"})
    assert_problem(response, 422, "invalid-request")


async def test_the_longest_message_fits_however_it_is_written(chat: World) -> None:
    rockets = "🚀" * 8000
    assert (await post(chat, json.dumps({"message": rockets}).encode())).status_code == 200
    assert (await chat.ask("x" * 8000)).status_code == 200


async def test_a_body_that_is_too_large_announced_or_not(chat: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 10_000

    assert_problem(await post(chat, b" " * (MAX_BODY_BYTES + 1)), 413, _kind_of_413())
    response = await chat.client.post("/v1/chat", content=endless(), headers=JSON)
    assert_problem(response, 413, _kind_of_413())
    assert chat.provider.asked == []


def _kind_of_413() -> str:
    from http import HTTPStatus  # its phrase was changed in Python 3.13

    return HTTPStatus(413).phrase.lower().replace(" ", "-")


async def test_what_was_sent_is_not_repeated(chat: World) -> None:
    response = await post(chat, json.dumps({"message": ["my secret"]}).encode())
    assert "my secret" not in response.text


@pytest.mark.parametrize("path", ["/v1/chat/not-a-uuid", "/v1/chat/7", "/v1/chat/%00", "/v1/chat/%ED%A0%80"])
async def test_a_conversation_that_is_no_uuid(chat: World, path: str) -> None:
    response = await chat.client.get(path)
    assert response.status_code in (404, 422)
    assert response.headers["content-type"] == "application/problem+json"


async def test_unknown_paths_and_methods(chat: World) -> None:
    assert_problem(await chat.client.get("/v1/nothing"), 404, "not-found")
    response = await chat.client.delete("/v1/chat")
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@given(body=json_values | nearly_right)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
async def test_no_json_makes_a_500(chat: World, body: Any) -> None:
    response = await post(chat, json.dumps(body).encode())
    assert response.status_code in (200, 400, 404, 413, 422), (body, response.text)


@given(body=st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_bytes_make_a_500(chat: World, body: bytes) -> None:
    assert (await post(chat, body)).status_code in (400, 422)
