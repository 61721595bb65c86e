"""OpenAI's chat completions, as the official SDK reads them.

Source: https://platform.openai.com/docs/api-reference/chat (object, streaming) and /docs/guides/error-codes.
"""

from __future__ import annotations

from typing import Any

from targets.parts.provider_sim.answer import Answer
from targets.parts.provider_sim.wire import dump, event

_ERRORS: dict[int, tuple[str, str | None, str]] = {  # status: type, code, message
    400: ("invalid_request_error", None, "The request was refused (simulated fault)."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided (simulated fault)."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests (simulated fault)."),
    500: ("server_error", None, "The server had an error while processing your request (simulated fault)."),
    503: ("server_error", None, "The engine is currently overloaded, please try again later (simulated fault)."),
    529: ("server_error", None, "The engine is currently overloaded, please try again later (simulated fault)."),
}


class OpenAIWire:
    """POST /v1/chat/completions."""

    def headers(self, key: str) -> dict[str, str]:
        """Request id and API version, as the service sends them."""
        return {"x-request-id": f"req_{key}", "openai-version": "2020-10-01"}

    def come_back(self, seconds: int) -> dict[str, str]:
        """Retry-After."""
        return {"retry-after": str(seconds)}

    def opening(self, answer: Answer) -> bytes:
        """The chunk that names the role."""
        return self._chunk(answer, {"role": "assistant", "content": "", "refusal": None})

    def token(self, answer: Answer, text: str) -> bytes:
        """A chunk with one token."""
        return self._chunk(answer, {"content": text})

    def broken(self, answer: Answer, text: str) -> bytes:
        """The same chunk, torn apart in the middle of its JSON."""
        whole = self.token(answer, text)
        return whole[: len(whole) // 2] + b"\n\n"

    def closing(self, answer: Answer) -> bytes:
        """The chunk with the finish reason, the usage if it was asked for, and [DONE]."""
        end = self._chunk(answer, {}, finish_reason(answer))
        if answer.asked.include_usage:
            end += event(dump({**head(answer, "chat.completion.chunk"), "choices": [], "usage": usage(answer)}))
        return end + event(b"[DONE]")

    def plain(self, answer: Answer, *, finished: bool = True) -> bytes:
        """A chat.completion object."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": finish_reason(answer) if finished else None,
        }
        return dump({**head(answer, "chat.completion"), "choices": [choice], "usage": usage(answer)})

    def error(self, status: int, message: str | None, key: str, retry_after_s: int | None = None) -> bytes:
        """An error object; the SDK hands its `error` on as the exception's body."""
        kind, code, usual = _ERRORS[status]
        return dump({"error": {"message": message or usual, "type": kind, "param": None, "code": code}})

    def _chunk(self, answer: Answer, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        # With include_usage every chunk but the last has a null usage.
        used = {"usage": None} if answer.asked.include_usage else {}
        return event(dump({**head(answer, "chat.completion.chunk"), "choices": [choice], **used}))


def head(answer: Answer, kind: str) -> dict[str, Any]:
    """What all objects of an answer begin with."""
    return {
        "id": f"chatcmpl-{answer.key}",
        "object": kind,
        "created": answer.created,
        "model": answer.asked.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def finish_reason(answer: Answer) -> str:
    """Why it ends, in the service's words."""
    return "length" if answer.out_of_tokens else "stop"


def usage(answer: Answer) -> dict[str, Any]:
    """The tokens counted, as the service lists them."""
    prompt, completion = answer.asked.prompt_tokens, len(answer.texts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
