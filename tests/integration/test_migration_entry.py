"""The entry of a migration on a real engine: writes wait during the stop and are then served by the other version."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker
import httpx
import pytest

from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.sweep import find_ours
from harness.migration.entry import entry_before
from tests.integration.deploying import CAMPAIGN, engine_to_ourselves, eventually

pytestmark = pytest.mark.engine


@contextmanager
def version(name: str, release: threading.Event) -> Iterator[int]:
    """A server that answers with its name and what the entry added; writes wait for `release`. Yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{name} {self.headers.get('X-Forwarded-For', '-')}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            release.wait(20)
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    ensure_images(client, ["edge"], lambda line: None)
    with engine_to_ourselves(client):
        yield client
    client.close()


def test_a_write_of_the_stop_waits_and_is_served_by_the_other_version(client: docker.DockerClient) -> None:
    gate, at_once = threading.Event(), threading.Event()
    at_once.set()
    with (
        version("old", gate) as old,
        version("new", at_once) as new,
        entry_before(client, old, new, CAMPAIGN) as entry,
        httpx.Client(base_url=entry.base_url, timeout=20, trust_env=False) as web,
        ThreadPoolExecutor(2) as pool,
    ):
        assert web.get("/").text == "old -"
        begun = pool.submit(web.post, "/", content=b"{}")
        assert eventually(lambda: entry.writes_open() == 1)
        entry.stop_writes()
        assert not entry.drained(0.2)
        held = pool.submit(web.post, "/", content=b"{}")
        assert web.get("/").text == "old -", "reads go on"
        gate.set()
        assert begun.result().text == "old -", "what had begun ends where it began"
        assert entry.drained(5)
        assert not held.done()
        entry.switch()
        entry.open_writes()
        assert held.result().text == "new -"
        assert web.get("/").text == "new -"
    assert find_ours(client, CAMPAIGN) == []
