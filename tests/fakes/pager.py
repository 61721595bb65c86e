"""A pager: what Alertmanager would have told it, as a handle and as a server on a loopback port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.alerts import Key, Notifications
from harness.errors import InstrumentError


def told(name: str, status: str = "firing", *, starts: float, severity: str = "page", **labels: str) -> dict[str, Any]:
    """One alert as Alertmanager writes it; `starts` is in s since 1970."""
    moment = datetime.fromtimestamp(starts, UTC).isoformat().replace("+00:00", "Z")
    return {
        "status": status,
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {"summary": "Something is wrong."},
        "startsAt": moment,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": f"{name}/{sorted(labels.items())}",
    }


def webhook(received: float, *alerts: dict[str, Any]) -> dict[str, Any]:
    """One notification as the pager keeps it: Alertmanager's webhook, version 4, and the moment of receipt."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    body = {"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing" if firing else "resolved"}
    return {"received": received, "body": {**body, "receiver": "pager", "alerts": list(alerts)}}


@dataclass
class FakePager:
    """A handle that hears, at each look, what has been received until then; `now` is its clock (s since 1970)."""

    received: list[dict[str, Any]]
    now: float
    carried: dict[Key, str] = field(default_factory=dict)
    broken: bool = False
    looks: int = 0
    beats: list[float] | None = None

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def notifications(self) -> Notifications:
        self.looks += 1
        if self.broken:
            raise InstrumentError("The pager 'pager' cannot be reached.")
        heard = [each for each in self.received if each["received"] <= self.now]
        return Notifications.model_validate_json(json.dumps({"now": self.now, "notifications": heard}))

    def heartbeats(self) -> list[float] | None:
        return None if self.beats is None else [beat for beat in self.beats if beat <= self.now]


@dataclass
class PagerServer:
    """What the control side answers, to be changed at will; `orders` are those it got."""

    url: str = ""
    now: float = 1000.0
    received: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    says: str | None = None
    orders: list[str] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)

    def answer(self, order: str) -> str:
        self.orders.append(order)
        if order == "POST /reset":
            self.received.clear()
            return "{}"
        if self.says is not None:
            return self.says
        if order == "GET /heartbeats":
            return json.dumps({"now": self.now, "heartbeats": self.beats})
        return json.dumps({"now": self.now, "notifications": self.received})


@contextmanager
def pager_server() -> Iterator[PagerServer]:
    """Serve a pager's control side for as long as the context lasts."""
    pager = PagerServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = pager.answer(f"{self.command} {self.path}").encode()
            self.send_response(pager.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 (the library's name)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pager.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield pager
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
