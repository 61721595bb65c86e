"""Anthropic's messages, as the official SDK reads them.

Source: https://docs.anthropic.com/en/api/messages, /messages-streaming and /errors.
"""

from __future__ import annotations

from typing import Any

from targets.parts.provider_sim.answer import Answer
from targets.parts.provider_sim.wire import dump, event

_ERRORS = {  # status: type, message
    400: ("invalid_request_error", "The request was refused (simulated fault)."),
    401: ("authentication_error", "invalid x-api-key (simulated fault)"),
    429: ("rate_limit_error", "This request would exceed your rate limit (simulated fault)."),
    500: ("api_error", "Internal server error (simulated fault)"),
    503: ("api_error", "Service unavailable (simulated fault)"),
    529: ("overloaded_error", "Overloaded (simulated fault)"),
}


class AnthropicWire:
    """POST /v1/messages."""

    def headers(self, key: str) -> dict[str, str]:
        """Request id, as the service sends it."""
        return {"request-id": f"req_{key}"}

    def come_back(self, seconds: int) -> dict[str, str]:
        """Retry-After."""
        return {"retry-after": str(seconds)}

    def opening(self, answer: Answer) -> bytes:
        """The message without its content, the start of the text block, and a ping."""
        message = {**_message(answer, [], None), "usage": _usage(answer, output_tokens=1 if answer.texts else 0)}
        start = _event({"type": "message_start", "message": message})
        if not answer.texts:
            return start  # an empty answer has no block at all
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        return start + _event(block) + _event({"type": "ping"})

    def token(self, answer: Answer, text: str) -> bytes:
        """A text delta."""
        return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})

    def broken(self, answer: Answer, text: str) -> bytes:
        """The same event, its data torn apart in the middle of its JSON."""
        return event(b'{"type":"content_block_delta","index":0,"delta":{"type":"te', "content_block_delta")

    def closing(self, answer: Answer) -> bytes:
        """The end of the block, the stop reason with the usage, and message_stop."""
        delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
        end = _event({"type": "content_block_stop", "index": 0}) if answer.texts else b""
        end += _event({"type": "message_delta", "delta": delta, "usage": _usage(answer, len(answer.texts))})
        return end + _event({"type": "message_stop"})

    def plain(self, answer: Answer, *, finished: bool = True) -> bytes:
        """A message object."""
        content = [{"type": "text", "text": answer.text}] if answer.texts else []
        message = _message(answer, content, _stop_reason(answer) if finished else None)
        return dump({**message, "usage": _usage(answer, len(answer.texts))})

    def error(self, status: int, message: str | None, key: str, retry_after_s: int | None = None) -> bytes:
        """An error object with its type and the request id."""
        kind, usual = _ERRORS[status]
        return dump({"type": "error", "error": {"type": kind, "message": message or usual}, "request_id": f"req_{key}"})


def _event(data: dict[str, Any]) -> bytes:
    return event(dump(data), data["type"])


def _message(answer: Answer, content: list[dict[str, Any]], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": f"msg_{answer.key}",
        "type": "message",
        "role": "assistant",
        "model": answer.asked.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }


def _stop_reason(answer: Answer) -> str:
    return "max_tokens" if answer.out_of_tokens else "end_turn"


def _usage(answer: Answer, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": answer.asked.prompt_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }
