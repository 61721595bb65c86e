"""The HTTP side: `create_app` puts one version's parts behind the endpoints that all versions share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from targets.chat import problems
from targets.chat.domain import Started
from targets.chat.limits.middleware import Limits
from targets.chat.middleware import BodyLimit, CacheRules, Observed
from targets.chat.readiness import readiness
from targets.chat.schemas import Alive, ChatReply, ChatRequest, ConversationReply, Healthy, Readiness
from targets.chat.service import ChatService, Parts
from targets.chat.settings import ChatSettings
from targets.chat.static import architecture_response
from targets.chat.streaming import AnswerStream
from targets.chat.telemetry import Telemetry, log_as_json
from targets.chat.validators import conversation_response

Environment = Mapping[str, str]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any unique printable text without spaces. A repeated request with the same key is answered once.",
    ),
]


def create_app(title: str, compose: Callable[[Environment], Parts], env: Environment | None = None) -> FastAPI:
    """Return the app of one version. `compose` makes its parts from the environment (default: the process's).

    Nothing happens until the server starts: then the parts are made and opened. They are closed when it stops.
    """
    telemetry = Telemetry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log_as_json()
        environment = os.environ if env is None else env
        service = ChatService(compose(environment), ChatSettings.from_env(environment), telemetry)
        app.state.service = service
        await service.open()
        try:
            async with telemetry.loop_lag.watched():
                yield
        finally:
            await service.close()

    app = FastAPI(title=title, version="1", lifespan=lifespan)
    app.state.draining = False
    app.include_router(router)
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Limits, routes=router.routes, tag="chat", telemetry=telemetry)
    app.add_middleware(CacheRules)
    app.add_middleware(Observed, telemetry=telemetry)
    return app


router = APIRouter()


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Tell `/docs` which problems an endpoint may answer with."""
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"content": content, "model": problems.Problem} for status in statuses}


@router.post(
    "/v1/chat",
    response_model=ChatReply,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "The reply, or with `stream` its events."},
        **_problems(400, 404, 409, 413, 422, 429, 502, 503, 504),
    },
    tags=["chat"],
)
async def ask(request: Request, body: ChatRequest, key: IdempotencyKey = None) -> Response:
    """Answer a message. The reply comes when both messages are durable; with `stream`, so does its last event."""
    service = _service(request)
    question = body.question(key)
    if not question.stream:
        answer = await service.answer(question)
        reply = JSONResponse(ChatReply.of(answer).model_dump(mode="json"))
        return _marked(reply, answer.replayed)
    events = service.stream(question)
    first = await anext(events)
    stream = AnswerStream(first, events, request.url.path, service.telemetry)
    return _marked(stream, isinstance(first, Started) and first.replayed)


@router.get("/v1/chat/arquitetura", response_class=HTMLResponse, tags=["documentation"])
async def architecture(request: Request, lang: str | None = None) -> Response:
    """Show the architectures of all versions, drawn from their own files (in English, or `lang=pt`)."""
    return architecture_response(lang, request.headers.get("accept-language", ""))


@router.get(
    "/v1/chat/{conversation_id}",
    response_model=ConversationReply,
    responses={304: {"description": "It is still the one of If-None-Match."}, **_problems(404, 422, 429, 503)},
    tags=["chat"],
)
async def read(request: Request, conversation_id: UUID) -> Response:
    """Return a whole conversation, from the database. With its ETag a client can ask whether it has grown."""
    conversation = await _service(request).conversation(conversation_id)
    return conversation_response(conversation, request.headers.getlist("if-none-match"))


@router.get("/v1/health", tags=["operation"])
async def health() -> Alive:
    """Say that the process answers; it asks nobody else."""
    return Alive()


@router.get("/v1/healthy", responses={503: {"model": Healthy}}, tags=["operation"])
async def healthy(request: Request, response: Response) -> Healthy:
    """Say whether the process should go on, to whoever replaces it when not; nobody else is asked once it was ready.

    Until it was ready for the first time it is starting: a version that never gets there is no good one.
    """
    service = _service(request)
    fitness = service.telemetry.fitness
    if not fitness.was_ready:
        await _look(service)
    state = Healthy(status="starting" if not fitness.was_ready else "failing" if fitness.failing() else "healthy")
    response.status_code = 200 if state.status == "healthy" else 503
    return state


@router.get("/v1/ready", responses={503: {"model": Readiness}}, response_model_exclude_none=True, tags=["operation"])
async def ready(request: Request, response: Response) -> Readiness:
    """Say whether the server should get requests, and how each of its dependencies is.

    While it is about to stop it still serves, but should get no more; neither while it fails most of them itself.
    """
    if request.app.state.draining:
        response.status_code = 503
        return Readiness(status="draining", dependencies={})
    service = _service(request)
    state = await _look(service)
    response.status_code = 200 if state.status == "ready" else 503
    return state


@router.get("/metrics", response_class=Response, tags=["operation"])
async def metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    page = _service(request).telemetry.page()
    return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _look(service: ChatService) -> Readiness:
    """Ask the dependencies; from the first time that all is well on, the process has started."""
    fitness = service.telemetry.fitness
    state = await readiness(service.parts, service.telemetry.recent)
    fitness.was_ready = fitness.was_ready or state.status == "ready"
    seen = state.model_copy(update={"status": "failing"}) if fitness.failing() else state
    service.telemetry.saw(seen)
    return seen


def _service(request: Request) -> ChatService:
    return cast(ChatService, request.app.state.service)


def _marked(response: Response, replayed: bool) -> Response:
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response
