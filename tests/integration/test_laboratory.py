"""The laboratory on a real engine: up without a target, no leftover of ours, the harness scraped, gone again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import httpx
import pytest

from harness import monitoring
from harness.engine.host import connect
from harness.engine.ports import can_bind
from harness.engine.residue import residue, snapshot
from harness.engine.sweep import find_ours
from harness.observe import laboratory
from harness.observe.command import DATA
from harness.observe.live import DEFAULT_PORT

pytestmark = [pytest.mark.engine]

SCRAPED_S = 20.0


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[docker.DockerClient]:
    """The engine, with nothing of the laboratory on it before and after."""
    client = connect()
    if find_ours(client, monitoring.CAMPAIGN) or not all(map(can_bind, (*monitoring.PORTS.values(), DEFAULT_PORT))):
        pytest.skip("the laboratory is up, or something else listens on its ports or on those of the live metrics")
    monkeypatch.setenv(DATA, str(tmp_path / "data"))
    monkeypatch.setattr(monitoring, "why_silent", lambda _: "this test does without")
    monkeypatch.setattr(monitoring, "find_image", lambda *_: None)
    try:
        yield client
    finally:
        monitoring.remove(lambda _: None)
        client.close()


def serve_metrics() -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b"# TYPE chaos_replicas gauge\nchaos_replicas 7\n")

        def log_message(self, format: str, *words: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", DEFAULT_PORT), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def test_it_scrapes_this_machine_and_is_nobodys_leftover(client: docker.DockerClient, tmp_path: Path) -> None:
    before, said = snapshot(client), list[str]()
    monitoring.start(client, said.append)
    monitoring.start(client, said.append)  # once more is no harm
    assert sum("left out" in line for line in said) == 2
    assert residue(before, snapshot(client)) == []
    assert [item.kind for item in find_ours(client, monitoring.CAMPAIGN)] == ["container", "container"]
    assert laboratory.prometheus_is_up()
    assert laboratory.pages_are_up()
    server = serve_metrics()
    try:
        give_up = time.monotonic() + SCRAPED_S
        while not (found := asked("chaos_replicas")):
            assert time.monotonic() < give_up
            time.sleep(0.5)
    finally:
        server.shutdown()
        server.server_close()
    assert found[0]["value"][1] == "7"
    monitoring.remove(said.append)
    assert find_ours(client, monitoring.CAMPAIGN) == []
    assert not laboratory.prometheus_is_up() and not laboratory.pages_are_up()
    assert (tmp_path / "data" / "wal").is_dir()


def asked(query: str) -> list[dict[str, list[str]]]:
    answer = httpx.get(f"{laboratory.PROMETHEUS}/api/v1/query", params={"query": query}, trust_env=False)
    found: list[dict[str, list[str]]] = answer.json()["data"]["result"]
    return found
