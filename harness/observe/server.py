"""Serves metrics over HTTP on this machine, and counts how often a Prometheus asked for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

Collect = Callable[[], Iterator[Family]]


class MetricsServer:
    """Answers `/metrics` from `collect`, which is called for each answer, on a thread of its own.

    What `collect` raises is told to `failed` and answered with 500. Raises OSError where the port is taken.
    """

    def __init__(self, address: str, port: int, collect: Collect, failed: Callable[[Exception], None]) -> None:
        self.asked = 0
        self.scraped = 0
        """Complete answers, and those of them that went to a Prometheus."""
        self.scraped_at = -float("inf")
        """When (monotonic clock, s) the last of these began."""
        self._failed = failed
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collected(collect))
        self._server = _Server((address, port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it really listens on."""
        return int(self._server.server_address[1])

    def answer(self, accept: str, agent: str) -> tuple[int, str, bytes]:
        """Return status, content type and body for one question."""
        began = time.monotonic()
        try:
            encode, content_type = choose_encoder(accept)
            body = encode(self._registry)
        except Exception as error:  # noqa: BLE001 (whoever watches must not harm what is watched)
            self._failed(error)
            return 500, "text/plain; charset=utf-8", f"{type(error).__name__}: {error}\n".encode()
        self.asked += 1
        if agent.startswith("Prometheus/"):
            self.scraped += 1
            self.scraped_at = began
        return 200, content_type, body

    def close(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Collected(Collector):
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Family]:
        yield from self._collect()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Another harness that listens must be noticed: with SO_REUSEADDR alone it is, with SO_REUSEPORT it would not be.
    allow_reuse_port = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who asked has gone away."""


def _handler(server: MetricsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404, "Only /metrics is here")
                return
            status, content_type, body = server.answer(
                self.headers.get("Accept", ""), self.headers.get("User-Agent", "")
            )
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:
            """Keep it to itself."""

    return Handler
