"""The two requests that the door sends to the Docker engine, over its socket.

Paths carry no API version: the engine then speaks its own newest. A fixed one would not do, Docker 20.10 ends at 1.41
and Docker 29 begins at 1.44. `status=true` (how many tasks run) came with 1.41.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import httpx

TIMEOUT_S = 5.0


class EngineError(Exception):
    """The engine does not answer, or answers with an error."""


class OutOfSequence(EngineError):
    """Somebody else changed the service between our reading and our writing."""


class Engine:
    """The engine behind the socket at `socket`."""

    def __init__(self, socket: str) -> None:
        transport = httpx.AsyncHTTPTransport(uds=socket)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def services(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the services with exactly these names that exist, as the engine describes them. Raises EngineError."""
        wanted = set(names)
        filters = json.dumps({"name": sorted(wanted)})  # the engine takes names that begin so; we take equal ones only
        found = await self._send("GET", "/services", params={"filters": filters, "status": "true"})
        return [service for service in found if service["Spec"]["Name"] in wanted]

    async def update(self, identity: str, version: int, spec: dict[str, Any]) -> None:
        """Give the service this spec, if it still is at `version`. Raises OutOfSequence when it is not, EngineError."""
        path = f"/services/{quote(identity, safe='')}/update"
        await self._send("POST", path, params={"version": str(version)}, body=spec)

    async def _send(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> Any:
        try:
            response = await self._http.request(method, path, params=params, json=body)
            answer = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise EngineError(f"the engine does not answer: {type(error).__name__}: {error}") from None
        if response.is_success:
            return answer
        message = str(answer.get("message", answer))
        # Docker 20.10 says 500 to it, with nothing but this text to know it by.
        kind = OutOfSequence if "out of sequence" in message else EngineError
        raise kind(f"the engine answered {response.status_code}: {message}")
