"""A Docker engine behind a unix socket, and balancers with an exporter: as little of each as the parts talk to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route


@contextlib.asynccontextmanager
async def serving(app: Starlette, where: socket.socket | Path) -> AsyncIterator[None]:
    """Serve until the block ends."""
    listener = where
    if isinstance(listener, Path):
        path, listener = listener, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # the test's process is not its own
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task
        listener.close()


def free_listener() -> socket.socket:
    """A listening socket on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0))


class FakeEngine:
    """The swarm's services. Scaling takes effect at once: `running` follows, except in zones that are `away`."""

    def __init__(self, **replicas: int) -> None:
        self.services = {name: self._service(name, count) for name, count in replicas.items()}
        self.away: set[str] = set()
        self.requests: list[str] = []
        self.broken = False
        routes = [
            Route("/services", self._list),
            Route("/services/{identity}/update", self._update, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    @staticmethod
    def _service(name: str, count: int) -> dict[str, Any]:
        template = {"ContainerSpec": {"Image": f"testbed/{name}@sha256:1"}, "Networks": [{"Target": "n1"}]}
        spec = {"Name": f"st_{name}", "TaskTemplate": template, "Mode": {"Replicated": {"Replicas": count}}}
        return {"ID": f"id{name}", "Version": {"Index": 10}, "Spec": spec}

    def replicas(self, name: str) -> int:
        """How many replicas the engine was told to run."""
        return int(self.services[name]["Spec"]["Mode"]["Replicated"]["Replicas"])

    def running(self, name: str) -> int:
        """How many of them run."""
        return 0 if name in self.away else self.replicas(name)

    async def _list(self, request: Request) -> Response:
        self.requests.append("list")
        if self.broken:
            return JSONResponse({"message": "This node is not a swarm manager."}, status_code=503)
        prefixes = json.loads(request.query_params["filters"])["name"]
        assert request.query_params["status"] == "true"
        return JSONResponse(
            [
                service | {"ServiceStatus": {"RunningTasks": self.running(name), "DesiredTasks": self.replicas(name)}}
                for name, service in self.services.items()
                if any(service["Spec"]["Name"].startswith(prefix) for prefix in prefixes)
            ]
        )

    async def _update(self, request: Request) -> Response:
        identity = request.path_params["identity"]
        self.requests.append(f"update {identity}")
        [service] = [service for service in self.services.values() if service["ID"] == identity]
        if int(request.query_params["version"]) != service["Version"]["Index"]:
            message = "rpc error: code = Unknown desc = update out of sequence"
            return JSONResponse({"message": message}, status_code=500)
        service["Spec"] = await request.json()
        service["Version"] = {"Index": service["Version"]["Index"] + 1}
        return JSONResponse({"Warnings": None})


class FakeBalancer:
    """HAProxy's exporter: `in_flight` requests, and the engine's running tasks as servers that are up."""

    def __init__(self, engine: FakeEngine, slots: int = 8) -> None:
        self._engine = engine
        self._slots = slots
        self.in_flight = 0.0
        self.silent = False
        self.app = Starlette(routes=[Route("/metrics", self._metrics)])

    async def _metrics(self, request: Request) -> Response:
        if self.silent:
            return PlainTextResponse("no", status_code=503)
        assert request.query_params.getlist("scope") == ["backend", "server"]
        lines = [f'haproxy_backend_current_sessions{{proxy="apps"}} {self.in_flight}']
        for name in self._engine.services:
            running = self._engine.running(name)
            lines += [
                f'haproxy_server_status{{proxy="apps",server="{name}-{slot}",state="UP"}} {int(slot <= running)}'
                for slot in range(1, self._slots + 1)
            ]
        return PlainTextResponse("\n".join(lines) + "\n")
