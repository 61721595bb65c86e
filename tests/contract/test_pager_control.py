"""The harness's side of a pager: it reads, it makes it forget, and it says what is wrong with an answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from harness.engine.pager import PagerControl
from harness.engine.settle import settle
from harness.engine.stack import Stack
from harness.engine.wide_area import WideArea
from harness.errors import InstrumentError
from targets.parts.kit.http import serve
from targets.parts.pager.record import Record
from targets.parts.pager.server import control, wire
from tests.fakes.pager import PagerServer, pager_server, told, webhook
from tests.unit.engine.projects import target


@pytest.fixture
def server() -> Iterator[PagerServer]:
    with pager_server() as running:
        yield running


@pytest.fixture
def pager(server: PagerServer) -> PagerControl:
    return PagerControl("pager", server.url)


def test_it_reads_what_was_received(server: PagerServer, pager: PagerControl) -> None:
    server.received = [webhook(990.5, told("Down", starts=980, zone="a"))]
    heard = pager.notifications()
    assert (heard.now, heard.notifications[0].received) == (1000.0, 990.5)
    assert [(received, alert.name, alert.labels["zone"]) for received, alert in heard.told()] == [(990.5, "Down", "a")]
    assert server.orders == ["GET /notifications"]


def test_it_forgets_and_remembers_what_fires_all_the_same(server: PagerServer, pager: PagerControl) -> None:
    slow, down = told("Slow", starts=970), told("Down", starts=980)
    server.received = [webhook(990, slow, down), webhook(995, told("Slow", "resolved", starts=970))]
    assert not pager.quiet() and pager.fires_anew()
    assert pager.forget() == ["Down"]
    assert server.orders[-1] == "POST /reset" and server.received == []
    assert list(pager.carried.values()) == ["Down"]
    assert not pager.fires_anew(), "it was waited for already"
    assert not pager.quiet(), "nobody is told a second time, and it fires on"
    assert pager.forget() == ["Down"]
    server.received = [webhook(1005, told("Down", starts=980))]  # told again, as Alertmanager does from time to time
    assert not pager.fires_anew() and not pager.quiet()
    server.received = [webhook(1006, told("Slow", starts=1004))]
    assert pager.fires_anew()
    server.received = [webhook(1010, told("Down", "resolved", starts=980))]
    assert pager.quiet()
    assert pager.forget() == [] == list(pager.carried)


@pytest.mark.parametrize(
    ("says", "wanted"),
    [
        ("nothing", "cannot be read"),
        ('{"notifications": []}', r"cannot be read \(now: "),
        ('{"now": 1, "notifications": [{"received": 1, "body": {}}]}', r"notifications\.0\.body\.alerts"),
        ('[{"received": 1}]', "cannot be read"),
    ],
)
def test_an_answer_that_is_none_is_never_taken_for_silence(
    server: PagerServer, pager: PagerControl, says: str, wanted: str
) -> None:
    server.says = says
    with pytest.raises(InstrumentError, match=wanted):
        pager.notifications()


def test_a_refusal_is_an_error(server: PagerServer, pager: PagerControl) -> None:
    server.status = 503
    with pytest.raises(InstrumentError, match="refused GET /notifications with 503"):
        pager.notifications()
    with pytest.raises(InstrumentError, match="refused"):
        pager.forget()


def test_one_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InstrumentError, match="cannot be reached"):
        PagerControl("pager", "http://127.0.0.1:9", timeout_s=0.5).notifications()


def test_a_stack_tells_pagers_from_simulators(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EventWatcher", "PacketRules", "twin"):
        monkeypatch.setattr(f"harness.engine.stack.{name}", lambda *_: None)
    weaving: Any = SimpleNamespace(
        controls={"pager": 1, "openai": 2}, apis={}, proxies=(), doors={}, place_doors=(), wan=()
    )
    aim = target([], "pager", settings={"pager": {"control_port": 8081}})
    cli: Any = None
    stack = Stack(cli, aim, weaving, "c", cli=cli, files=[])
    assert list(stack.pagers) == ["pager"] and list(stack.providers) == ["openai"]


def bare_stack(pager: PagerControl) -> Any:
    return SimpleNamespace(
        fixed_units=(), servers={}, providers={}, links={}, ready=lambda _: 0.0, pagers={"pager": pager},
        weaving=SimpleNamespace(wan=()), wide_area=WideArea(None, (), {}), target=SimpleNamespace(components={}),
    )  # fmt: skip


def test_before_a_run_it_waits_for_what_still_fires(
    server: PagerServer, pager: PagerControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.received = [webhook(990, told("Down", starts=980))]
    # Whoever waits looks a second time, and by then it is resolved.
    monkeypatch.setattr(
        "harness.engine.settle.time.sleep",
        lambda _: server.received.append(webhook(1000, told("Down", "resolved", starts=980))),
    )
    assert settle(bare_stack(pager), 60.0) == []
    assert server.orders[-1] == "POST /reset" and not pager.carried


def test_what_fires_on_is_said_and_does_not_keep_the_run_from_beginning(
    server: PagerServer, pager: PagerControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.received = [webhook(990, told("Down", starts=980))]
    monkeypatch.setattr("harness.engine.settle.QUIET_S", 0.0)
    assert settle(bare_stack(pager), 60.0) == ["alert Down: it was still firing"]
    assert list(pager.carried.values()) == ["Down"]


def test_heartbeats_are_read_where_the_pager_knows_of_them(server: PagerServer, pager: PagerControl) -> None:
    server.beats = [990.0, 995.0]
    assert pager.heartbeats() == [990.0, 995.0]
    server.says = '{"beats": 1}'
    with pytest.raises(InstrumentError, match="heartbeats that cannot be read"):
        pager.heartbeats()
    server.status = 404
    assert pager.heartbeats() is None


@pytest.fixture
def real() -> Iterator[tuple[PagerControl, str]]:
    """The control of the part that the targets run, and the address at which Alertmanager calls it."""
    record, loop, ports = Record(), asyncio.new_event_loop(), list[int]()
    up = threading.Event()
    over = asyncio.Event()

    async def run() -> None:
        servers = [await serve(handler(record), "127.0.0.1", 0) for handler in (wire, control)]
        ports.extend(server.sockets[0].getsockname()[1] for server in servers)
        up.set()
        await over.wait()
        for server in servers:
            server.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert up.wait(20)
    yield PagerControl("pager", f"http://127.0.0.1:{ports[1]}"), f"http://127.0.0.1:{ports[0]}"
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
    loop.close()


def test_the_pager_of_the_targets_speaks_the_same(real: tuple[PagerControl, str]) -> None:
    pager, address = real
    down = told("Down", starts=980, zone="a")
    assert pager.heartbeats() == []
    for path, alert in (("alerts", down), ("heartbeat", told("Watchdog", starts=900))):
        answer = httpx.post(f"{address}/{path}", json=webhook(0, alert)["body"], trust_env=False, timeout=20)
        assert answer.status_code == 200
    heard = pager.notifications()
    ((received, alert),) = heard.told()
    assert (alert.name, alert.labels["zone"]) == ("Down", "a")
    assert heard.now - 20 < received <= heard.now
    assert len(pager.heartbeats() or []) == 1
    assert pager.forget() == ["Down"]
    assert pager.notifications().notifications == [] == pager.heartbeats()
