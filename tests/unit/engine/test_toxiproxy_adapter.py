"""The adapter against a server that lies, hangs and fails: the real one does so too seldom to test with."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.engine.toxiproxy import ToxiproxyServer
from harness.errors import InstrumentError

Answer = tuple[int, Any]


class Scripted(ThreadingHTTPServer):
    """Answers by (verb, path); what it was asked stays in `asked`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[tuple[str, str], Answer] = {}
        self.asked: list[tuple[str, str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Scripted

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        status, answer = self.server.answers.get((self.command, self.path), (200, {}))
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 (names that http.server looks for)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def toxiproxy(scripted: Scripted) -> ToxiproxyServer:
    return ToxiproxyServer("127.0.0.1", scripted.server_address[1])


def proxy(enabled: bool = True, toxics: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"name": "db", "listen": "[::]:1", "upstream": "db:1", "enabled": enabled, "toxics": toxics or []}


def test_a_500_is_an_error_and_not_an_answer(scripted: Scripted, toxiproxy: ToxiproxyServer) -> None:
    scripted.answers["GET", "/proxies"] = (500, {"title": "boom"})
    with pytest.raises(InstrumentError, match=r"fails at GET /proxies: 500 .*boom"):
        toxiproxy.proxies()


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_refusal_says_what_the_server_said(scripted: Scripted, toxiproxy: ToxiproxyServer, status: int) -> None:
    scripted.answers["GET", "/proxies/db"] = (status, {"title": "that does not go"})
    with pytest.raises(InstrumentError, match=r"refuses GET /proxies/db: .*that does not go"):
        toxiproxy.proxy("db")


def test_an_attribute_that_was_ignored_is_noticed_and_the_toxic_taken_away(
    scripted: Scripted, toxiproxy: ToxiproxyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", type("U", (), {"hex": "0123456789"}))
    stored = {"name": "bandwidth_upstream_01234567", "type": "bandwidth", "stream": "upstream", "toxicity": 1}
    scripted.answers["GET", "/proxies/db"] = (200, proxy(toxics=[{**stored, "attributes": {"rate": 0}}]))
    with pytest.raises(InstrumentError, match="still has the toxic"):  # this server does not take it away either
        toxiproxy.add_toxic("db", "bandwidth", "upstream", {"rtae": 100})
    assert ("DELETE", "/proxies/db/toxics/bandwidth_upstream_01234567", None) in scripted.asked


def test_a_toxic_that_was_taken_and_not_stored_is_noticed(scripted: Scripted, toxiproxy: ToxiproxyServer) -> None:
    scripted.answers["GET", "/proxies/db"] = (200, proxy())
    with pytest.raises(InstrumentError, match=r"took the toxic .* and does not have it"):
        toxiproxy.add_toxic("db", "latency", "upstream", {"latency": 100})


def test_a_proxy_that_stays_enabled_is_noticed(scripted: Scripted, toxiproxy: ToxiproxyServer) -> None:
    scripted.answers["GET", "/proxies/db"] = (200, proxy(enabled=True))
    with pytest.raises(InstrumentError, match="says that it disabled 'db', and it did not"):
        toxiproxy.set_enabled("db", False)


def test_a_reset_that_leaves_something_is_noticed(scripted: Scripted, toxiproxy: ToxiproxyServer) -> None:
    scripted.answers["POST", "/reset"] = (204, b"")
    scripted.answers["GET", "/proxies"] = (200, {"db": proxy(enabled=False)})
    with pytest.raises(InstrumentError, match="'db' is not as new"):
        toxiproxy.reset()


def test_a_server_that_hangs_costs_the_time_out_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        toxiproxy = ToxiproxyServer("127.0.0.1", hanging.getsockname()[1], timeout_s=0.1)
        with pytest.raises(InstrumentError, match=r"did not answer GET /proxies within 0.1 s"):
            toxiproxy.proxies()


def test_nobody_there_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(InstrumentError, match="cannot be reached"):
        ToxiproxyServer("127.0.0.1", port).proxies()


def test_two_servers_in_one_process_are_two(scripted: Scripted, toxiproxy: ToxiproxyServer) -> None:
    scripted.answers["GET", "/version"] = (200, {"version": "2.12.0"})
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        other = ToxiproxyServer("127.0.0.1", hanging.getsockname()[1], timeout_s=0.1)
        assert toxiproxy.version() == "2.12.0"
        with pytest.raises(InstrumentError):
            other.version()
        assert toxiproxy.version() == "2.12.0"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_for_the_outside_world_is_not_asked(
    scripted: Scripted, toxiproxy: ToxiproxyServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for known in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    scripted.answers["GET", "/proxies"] = (200, {})
    assert toxiproxy.proxies() == {}
