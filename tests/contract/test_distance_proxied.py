"""Users far away, over a real Toxiproxy and a real chat server: a request takes as much longer as the way there is."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.clock import RunClock
from harness.distance import Distances
from harness.engine.link import ProxiedLink
from harness.engine.ports import free_ports
from harness.engine.toxiproxy import ToxiproxyServer
from harness.history import Kind, Outcome
from harness.load.asking import Arrival, Asker
from harness.load.client import OneAttemptPool
from harness.load.settings import Settings
from harness.places import PLACES
from tests.contract.toxiproxy_server import find_binary, running
from tests.fakes.chat_server import serving


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """A chat server's URL, and a port of a Toxiproxy in front of it for every place."""
    binary = find_binary(tmp_path)
    with ExitStack() as stack:
        chat = stack.enter_context(serving())
        api = stack.enter_context(running(binary))
        server, ports = ToxiproxyServer("127.0.0.1", api), free_ports()
        found = {place: next(ports) for place in PLACES}
        for place, port in found.items():
            server.create(f"place-{place}", f"127.0.0.1:{port}", chat.url.removeprefix("http://"))
        links = {
            place: ProxiedLink(f"place-{place}", server, ("127.0.0.1", port), "http", "x")
            for place, port in found.items()
        }
        distances = Distances(links, tuple(PLACES.values()))
        distances.set()
        yield chat.url, found
        distances.look()
        assert distances.doubts() == []
        assert distances.end() == []
        assert all(server.proxy(f"place-{place}").toxics == () for place in PLACES)


def test_a_request_takes_as_much_longer_as_the_way_there_is(doors: tuple[str, dict[str, int]]) -> None:
    url, ports = doors
    clients = [OneAttemptPool().get_client(f"http://127.0.0.1:{port}") for port in ports.values()]
    clock = RunClock.starting_in(0)
    one = Asker(clients[0], Settings(url, "r", 5.0, 0), clock, clients)
    for kind in (Kind.CHAT, Kind.STREAM):
        for k, place in enumerate(PLACES.values()):
            took_ms = []
            for _ in range(3):  # the best of three: a busy machine makes some of them later
                began = time.monotonic()
                record = one.ask(Arrival(k, clock.now(), kind, True, 0.0, place=k))
                took_ms.append((time.monotonic() - began) * 1000)
                assert record.outcome is Outcome.OK
            assert place.rtt_ms - 2 <= min(took_ms) <= place.rtt_ms + 80
