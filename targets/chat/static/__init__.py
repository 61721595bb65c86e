"""The page /v1/chat/arquitetura: drawn by `make diagrams` from the targets' own files, served as it lies here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse

from targets.chat.middleware import MAY_BE_KEPT

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "pt")
HEADERS = {
    "Cache-Control": MAY_BE_KEPT,
    "Vary": "Accept-Language",
    # All of it is in the one file: it may load nothing and may not be framed.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; frame-ancestors 'none'",
}


def architecture_response(lang: str | None, accept_language: str) -> HTMLResponse:
    """Return the page in the language asked for (`lang`), else in the one that the header Accept-Language prefers."""
    asked = (lang or "").lower().partition("-")[0]
    language = asked if asked in LANGUAGES else preferred(accept_language)
    return HTMLResponse(_page(language), headers={**HEADERS, "Content-Language": "pt-BR" if language == "pt" else "en"})


def preferred(accept_language: str) -> str:
    """Return the language of ours with the highest weight in an Accept-Language header; English where none is named."""
    best, found = 0.0, "en"
    for entry in accept_language.lower().split(","):
        tag, _, parameter = entry.strip().partition(";")
        language = tag.strip().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter.strip() else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and weight > best:
            best, found = weight, language
    return found


@cache
def _page(language: str) -> str:
    return (FOLDER / f"arquitetura.{language}.html").read_text(encoding="utf-8")
