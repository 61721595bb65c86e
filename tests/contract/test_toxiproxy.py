"""The adapter and the links against a real Toxiproxy 2.12, and the fake link against the same expectations."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.engine.link import ProxiedLink
from harness.engine.ports import free_ports
from harness.engine.toxiproxy import ToxiproxyServer
from harness.errors import InstrumentError
from harness.faults.base import LinkHandle
from tests.contract.toxiproxy_server import find_binary, redis_like, running
from tests.fakes.link import FakeLink


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return find_binary(tmp_path_factory.mktemp("toxiproxy"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with redis_like() as port:
        yield port


@pytest.fixture(scope="module")
def api_port(binary: Path) -> Iterator[int]:
    with running(binary) as port:
        yield port


@pytest.fixture
def server(api_port: int, upstream: int) -> Iterator[tuple[ToxiproxyServer, int]]:
    """A server with the one proxy 'cache', and the port that it listens on."""
    server = ToxiproxyServer("127.0.0.1", api_port)
    known = server.proxies()  # those of earlier tests are still there, disabled
    port = next(free for free in free_ports() if f"cache-{free}" not in known)
    name = f"cache-{port}"
    server.create(name, f"127.0.0.1:{port}", f"127.0.0.1:{upstream}")
    yield server, port
    server.set_enabled(name, False)


@pytest.fixture(params=["real", "fake"])
def link(request: pytest.FixtureRequest) -> LinkHandle:
    if request.param == "fake":
        return FakeLink("cache")
    server, port = request.getfixturevalue("server")
    return ProxiedLink(f"cache-{port}", server, ("127.0.0.1", port), "redis", "cache")


def test_a_link_answers(link: LinkHandle) -> None:
    probe = link.probe()
    assert probe.outcome == "answered"
    assert probe.rtt_ms is not None


def test_disabling_hangs_up_and_enabling_heals(link: LinkHandle) -> None:
    for _ in range(2):
        link.set_enabled(False)
        assert link.probe().outcome == "closed"
        link.set_enabled(False)
        link.set_enabled(True)
        assert link.probe().outcome == "answered"


def test_latency_is_added_once_a_round_trip_and_goes_with_its_toxic(link: LinkHandle) -> None:
    bare = link.probe().rtt_ms or 0.0
    name = link.add_toxic("latency", "downstream", latency=200, jitter=0)
    slow = link.probe().rtt_ms or 0.0
    assert 200 <= slow - bare + 5 < 600
    second = link.add_toxic("latency", "downstream", latency=100)
    assert second != name, "two faults of one kind on one link are two"
    assert (link.probe().rtt_ms or 0.0) >= 300
    link.remove_toxic(name)
    link.remove_toxic(second)
    link.remove_toxic(second)
    assert (link.probe().rtt_ms or 0.0) < 200


def test_latency_beyond_the_patience_is_silence(link: LinkHandle) -> None:
    name = link.add_toxic("latency", "downstream", latency=1000)
    assert link.probe(timeout_s=0.2).outcome == "silent"
    link.remove_toxic(name)


def test_a_black_hole_is_silent(link: LinkHandle) -> None:
    name = link.add_toxic("timeout", "upstream", timeout=0)
    assert link.probe(timeout_s=0.3).outcome == "silent"
    link.remove_toxic(name)
    assert link.probe().outcome == "answered"


def test_a_reset_is_a_reset(link: LinkHandle) -> None:
    name = link.add_toxic("reset_peer", "downstream", timeout=0)
    assert link.probe().outcome == "reset"
    link.remove_toxic(name)
    assert link.probe().outcome == "answered"


@pytest.mark.parametrize(
    "order",
    [
        lambda link: link.add_toxic("bandwidth", "upstream", rtae=100),
        lambda link: link.add_toxic("latency", "downstream", latency=100, gitter=5),
        lambda link: link.add_toxic("gremlin", "upstream", bites=3),
    ],
)
def test_a_misspelt_order_raises_and_leaves_nothing(link: LinkHandle, order: Callable[[LinkHandle], str]) -> None:
    with pytest.raises(InstrumentError):
        order(link)
    assert link.probe().outcome == "answered"


def test_it_is_the_version_that_the_design_was_written_for(server: tuple[ToxiproxyServer, int]) -> None:
    assert server[0].version().removeprefix("v") in ("2.12.0", "git")  # `go install` alone does not stamp it


def test_attributes_are_changed_in_place_and_the_others_keep_their_values(server: tuple[ToxiproxyServer, int]) -> None:
    toxiproxy, port = server
    added = toxiproxy.add_toxic(f"cache-{port}", "latency", "downstream", {"latency": 100, "jitter": 7})
    changed = toxiproxy.update_toxic(f"cache-{port}", added.name, {"latency": 50})
    assert changed.attributes == {"latency": 50, "jitter": 7}
    assert toxiproxy.proxy(f"cache-{port}").toxics == (changed,)
    with pytest.raises(InstrumentError, match="did not store"):
        toxiproxy.update_toxic(f"cache-{port}", added.name, {"latnecy": 10})
    toxiproxy.remove_toxic(f"cache-{port}", added.name)


def test_what_is_unknown_or_there_twice_is_an_error(server: tuple[ToxiproxyServer, int]) -> None:
    toxiproxy, port = server
    with pytest.raises(InstrumentError, match="refuses GET /proxies/nobody"):
        toxiproxy.proxy("nobody")
    with pytest.raises(InstrumentError, match="refuses POST /proxies"):
        toxiproxy.create(f"cache-{port}", "127.0.0.1:0", "127.0.0.1:1")


def test_a_port_that_is_taken_is_a_500_that_the_library_would_have_swallowed(
    server: tuple[ToxiproxyServer, int],
) -> None:
    toxiproxy, port = server
    with pytest.raises(InstrumentError, match=r"fails at POST /proxies: 500 .*address already in use"):
        toxiproxy.create("twice", f"127.0.0.1:{port}", "127.0.0.1:1")


def test_reset_makes_everything_as_new(server: tuple[ToxiproxyServer, int]) -> None:
    toxiproxy, port = server
    toxiproxy.add_toxic(f"cache-{port}", "latency", "upstream", {"latency": 100})
    toxiproxy.set_enabled(f"cache-{port}", False)
    toxiproxy.reset()
    state = toxiproxy.proxies()[f"cache-{port}"]
    assert state.enabled
    assert state.toxics == ()


def test_a_proxy_from_the_woven_configuration_is_there_at_the_start_and_can_be_switched(
    binary: Path, upstream: int, tmp_path: Path
) -> None:
    port = next(free_ports())
    stored = [{"name": "cache", "listen": f"0.0.0.0:{port}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}]
    (tmp_path / "toxiproxy.json").write_text(json.dumps(stored))
    with running(binary, f"-config={tmp_path / 'toxiproxy.json'}") as api:
        server = ToxiproxyServer("127.0.0.1", api)
        link = ProxiedLink("cache", server, ("127.0.0.1", port), "redis", "cache")
        assert link.probe().outcome == "answered"
        link.set_enabled(False)
        link.set_enabled(True)
        assert link.probe().outcome == "answered"
        assert server.proxy("cache").upstream == f"127.0.0.1:{upstream}"
