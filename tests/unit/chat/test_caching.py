"""What caches on the way may keep: the documentation for a while, a conversation only with its client's asking."""

from __future__ import annotations

import pytest

from targets.chat.validators import is_known
from tests.unit.chat.chat_fakes import World


async def test_a_conversation_is_asked_for_by_its_validator(chat: World) -> None:
    conversation = (await chat.ask()).json()["conversation_id"]
    path = f"/v1/chat/{conversation}"
    first = await chat.client.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"') and conversation in etag
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["content-type"] == "application/json"

    again = await chat.client.get(path, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["cache-control"] == "private, no-cache"

    await chat.ask("And then?", conversation_id=conversation)
    grown = await chat.client.get(path, headers={"If-None-Match": etag})
    assert grown.status_code == 200
    assert len(grown.json()["messages"]) == 4
    assert grown.headers["etag"] != etag


async def test_two_conversations_share_no_validator(chat: World) -> None:
    paths = [f"/v1/chat/{(await chat.ask()).json()['conversation_id']}" for _ in range(2)]
    etags = {(await chat.client.get(path)).headers["etag"] for path in paths}
    assert len(etags) == 2


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_the_documentation_may_be_kept_and_served_stale(chat: World, path: str) -> None:
    rule = (await chat.client.get(path)).headers["cache-control"]
    assert rule.startswith("public, max-age=300, stale-while-revalidate=")
    assert "stale-if-error=" in rule


async def test_everything_else_is_kept_by_nobody(chat: World) -> None:
    answers = [
        await chat.ask(),
        await chat.ask(stream=True),
        await chat.ask(""),
        await chat.client.get("/v1/chat/00000000-0000-0000-0000-000000000000"),
        await chat.client.get("/v1/ready"),
        await chat.client.get("/metrics"),
        await chat.client.post("/docs"),
    ]
    assert [answer.headers.get("cache-control") for answer in answers] == ["no-store"] * len(answers)
    assert answers[1].headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    ("given", "known"),
    [([], False), (['"a"'], True), (['"b"', '"a"'], True), (['"b", W/"a"'], True), (["*"], True), (["a"], False)],
)
def test_if_none_match(given: list[str], known: bool) -> None:
    assert is_known('"a"', given) is known
