"""Gemini through its OpenAI-compatible endpoint (https://ai.google.dev/gemini-api/docs/openai).

What it does differently, and what becomes of it:
- An error body is a *list* with one error object, or the object alone, and has Google's words: code, status, details.
- 429 comes without Retry-After. How long to wait stands in the body, as a `google.rpc.RetryInfo`: "34.4s".
- A key that is wrong is a 400, INVALID_ARGUMENT with the reason API_KEY_INVALID, and a project without billing where
  that is needed is a 400, FAILED_PRECONDITION. Both are about us and not about the request: another provider may answer
  it. They are taken for the 401 and 403 that others send.
- In a stream the finish reason comes in one chunk with the last words, and usage in every chunk: the last one counts.
- Tokens that it thinks with count against PROVIDER_MAX_TOKENS. A model that thinks long may have none left to speak
  with: that is an empty answer, a failure. The default is a model that thinks as little as possible.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import httpx2

from targets.chat.providers.chat_completions import ChatCompletions
from targets.chat.providers.sdk import Refusal, refusal

SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")  # google.protobuf.Duration as JSON


class GeminiProvider(ChatCompletions):
    """A Provider that speaks with Gemini, or with the simulator. Its settings: GeminiSettings."""

    name = "gemini"

    def refused(self, response: httpx2.Response, body: object) -> Refusal:
        """Return what an error status means, the body included."""
        error = _error(body)
        details = list(_details(error))
        status, wait_s = refusal(response, body)
        if status == 400 and any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            status = 401
        elif status == 400 and error.get("status") == "FAILED_PRECONDITION":
            status = 403
        delays_s = [wait for detail in details if (wait := _delay_s(detail.get("retryDelay"))) is not None]
        return Refusal(status, max(delays_s, default=wait_s))


def _error(body: object) -> dict[str, Any]:
    """The error object of a body: a list with it, an object round it, or (as the SDK leaves it) the object itself."""
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict):
        inner = body.get("error", body)
        return inner if isinstance(inner, dict) else {}
    return {}


def _details(error: dict[str, Any]) -> Iterator[dict[str, Any]]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield detail


def _delay_s(text: object) -> int | None:
    """Whole seconds, rounded up, out of '34.4s'."""
    found = SECONDS.fullmatch(text) if isinstance(text, str) else None
    return math.ceil(float(found[1])) if found else None
