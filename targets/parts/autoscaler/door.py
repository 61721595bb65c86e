"""The autoscaler's side of the engine's door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx


class DoorError(Exception):
    """The door does not answer, or refused."""


@dataclass(frozen=True)
class Service:
    """A service as the engine has it: replicas ordered, and tasks running (None when the engine does not say)."""

    name: str
    replicas: int
    running: int | None


class DoorClient:
    """Asks the door at `url`."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url.rstrip("/")

    async def services(self) -> dict[str, Service]:
        """Return the services that exist, by name. Raises DoorError."""
        answer = await self._send("GET", "/services")
        try:
            found = [Service(one["name"], int(one["replicas"]), one["running"]) for one in answer["services"]]
        except (KeyError, TypeError, ValueError) as error:
            raise DoorError(f"the door's answer cannot be read: {error!r}") from None
        return {service.name: service for service in found}

    async def scale(self, name: str, replicas: int) -> None:
        """Order so many replicas. Raises DoorError."""
        await self._send("POST", f"/scale/{name}", {"replicas": replicas})

    async def _send(self, method: str, path: str, body: dict[str, int] | None = None) -> dict[str, Any]:
        try:
            response = await self._http.request(method, self._url + path, json=body)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DoorError(f"the door does not answer: {type(error).__name__}: {error}") from None
        if not isinstance(answer, dict) or not response.is_success:
            raise DoorError(f"the door answered {response.status_code}: {answer}")
        return answer
