"""Refuses a client's requests that are over its limit, before anything is done for them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.chat import problems
from targets.chat.errors import RateLimited
from targets.chat.limits.base import RateLimiter, Verdict
from targets.chat.telemetry import Telemetry

PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Limits:
    """ASGI middleware for those of the app's routes that have `tag`; all others pass. Without a limiter so do these.

    A client learns where it stands from every answer, in the header fields RateLimit-Limit, -Remaining and -Reset of
    draft-ietf-httpapi-ratelimit-headers-06 (later drafts put the same into one structured field that few clients read).
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], tag: str, telemetry: Telemetry) -> None:
        self._app = app
        self._routes = routes
        self._tag = tag
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        limiter: RateLimiter | None = None
        if scope["type"] == "http" and (route := self._route_of(scope)) is not None:
            limiter = scope["app"].state.service.parts.limiter
        if limiter is None:
            await self._app(scope, receive, send)
            return
        verdict = await limiter.take(client_of(scope, limiter.proxies))
        outcome = "unknown" if verdict is None else "allowed" if verdict.allowed else "limited"
        self._telemetry.limits.labels(outcome).inc()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and verdict is not None:
                MutableHeaders(scope=message).update(_fields(verdict))
            await send(message)

        if verdict is None or verdict.allowed:
            await self._app(scope, receive, told)
            return
        scope["route"] = route  # as routing would have done: it names the request in the metrics
        refusal = RateLimited(
            f"A client may make {verdict.limit} requests at once. Wait before the next.",
            retry_after_s=verdict.retry_after_s,
        )
        await problems.response_to(refusal, scope["path"])(scope, receive, told)

    def _route_of(self, scope: Scope) -> BaseRoute | None:
        """As routing does: the first that matches. A page's path also looks like that of a conversation."""
        first = next((route for route in self._routes if route.matches(scope)[0] is Match.FULL), None)
        return first if self._tag in getattr(first, "tags", ()) else None


def client_of(scope: Scope, proxies: int) -> str:
    """Return the key of whoever makes the request: its X-Client-Id, or else its address.

    Each of our `proxies` proxies appends the address that it was called from to X-Forwarded-For; what stands before
    these was written by the client, and is not believed.
    """
    headers = Headers(scope=scope)
    if given := headers.get("x-client-id"):
        return "id:" + (given if PLAIN_ID.fullmatch(given) else hashlib.sha256(given.encode()).hexdigest())
    peer = scope.get("client")
    address = str(peer[0]) if peer else "unknown"
    if proxies > 0:
        forwarded = [one.strip() for field in headers.getlist("x-forwarded-for") for one in field.split(",")]
        if forwarded:
            address = forwarded[-min(proxies, len(forwarded))]
    return "ip:" + (address if PLAIN_ID.fullmatch(address) else hashlib.sha256(address.encode()).hexdigest())


def _fields(verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.full_after_s if verdict.allowed else verdict.retry_after_s),
    }
