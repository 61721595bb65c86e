"""A Grafana that knows annotations and nothing else: it answers as the published documentation says Grafana does.

What it is asked must be as documented, too: an unknown field or parameter is an answer of 400, and so a failed test.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

EXCHANGES: dict[str, Any] = json.loads((Path(__file__).parent / "grafana_exchanges.json").read_text(encoding="utf-8"))
TOKEN = "a-token-of-a-service-account"
KINDS = {"string": str, "number": int, "array": list}


class FakeGrafana(ThreadingHTTPServer):
    """`trouble` is what is wrong with it: '', 'fails', 'hangs', 'drips' or 'is no Grafana'."""

    daemon_threads = True

    def __init__(self, prefix: str = "", trouble: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.prefix, self.trouble = prefix, trouble
        self.annotations: list[dict[str, Any]] = []
        self.authorized: list[str] = []
        self.leaving = threading.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.prefix}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana
    methods: ClassVar[dict[str, str]] = {"POST": "create", "GET": "find", "DELETE": "delete"}

    def _answer(self) -> None:
        if self.server.trouble:
            self._trouble()
            return
        asked = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._send("unauthorized")
            return
        assert asked.path.startswith(f"{self.server.prefix}/api/annotations"), asked.path
        {"POST": self._create, "GET": lambda: self._find(asked.query), "DELETE": self._delete}[self.command]()

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # names that http.server asks for

    def _create(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wanted = EXCHANGES["create"]["request"]
        given = {name: value for name, value in body.items() if value is not None}
        right = all(isinstance(value, KINDS[wanted["fields"].get(name, "")]) for name, value in given.items())
        if not right or not all(given.get(name) for name in wanted["required"]):
            self._send("refused")
            return
        element = EXCHANGES["find"]["response"]["element"] | given | {"id": len(self.server.annotations) + 1}
        self.server.annotations.append(element)
        self._send("create", EXCHANGES["create"]["response"]["body"] | {"id": element["id"]})

    def _find(self, query: str) -> None:
        asked = parse_qs(query, strict_parsing=True)
        if not set(asked) <= set(EXCHANGES["find"]["request"]["parameters"]):
            self._send("refused")
            return
        tags, limit = set(asked.get("tags", [])), int(asked.get("limit", ["100"])[0])
        self._send("find", [each for each in self.server.annotations if tags <= set(each["tags"])][:limit])

    def _delete(self) -> None:
        number = int(self.path.rpartition("/")[2])
        self.server.annotations = [each for each in self.server.annotations if each["id"] != number]
        self._send("delete", EXCHANGES["delete"]["response"]["body"])

    def _send(self, exchange: str, body: object = None) -> None:
        recorded = EXCHANGES[exchange]["response"]
        text = json.dumps(recorded["body"] if body is None else body).encode()
        self.send_response(recorded["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _trouble(self) -> None:
        if self.server.trouble == "hangs":
            self.server.leaving.wait(30)
            return
        status, text = (200, b"<html>a page</html>") if self.server.trouble == "is no Grafana" else (500, b"{}")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(10_000 if self.server.trouble == "drips" else len(text)))
        self.end_headers()
        if self.server.trouble == "drips":
            while not self.server.leaving.is_set():
                self.wfile.write(b" ")
                time.sleep(0.1)
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running(prefix: str = "", trouble: str = "") -> Iterator[FakeGrafana]:
    """Run one until the block ends."""
    grafana = FakeGrafana(prefix, trouble)
    thread = threading.Thread(target=grafana.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield grafana
    finally:
        grafana.leaving.set()
        grafana.shutdown()
        grafana.server_close()
        thread.join(5)
