"""The side that the harness talks to: set, look at and clear the fault, read the counters, start over."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from targets.parts.provider_sim.faults import Fault
from targets.parts.provider_sim.state import State


def control_app(state: State) -> FastAPI:
    """Build the application that takes orders for `state`."""
    app = FastAPI(title="Provider simulator, control", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, _explain)

    @app.put("/control/fault")
    async def set_fault(fault: Fault) -> dict[str, Any]:
        state.fault = fault
        return fault.model_dump(mode="json")

    @app.get("/control/fault")
    async def get_fault() -> dict[str, Any]:
        return state.fault.model_dump(mode="json") if state.fault else {}

    @app.delete("/control/fault")
    async def clear_fault() -> dict[str, Any]:
        state.fault = None
        return {}

    @app.get("/control/counters")
    async def counters() -> dict[str, Any]:
        now = state.counters
        return {
            "requests": now.requests,
            "affected": now.affected,
            "by_kind": dict(now.by_kind),
            "completed": now.completed,
            "aborted": now.aborted,
        }

    @app.post("/control/reset")
    async def reset() -> dict[str, Any]:
        state.reset()
        return {}

    @app.get("/control/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    return app


async def _explain(_request: Request, error: Exception) -> JSONResponse:
    """422 with one sentence per mistake: where it is, and what is wrong."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 (the handler is registered for this type only)
    return JSONResponse({"detail": " ".join(_sentence(mistake) for mistake in error.errors())}, status_code=422)


def _sentence(mistake: dict[str, Any]) -> str:
    # loc is ("body", kind, setting, ...): the kind stands there because it chose the model.
    place = ".".join(str(part) for part in mistake["loc"][1:])
    message = str(mistake["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}." if place else f"{message}."
