"""Gemini's OpenAI-compatible endpoint: OpenAI's answers, with Google's errors.

Source: https://ai.google.dev/gemini-api/docs/openai and /troubleshooting; the list round an error and the RetryInfo as
reported in n4ze3m/page-assist#406 and vercel/ai#18627.
"""

from __future__ import annotations

import json
from typing import Any

from targets.parts.provider_sim.answer import Answer
from targets.parts.provider_sim.openai_wire import OpenAIWire, finish_reason, head, usage
from targets.parts.provider_sim.wire import dump, event

_ERRORS = {  # status: google.rpc.Code, message
    400: ("INVALID_ARGUMENT", "The request was refused (simulated fault)."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials (simulated fault)."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota (simulated fault)."),
    500: ("INTERNAL", "An internal error has occurred (simulated fault)."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later (simulated fault)."),
    529: ("UNAVAILABLE", "The model is overloaded. Please try again later (simulated fault)."),
}


class GeminiWire(OpenAIWire):
    """POST /v1beta/openai/chat/completions."""

    def headers(self, key: str) -> dict[str, str]:
        """No request id."""
        return {}

    def come_back(self, seconds: int) -> dict[str, str]:
        """No header: it stands in the body."""
        return {}

    def opening(self, answer: Answer) -> bytes:
        """Nothing: the first chunk has the first token."""
        return b""

    def token(self, answer: Answer, text: str) -> bytes:
        """A chunk with one token, and the role in each."""
        return self._chunk(answer, {"role": "assistant", "content": text})

    def closing(self, answer: Answer) -> bytes:
        """One chunk with the finish reason and, if it was asked for, the usage; and [DONE]."""
        choice = {"index": 0, "delta": {"role": "assistant"}, "finish_reason": finish_reason(answer)}
        used = {"usage": usage(answer)} if answer.asked.include_usage else {}
        end = event(dump({**head(answer, "chat.completion.chunk"), "choices": [choice], **used}))
        return end + event(b"[DONE]")

    def error(self, status: int, message: str | None, key: str, retry_after_s: int | None = None) -> bytes:
        """A list with an error object in Google's words, and how long to wait among its details."""
        code, usual = _ERRORS[status]
        error: dict[str, Any] = {"code": status, "message": message or usual, "status": code}
        if retry_after_s is not None:
            delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after_s}s"}
            error["details"] = [delay]
        return json.dumps([{"error": error}], indent=2).encode()
