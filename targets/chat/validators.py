"""Conversations as HTTP caches see them: whose copy it is, and how to ask whether it is still good."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Response
from fastapi.responses import JSONResponse

from targets.chat.domain import Conversation
from targets.chat.schemas import ConversationReply

# A conversation is somebody's own, and may grow at any moment: only its client may keep it, and must ask each time.
OWN_AND_ASKED_FOR = "private, no-cache"


def etag_of(conversation: Conversation) -> str:
    """Return the strong validator: messages are only ever added, so the last one and their number tell them all."""
    return f'"{conversation.id}-{len(conversation.messages)}-{conversation.messages[-1].id}"'


def conversation_response(conversation: Conversation, if_none_match: Sequence[str]) -> Response:
    """Return the conversation, or 304 when the client has it already. `if_none_match` are that header's values."""
    etag = etag_of(conversation)
    headers = {"ETag": etag, "Cache-Control": OWN_AND_ASKED_FOR}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return JSONResponse(ConversationReply.of(conversation).model_dump(mode="json"), headers=headers)


def is_known(etag: str, if_none_match: Sequence[str]) -> bool:
    """Whether one of the listed tags is `etag`, by the weak comparison of RFC 9110, 13.1.2.

    A proxy that compresses makes a strong tag weak on the way.
    """
    given = [one.strip().removeprefix("W/") for value in if_none_match for one in value.split(",")]
    return etag in given or "*" in given
