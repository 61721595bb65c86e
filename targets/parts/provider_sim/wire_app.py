"""The side that the chat API talks to: several providers behind one port, each at its own path."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from targets.parts.provider_sim.answer import Asked
from targets.parts.provider_sim.anthropic_wire import AnthropicWire
from targets.parts.provider_sim.gemini_wire import GeminiWire
from targets.parts.provider_sim.openai_wire import OpenAIWire
from targets.parts.provider_sim.plan import make_plan, refusal
from targets.parts.provider_sim.playback import Playback
from targets.parts.provider_sim.state import State
from targets.parts.provider_sim.wire import Wire

OPENAI_PATH, ANTHROPIC_PATH = "/v1/chat/completions", "/v1/messages"
GEMINI_PATH = "/v1beta/openai/chat/completions"
WIRES: dict[str, Wire] = {OPENAI_PATH: OpenAIWire(), ANTHROPIC_PATH: AnthropicWire(), GEMINI_PATH: GeminiWire()}
OPENAI_MODELS = ("gpt-4o-mini", "gpt-4o")
ANTHROPIC_MODELS = ("claude-haiku-4-5", "claude-sonnet-4-5")
_RELEASED_S = 1735689600  # 2025-01-01, when the simulated models were "released"

PositiveInt = Annotated[int, Field(ge=1)]


class _Open(BaseModel):
    """The services take many more parameters than an answer depends on; those are accepted and left alone."""

    model_config = ConfigDict(extra="allow")


class _Message(_Open):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None


class _StreamOptions(_Open):
    include_usage: bool = False


class ChatCompletionRequest(_Open):
    """What matters of an OpenAI request."""

    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[_Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None


class MessagesRequest(_Open):
    """What matters of an Anthropic request."""

    model: Annotated[str, Field(min_length=1)]
    max_tokens: PositiveInt
    messages: Annotated[list[_Message], Field(min_length=1)]
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None


def wire_app(state: State) -> FastAPI:
    """Build the application that answers like the providers. Any API key is accepted."""
    app = FastAPI(title="Provider simulator", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _refuse)

    @app.post(OPENAI_PATH)
    @app.post(GEMINI_PATH)
    async def chat_completions(body: ChatCompletionRequest, request: Request) -> Response:
        include_usage = body.stream_options is not None and body.stream_options.include_usage
        limit = body.max_completion_tokens or body.max_tokens
        prompt_tokens = _count_tokens(body.messages)
        asked = Asked(body.model, bool(body.stream), prompt_tokens, limit, include_usage)
        return _answer(state, WIRES[request.url.path], asked)

    @app.post(ANTHROPIC_PATH)
    async def messages(body: MessagesRequest) -> Response:
        prompt_tokens = _count_tokens(body.messages, body.system)
        return _answer(
            state, WIRES[ANTHROPIC_PATH], Asked(body.model, bool(body.stream), prompt_tokens, body.max_tokens)
        )

    @app.get("/v1/models")
    async def models(anthropic_version: Annotated[str | None, Header()] = None) -> dict[str, Any]:
        return _openai_models() if anthropic_version is None else _anthropic_models()

    @app.get("/")
    async def alive() -> dict[str, str]:
        return {"status": "alive"}

    return app


def _answer(state: State, wire: Wire, asked: Asked) -> Playback:
    started_s = time.monotonic()
    drawn, fault, counters = state.arrive()
    return Playback(make_plan(wire, asked, drawn, fault, created=int(time.time())), counters, started_s)


async def _refuse(request: Request, error: Exception) -> Response:
    """A request that cannot be read gets the provider's own 400; it is no request for an answer, so not counted."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (the handler is registered for this type only)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{place}: {first['msg']}" if place else str(first["msg"])
    wire = WIRES.get(request.url.path)
    if wire is None:
        return JSONResponse({"detail": message}, status_code=400)
    return Playback(refusal(wire, 400, "invalid", message=message), None, time.monotonic())


def _count_tokens(messages: list[_Message], system: str | list[dict[str, Any]] | None = None) -> int:
    """About four characters are a token: the rule of thumb of both providers' documentation."""
    contents = [message.content for message in messages] + [system]
    characters = sum(len(c if isinstance(c, str) else json.dumps(c)) for c in contents if c is not None)
    return max(1, characters // 4)


def _openai_models() -> dict[str, Any]:
    data = [{"id": name, "object": "model", "created": _RELEASED_S, "owned_by": "simulator"} for name in OPENAI_MODELS]
    return {"object": "list", "data": data}


def _anthropic_models() -> dict[str, Any]:
    released = datetime.fromtimestamp(_RELEASED_S, UTC).isoformat()
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": released, "lifecycle": "active"}
        for name in ANTHROPIC_MODELS
    ]
    return {"data": data, "has_more": False, "first_id": ANTHROPIC_MODELS[0], "last_id": ANTHROPIC_MODELS[-1]}
