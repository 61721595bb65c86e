"""Which language a page is in: `?lang=`, else what the browser prefers, else English.

The API's own page (`targets/chat/static`) does the same; targets and the harness share no code, on purpose.
"""

from __future__ import annotations

import math

from starlette.requests import Request

from harness.pages.words import Language


def language_of(request: Request) -> Language:
    """Return the language in which a request wants its page."""
    asked = _ours(request.query_params.get("lang", ""))
    return asked or preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> Language:
    """Return the language of ours with the highest weight in an Accept-Language header; English where none is named."""
    best, found = 0.0, "en"
    for entry in accept_language.split(","):
        tag, _, parameter = entry.partition(";")
        language = _ours(tag)
        try:
            weight = float(parameter.strip().lower().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
        if language is not None and math.isfinite(weight) and weight > best:
            best, found = weight, language
    return "pt" if found == "pt" else "en"


def _ours(tag: str) -> Language | None:
    primary = tag.strip().lower().partition("-")[0]
    return "pt" if primary == "pt" else "en" if primary == "en" else None
