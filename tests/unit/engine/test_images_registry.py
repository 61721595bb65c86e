"""Registries: where an image comes from, and whether one answers, decided in seconds."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from harness.engine.registry import source_of, why_silent


class Registry(BaseHTTPRequestHandler):
    """Answers every question with the status that the test chose; 0 is to say nothing."""

    status = 200
    released = threading.Event()

    def do_GET(self) -> None:
        if self.status == 0:
            self.released.wait(30)
            return
        self.send_response(self.status if self.path == "/v2/" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing in the test's output."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        Registry.released.set()
        server.shutdown()
        thread.join()
        Registry.released.clear()


@pytest.mark.parametrize(
    ("image", "mirror", "registry", "reference"),
    [
        ("debian:trixie-slim", "", "registry-1.docker.io", "debian:trixie-slim"),
        ("ghcr.io/shopify/toxiproxy:2.12.0", "", "ghcr.io", "ghcr.io/shopify/toxiproxy:2.12.0"),
        ("grafana/grafana:12", "", "registry-1.docker.io", "grafana/grafana:12"),
        ("localhost/a:1", "", "localhost", "localhost/a:1"),
        ("debian:trixie-slim", "127.0.0.1:5000/", "127.0.0.1:5000", "127.0.0.1:5000/debian:trixie-slim"),
        ("debian:trixie-slim", "https://m.example/hub/", "m.example", "m.example/hub/debian:trixie-slim"),
        ("ghcr.io/shopify/toxiproxy:2.12.0", "m.example", "m.example", "m.example/shopify/toxiproxy:2.12.0"),
        ("grafana/grafana:12", " m.example ", "m.example", "m.example/grafana/grafana:12"),
    ],
)
def test_a_mirror_takes_the_place_of_the_registry(
    monkeypatch: pytest.MonkeyPatch, image: str, mirror: str, registry: str, reference: str
) -> None:
    monkeypatch.setenv("TESTBED_REGISTRY", mirror)
    source = source_of(image)
    assert (source.registry, source.reference) == (registry, reference)


@pytest.mark.parametrize("status", [200, 401])
def test_a_registry_that_answers_or_asks_who_we_are_is_there(
    monkeypatch: pytest.MonkeyPatch, address: str, status: int
) -> None:
    monkeypatch.setattr(Registry, "status", status)
    assert why_silent(address) == ""


@pytest.mark.parametrize("status", [404, 403, 500, 301])
def test_anything_else_is_no_registry(monkeypatch: pytest.MonkeyPatch, address: str, status: int) -> None:
    monkeypatch.setattr(Registry, "status", status)
    assert why_silent(address) == f"{address} answers with status {status}"


def test_a_proxy_of_the_environment_is_not_asked_about_loopback(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(Registry, "status", 200)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert why_silent(address) == ""


def test_a_closed_port_is_said_at_once() -> None:
    assert why_silent("127.0.0.1:1") == "127.0.0.1:1 does not answer ([Errno 111] Connection refused)"


def test_one_that_takes_the_question_and_says_nothing_costs_the_time_out_and_no_more(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(Registry, "status", 0)
    started = time.monotonic()
    assert address in why_silent(address, timeout_s=0.2)
    assert time.monotonic() - started < 5
