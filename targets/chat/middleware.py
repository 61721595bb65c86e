"""Round every request: an id, a limit on its body, its metrics and its log line, and the last line of defence."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.chat import problems
from targets.chat.fitness import MISTAKE
from targets.chat.telemetry import Telemetry, request_id

# The longest allowed message, every character of it an escaped surrogate pair, still fits.
MAX_BODY_BYTES = 128 * 1024
USABLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
QUIET = {
    "/metrics",
    "/v1/health",
    "/v1/healthy",
    "/v1/ready",
}  # asked all the time: logged only when something is wrong
DOCUMENTATION = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
MAY_BE_KEPT = "public, max-age=300, stale-while-revalidate=600, stale-if-error=86400"  # seconds
log = logging.getLogger("chat.http")


class Observed:
    """ASGI middleware. It is pure ASGI so that streams pass through unbuffered and cancellation reaches them."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        token = request_id.set(offered if USABLE_ID.fullmatch(offered) else str(uuid4()))
        started = time.perf_counter()
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id.get() or ""
            await send(message)

        self._telemetry.in_flight.inc()
        try:
            await self._app(scope, receive, watched)
        except Exception:  # the last line of defence: a mistake of ours costs one request, and nothing leaks
            log.exception("unexpected error")
            scope[MISTAKE] = True
            if status == 0:
                await problems.response(problems.internal_body(scope["path"]))(scope, receive, watched)
        finally:
            self._telemetry.in_flight.dec()
            self._account(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    def _account(self, scope: Scope, status: int, took_s: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")  # never the raw path: labels must stay few
        method = scope["method"] if scope["method"] in {"GET", "POST", "HEAD"} else "other"
        self._telemetry.requests.labels(method, route, str(status)).inc()
        self._telemetry.request_seconds.labels(method, route, str(status)).observe(took_s)
        if route not in QUIET:
            self._telemetry.fitness.answered(status, mistake=scope.get(MISTAKE, False))
        if route not in QUIET or status >= 500:
            facts = {"method": method, "route": route, "status": status, "duration_ms": round(took_s * 1000, 1)}
            log.info("request", extra=facts)


class CacheRules:
    """ASGI middleware: whatever does not say itself who may keep it is kept by nobody, but for the documentation.

    That changes with a deployment only, is the same for everyone, and is better a day old than missing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def ruled(message: Message) -> None:
            if message["type"] == "http.response.start":
                documentation = scope["path"] in DOCUMENTATION and message["status"] == 200
                rule = MAY_BE_KEPT if documentation else "no-store"
                MutableHeaders(scope=message).setdefault("Cache-Control", rule)
            await send(message)

        await self._app(scope, receive, ruled)


class BodyLimit:
    """ASGI middleware that refuses to read bodies over MAX_BODY_BYTES, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        size = int(announced[:20]) if announced.isascii() and announced.isdigit() else 0

        async def counted() -> Message:
            nonlocal size
            message = {} if size > MAX_BODY_BYTES else await receive()
            if not announced and message.get("type") == "http.request":
                size += len(message.get("body", b""))
            if size > MAX_BODY_BYTES:
                # Starlette's exception, as FastAPI makes a plain 400 of any other that it meets while reading.
                raise HTTPException(413, f"The body may have {MAX_BODY_BYTES} bytes at most.")
            return message

        await self._app(scope, counted, send)
