"""RFC 9457: every error leaves the API as `application/problem+json`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from targets.chat.errors import ChatError

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """The body of every error response. `type` names the kind of problem for programs, `detail` this case of it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str


def body(status: int, kind: str, title: str, detail: str, instance: str, **extra: Any) -> dict[str, Any]:
    """Return the problem as a JSON object. `instance` is the path of the request that met it."""
    problem = Problem(
        type=f"urn:chat:problem:{kind}", title=title, status=status, detail=detail, instance=instance, **extra
    )
    return problem.model_dump()


def of(error: ChatError, instance: str) -> dict[str, Any]:
    """Return the problem that `error` stands for."""
    return body(error.status, error.kind, error.title, str(error), instance)


def response(problem: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the problem as a response with its own status."""
    return JSONResponse(problem, problem["status"], headers, MEDIA_TYPE)


def response_to(error: ChatError, instance: str) -> JSONResponse:
    """Return the response to a ChatError, with Retry-After where waiting helps."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return response(of(error, instance), headers)


def internal_body(instance: str) -> dict[str, Any]:
    """Return the problem for an error that nobody foresaw; it says nothing about the inside."""
    detail = "The request met an unexpected error. It has been logged under this response's X-Request-ID."
    return body(500, "internal", "Internal error", detail, instance)


def install(app: FastAPI) -> None:
    """Make `app` answer every foreseen error with a problem."""
    app.add_exception_handler(ChatError, _on_chat_error)
    app.add_exception_handler(RequestValidationError, _on_bad_input)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_chat_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChatError)  # noqa: S101 - it is registered for nothing else
    return response_to(error, request.url.path)


async def _on_bad_input(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for nothing else
    # Only where and why: what the client sent is not repeated, it may be huge, private or not even encodable.
    mistakes = [{"field": _field(item["loc"]), "message": _reason(item["msg"])} for item in error.errors()[:10]]
    detail = "; ".join(f"{m['field']}: {m['message']}" for m in mistakes)
    title = "The request is not valid"
    return response(body(422, "invalid-request", title, detail, request.url.path, errors=mistakes))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    phrase = HTTPStatus(error.status_code).phrase
    kind = phrase.lower().replace(" ", "-")
    problem = body(error.status_code, kind, phrase, _printable(str(error.detail)), request.url.path)
    return response(problem, dict(error.headers or {}))


def _field(loc: tuple[int | str, ...]) -> str:
    return _printable(".".join(str(part) for part in loc))


def _reason(message: str) -> str:
    return _printable(message.removeprefix("Value error, "))


def _printable(text: str) -> str:
    """A client may send names with lone surrogates, which UTF-8 cannot carry back."""
    return text.encode("utf-8", "backslashreplace").decode()[:200]
