"""Which database host is used, told by a fake way to connect; and what is tried again."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from targets.chat.errors import SettingsError, StoreUnavailable
from targets.chat.names import Names
from targets.chat.stores import hosts as hosts_module
from targets.chat.stores import repeat
from targets.chat.stores.hosts import Hosts
from targets.chat.stores.repeat import repeated

URL = "postgresql://chat@a:5432,b:5433/chat?target_session_attrs=read-write"
ADDRESSES = {"a": ["10.0.0.1"], "b": ["10.0.0.2"], "many": ["10.0.0.3", "10.0.0.4"]}


def look_up(host: str) -> list[str]:
    if host not in ADDRESSES:
        raise OSError(f"{host} is unknown")
    return ADDRESSES[host]


class Servers:
    """Connects to hosts whose behaviour is 'up', 'down' or 'silent' ('up' unless told otherwise)."""

    def __init__(self, **behaviour: str) -> None:
        self.behaviour = behaviour
        self.asked: list[dict[str, Any]] = []

    async def connect(self, conninfo: str) -> Any:
        one = conninfo_to_dict(conninfo)
        self.asked.append(one)
        match self.behaviour.get(str(one["host"]).split(",", maxsplit=1)[0], "up"):
            case "down":
                raise psycopg.OperationalError(f"{one['host']} is down")
            case "silent":
                await asyncio.Event().wait()
        return one["host"]

    def hosts(self) -> list[Any]:
        return [one["host"] for one in self.asked]


@pytest.fixture(autouse=True)
def _no_head_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "HEAD_START_S", 0.0)
    monkeypatch.setattr(repeat, "PAUSE_S", 0.0)


def hosts_of(url: str = URL) -> Hosts:
    return Hosts(url, Names(look_up))


async def test_each_host_is_connected_to_alone_with_its_address_and_the_rest_of_the_url() -> None:
    servers = Servers(a="down")
    assert await hosts_of().connect(servers.connect) == "b"
    assert servers.asked[0] == {
        "user": "chat",
        "dbname": "chat",
        "host": "a",
        "hostaddr": "10.0.0.1",
        "port": "5432",
        "target_session_attrs": "read-write",
    }
    assert (servers.asked[1]["host"], servers.asked[1]["port"]) == ("b", "5433")


@pytest.mark.parametrize("behaviour", ["down", "silent"])
async def test_the_host_of_the_last_success_comes_first(behaviour: str) -> None:
    hosts, servers = hosts_of(), Servers(a=behaviour)
    assert await hosts.connect(servers.connect) == "b"
    servers.asked.clear()
    assert await hosts.connect(servers.connect) == "b"
    assert servers.hosts()[0] == "b"
    servers.behaviour = {"b": behaviour}
    assert await hosts.connect(servers.connect) == "a"


async def test_with_a_host_that_answers_no_other_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "HEAD_START_S", 60.0)
    servers = Servers()
    assert await hosts_of().connect(servers.connect) == "a"
    assert servers.hosts() == ["a"]


async def test_an_unknown_name_is_a_failure_like_others() -> None:
    servers = Servers()
    assert await hosts_of("postgresql://gone,b/chat").connect(servers.connect) == "b"
    assert servers.hosts() == ["b"]


async def test_when_all_fail_each_has_its_say() -> None:
    servers = Servers(a="down", b="down")
    with pytest.raises(psycopg.OperationalError, match="a is down; b is down"):
        await hosts_of().connect(servers.connect)


async def test_a_name_with_several_addresses_keeps_them_together() -> None:
    servers = Servers()
    await hosts_of("postgresql://many:6000/chat").connect(servers.connect)
    assert servers.asked[0]["hostaddr"] == "10.0.0.3,10.0.0.4"
    assert (servers.asked[0]["host"], servers.asked[0]["port"]) == ("many,many", "6000,6000")


@pytest.mark.parametrize("conninfo", ["host=/run/postgresql", "dbname=chat", "host=x hostaddr=10.9.9.9"])
async def test_what_needs_no_name_is_passed_on(conninfo: str) -> None:
    passed: list[str] = []

    async def connect(one: str) -> Any:
        passed.append(one)
        return "connected"

    await Hosts(conninfo, Names(look_up)).connect(connect)
    assert conninfo_to_dict(passed[0]) == conninfo_to_dict(conninfo)


def test_hosts_and_ports_must_match() -> None:
    assert hosts_of("postgresql://a,b/chat").several
    assert not hosts_of("postgresql://a/chat").several
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        Hosts("host=a,b,c port=1,2")


async def test_one_slow_name_is_asked_for_once_and_holds_up_no_other() -> None:
    import threading

    let_go, asked = threading.Event(), []

    def slow(host: str) -> list[str]:
        asked.append(host)
        if host == "slow":
            let_go.wait(10)
            raise OSError("unknown")
        return ["10.0.0.1"]

    names = Names(slow)
    waiting = [asyncio.create_task(names.addresses("slow")) for _ in range(20)]
    assert await names.addresses("quick") == ["10.0.0.1"]
    assert await names.addresses("127.0.0.1") == ["127.0.0.1"]
    waiting[0].cancel()
    let_go.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(result, OSError) for result in results[1:])
    assert asked.count("slow") == 1


async def test_a_broken_operation_is_tried_again_until_it_works() -> None:
    attempts: list[int] = []

    async def third_time(attempt: int) -> str:
        attempts.append(attempt)
        if attempt < 3:
            raise StoreUnavailable("away")
        return "done"

    assert await repeated(third_time, repeat_s=60) == "done"
    assert attempts == [1, 2, 3]


async def test_without_time_for_it_nothing_is_tried_again() -> None:
    attempts: list[int] = []

    async def never(attempt: int) -> None:
        attempts.append(attempt)
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        await repeated(never, repeat_s=0)
    assert attempts == [1]


async def test_a_clients_mistake_is_not_tried_again() -> None:
    attempts: list[int] = []

    async def wrong(attempt: int) -> None:
        attempts.append(attempt)
        raise KeyError

    with pytest.raises(KeyError):
        await repeated(wrong, repeat_s=60)
    assert attempts == [1]
