"""What the door answers to whom."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterable
from typing import Any, Protocol

from targets.parts.engine_door.engine import EngineError, OutOfSequence
from targets.parts.engine_door.settings import Settings
from targets.parts.kit.http import Request, Response, json_response

# The engine keeps one former spec to go back to. Whoever scales during a deploy makes the version that is going out the
# former one, and a roll-back would go nowhere.
UNDER_WAY = ("updating", "rollback_started")
ATTEMPTS = 3  # to write a service that others write as well

_log = logging.getLogger("engine-door")


class Engine(Protocol):
    """What the door asks of the engine."""

    async def services(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return the services with exactly these names that exist."""

    async def update(self, identity: str, version: int, spec: dict[str, Any]) -> None:
        """Give the service this spec, if it still is at `version`."""


class Refused(Exception):
    """A request that is not done: `status` and a sentence for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Door:
    """Answers requests; asks `engine` only for what `settings` allow."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine

    async def handle(self, request: Request) -> Response:
        """Answer one request. What is refused is logged as a warning, what the engine fails to do as an error."""
        about = {"method": request.method, "path": request.path, "peer": request.peer}
        try:
            return json_response(await self._do(request))
        except Refused as error:
            _log.warning("refused", extra={**about, "status": error.status, "why": str(error)})
            return json_response({"error": str(error)}, error.status)
        except EngineError as error:
            status = 409 if isinstance(error, OutOfSequence) else 502
            _log.error("failed", extra={**about, "status": status, "why": str(error)})
            return json_response({"error": str(error)}, status)

    async def _do(self, request: Request) -> dict[str, Any]:
        match request.method, request.path.split("/")[1:]:
            case "GET", ["health"]:
                return {"status": "alive"}
            case "GET", ["services"]:
                found = await self._engine.services(self._settings.allowed.values())
                return {"services": [self._describe(service) for service in found]}
            case "GET", ["services", name]:
                return self._describe(await self._find(self._full(name)))
            case "POST", ["scale", name]:
                return await self._scale(name, self._full(name), self._replicas(request.body))
        raise Refused(403, "this door lets services be listed and scaled, and nothing else")

    def _full(self, name: str) -> str:
        if name not in self._settings.allowed:
            raise Refused(403, f"only these services may be scaled: {', '.join(self._settings.allowed)}")
        return self._settings.allowed[name]

    def _replicas(self, body: bytes) -> int:
        low, high = self._settings.minimum, self._settings.maximum
        try:
            order = json.loads(body)
        except ValueError:
            order = None
        replicas = order.get("replicas") if isinstance(order, dict) and len(order) == 1 else None
        if type(replicas) is not int:  # True is an int as well
            raise Refused(400, 'the body must be {"replicas": <whole number>}')
        if not low <= replicas <= high:
            raise Refused(403, f"replicas must be {low} to {high}, not {replicas}")
        return replicas

    async def _scale(self, name: str, full: str, replicas: int) -> dict[str, Any]:
        """Change the one number. An order that changes nothing writes nothing."""
        for attempt in range(1, ATTEMPTS + 1):
            service = await self._find(full)
            spec = copy.deepcopy(service["Spec"])
            mode = _replicated(spec)
            if "Replicas" not in mode:
                raise Refused(403, f"{full} has no replicas to count: it is not a replicated service")
            was, mode["Replicas"] = mode["Replicas"], replicas
            outcome = {"service": full, "was": was, "replicas": replicas, "changed": was != replicas}
            if was == replicas:
                return {"name": name} | outcome
            if _state(service) in UNDER_WAY:
                raise Refused(409, f"{full} is being deployed ({_state(service)}): it is scaled when that is over")
            try:
                await self._engine.update(service["ID"], service["Version"]["Index"], spec)
            except OutOfSequence:
                if attempt == ATTEMPTS:
                    raise
                continue
            _log.info("scaled", extra=outcome)
            return {"name": name} | outcome
        raise AssertionError("the last attempt returns or raises")

    async def _find(self, full: str) -> dict[str, Any]:
        found = await self._engine.services([full])
        if not found:
            raise Refused(404, f"there is no service {full}")
        return found[0]

    def _describe(self, service: dict[str, Any]) -> dict[str, Any]:
        full = service["Spec"]["Name"]
        short = next(name for name, allowed in self._settings.allowed.items() if allowed == full)
        return {
            "name": short,
            "service": full,
            "replicas": _replicated(service["Spec"]).get("Replicas", 0),
            "running": (service.get("ServiceStatus") or {}).get("RunningTasks"),
            "minimum": self._settings.minimum,
            "maximum": self._settings.maximum,
            "updating": _state(service) == "updating",
        }


def _state(service: dict[str, Any]) -> str:
    """How far the service's deploy is, in the engine's words; empty when it never had one."""
    return str((service.get("UpdateStatus") or {}).get("State") or "")


def _replicated(spec: dict[str, Any]) -> dict[str, Any]:
    """The part of a spec that holds the number of replicas; empty when the service is not a replicated one."""
    mode: dict[str, Any] = (spec.get("Mode") or {}).get("Replicated") or {}
    return mode
