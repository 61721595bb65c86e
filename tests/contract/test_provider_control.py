"""The control client against the real simulator, and the fake that stands for both in unit tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from harness.engine.provider import ProviderControl
from harness.errors import InstrumentError
from harness.faults.base import ProviderHandle
from tests.fakes.provider import FakeProvider
from tests.fakes.simulator import Simulator, running_simulator

Serve = Callable[[int], None]
Resettable = ProviderControl | FakeProvider
BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(params=["real", "fake"])
def provider(request: pytest.FixtureRequest) -> tuple[Resettable, Serve]:
    """A provider handle, freshly reset, and a way to let requests arrive."""
    if request.param == "fake":
        fake = FakeProvider("openai")
        return fake, fake.serve
    simulator: Simulator = request.getfixturevalue("simulator")
    control = ProviderControl("openai", simulator.control_url, timeout_s=20)
    control.reset()

    def serve(requests: int) -> None:
        with httpx.Client(base_url=simulator.wire_url, trust_env=False, timeout=20) as client:
            for _ in range(requests):
                client.post("/v1/chat/completions", json=BODY)

    return control, serve


def test_it_is_a_provider_handle(provider: tuple[Resettable, Serve]) -> None:
    handle: ProviderHandle = provider[0]
    assert handle.name == "openai"


def test_a_fault_meets_every_request_until_it_is_cleared(provider: tuple[Resettable, Serve]) -> None:
    handle, serve = provider
    serve(2)
    handle.set_fault("status", 1.0, status=503, retry_after_s=None)
    serve(3)
    handle.clear_fault()
    serve(4)
    counted = handle.counters()
    assert (counted["requests"], counted["affected"]) == (9, 3)
    assert counted["completed"] + counted["aborted"] == 9


def test_a_share_meets_the_same_requests_in_both(provider: tuple[Resettable, Serve]) -> None:
    handle, serve = provider
    handle.set_fault("truncate", 0.5, after_tokens=1)
    serve(40)
    # The seeded stream is one and the same, so the fake must agree to the request.
    twin = FakeProvider()
    twin.set_fault("truncate", 0.5, after_tokens=1)
    twin.serve(40)
    assert handle.counters() == twin.counters()
    assert 0 < handle.counters()["affected"] < 40


def test_clearing_twice_is_fine(provider: tuple[Resettable, Serve]) -> None:
    handle, serve = provider
    handle.set_fault("empty", 1.0)
    handle.clear_fault()
    handle.clear_fault()
    serve(1)
    assert handle.counters()["affected"] == 0


def test_reset_counts_from_zero_and_clears(provider: tuple[Resettable, Serve]) -> None:
    handle, serve = provider
    handle.set_fault("status", 1.0, status=500)
    serve(2)
    handle.reset()
    assert handle.counters() == {"requests": 0, "affected": 0, "completed": 0, "aborted": 0}
    serve(1)
    assert handle.counters()["affected"] == 0


@pytest.mark.parametrize(
    ("kind", "share", "settings"),
    [("explode", 1.0, {}), ("hang", 2.0, {}), ("hang", 1.0, {"delay_s": 1.0}), ("status", 1.0, {"status": 418})],
)
def test_a_fault_that_does_not_exist_is_an_error(
    provider: tuple[Resettable, Serve], kind: str, share: float, settings: dict[str, object]
) -> None:
    with pytest.raises(InstrumentError, match="'openai' refused"):
        provider[0].set_fault(kind, share, **settings)


def test_a_simulator_that_is_not_there_is_named() -> None:
    control = ProviderControl("openai", "http://127.0.0.1:9", timeout_s=2)
    for order in (control.clear_fault, control.counters, control.reset, lambda: control.set_fault("hang", 1.0)):
        with pytest.raises(InstrumentError, match=r"'openai' cannot be reached at http://127\.0\.0\.1:9"):
            order()


@pytest.fixture
def impostor() -> Iterator[tuple[str, dict[str, object]]]:
    """A server that answers every order with 200 and the given JSON, whatever was asked for."""
    said: dict[str, object] = {}

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.dumps(said["json"]).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_DELETE = do_POST = answer  # noqa: N815 (the names that the base class looks for)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", said
        server.shutdown()
        thread.join(10)


def test_another_fault_than_the_one_asked_for_is_an_error(impostor: tuple[str, dict[str, object]]) -> None:
    url, said = impostor
    said["json"] = {"kind": "status", "share": 0.5, "status": 503}
    with pytest.raises(InstrumentError, match="share differ"):
        ProviderControl("openai", url, timeout_s=20).set_fault("status", 1.0, status=503)


def test_a_fault_that_stays_is_an_error(impostor: tuple[str, dict[str, object]]) -> None:
    url, said = impostor
    said["json"] = {"kind": "hang", "share": 1.0}
    with pytest.raises(InstrumentError, match="kept its fault"):
        ProviderControl("openai", url, timeout_s=20).clear_fault()


@pytest.mark.parametrize("answer", [{"requests": 3}, {"requests": "3", "affected": 1}, [1, 2], "ok"])
def test_counters_that_make_no_sense_are_an_error(impostor: tuple[str, dict[str, object]], answer: object) -> None:
    url, said = impostor
    said["json"] = answer
    with pytest.raises(InstrumentError, match="'openai'"):
        ProviderControl("openai", url, timeout_s=20).counters()
