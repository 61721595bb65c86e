"""Autoscaler, door and a fake engine over their real sockets; rounds are had one by one, on a clock of the test."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_stack import FakeBalancer, FakeEngine, free_listener, serving

from targets.parts.autoscaler.loop import Autoscaler
from targets.parts.autoscaler.record import Record
from targets.parts.autoscaler.server import routes
from targets.parts.autoscaler.settings import Settings
from targets.parts.engine_door.door import Door
from targets.parts.engine_door.engine import Engine
from targets.parts.engine_door.settings import Settings as DoorSettings
from targets.parts.kit.http import serve


@dataclass
class Stack:
    engine: FakeEngine
    balancers: list[FakeBalancer]
    settings: Settings
    http: httpx.AsyncClient
    url: str = ""
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The autoscaler is killed, and another one starts with what the stack knows."""
        self.record = Record(self.settings.policy.target)
        self.autoscaler = Autoscaler(self.settings, self.http, self.record)

    def load(self, *in_flight: float) -> None:
        for balancer, sessions in zip(self.balancers, in_flight, strict=True):
            balancer.in_flight = sessions

    async def rounds(self, seconds: float = 2) -> list[dict[str, Any]]:
        """Have a round each 2 s for so long; return the decisions of the last one."""
        for _ in range(int(seconds / 2)):
            self.now_s += 2
            await self.autoscaler.round(self.now_s)
        return self.record.since(0)[-2:]

    async def page(self) -> str:
        return (await self.http.get(f"{self.url}/metrics")).text

    @property
    def replicas(self) -> tuple[int, int]:
        return self.engine.replicas("app-a"), self.engine.replicas("app-b")


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    engine = FakeEngine(**{"app-a": 2, "app-b": 2, "app-a-canary": 1, "database-a": 1})
    balancers, listeners = [FakeBalancer(engine) for _ in range(2)], [free_listener() for _ in range(2)]
    async with contextlib.AsyncExitStack() as open_things:
        await open_things.enter_async_context(serving(engine.app, tmp_path / "engine.sock"))
        for balancer, listener in zip(balancers, listeners, strict=True):
            await open_things.enter_async_context(serving(balancer.app, listener))
        environment = {"STACK": "st", "SCALE": "app-a app-b", "DOCKER_SOCKET": str(tmp_path / "engine.sock")}
        door_settings = DoorSettings.from_environment(environment)
        to_engine = Engine(door_settings.socket)
        open_things.push_async_callback(to_engine.close)
        door = await open_things.enter_async_context(await serve(Door(door_settings, to_engine).handle, "127.0.0.1", 0))
        http = await open_things.enter_async_context(httpx.AsyncClient(trust_env=False))
        settings = Settings.from_environment(
            {
                "SCALE": "app-a app-b",
                "BALANCERS": " ".join(f"http://127.0.0.1:{one.getsockname()[1]}/metrics" for one in listeners),
                "DOOR_URL": f"http://127.0.0.1:{door.sockets[0].getsockname()[1]}",
                "TARGET_IN_FLIGHT": "8",
                "AVERAGE_S": "2",
            }
        )
        stack = Stack(engine, balancers, settings, http)
        own = await open_things.enter_async_context(await serve(routes(stack.autoscaler, stack.record), "127.0.0.1", 0))
        stack.url = f"http://127.0.0.1:{own.sockets[0].getsockname()[1]}"
        yield stack


async def test_a_peak_and_its_end(stack: Stack) -> None:
    stack.load(3, 4)
    assert [one["reason"] for one in await stack.rounds()] == ["at_minimum"] * 2
    stack.load(30, 34)
    decisions = await stack.rounds()
    assert stack.replicas == (4, 4)
    assert [(one["reason"], one["direction"], one["current"], one["desired"]) for one in decisions] == [
        ("above_target", "up", 2, 4)
    ] * 2
    assert [(one["metric"], one["in_flight"], one["ready"], one["applied"]) for one in decisions] == [
        (16, 64, 2, True)
    ] * 2
    stack.load(3, 4)
    assert [one["reason"] for one in await stack.rounds(60)] == ["stabilising"] * 2
    assert stack.replicas == (4, 4)
    await stack.rounds(4)
    assert stack.replicas == (2, 2)


async def test_only_the_number_of_replicas_was_written_and_no_other_service_touched(stack: Stack) -> None:
    before = {name: service["Spec"] | {"Mode": None} for name, service in stack.engine.services.items()}
    stack.load(60, 60)
    await stack.rounds()
    assert {name: service["Spec"] | {"Mode": None} for name, service in stack.engine.services.items()} == before
    assert [one for one in stack.engine.requests if one.startswith("update")] == ["update idapp-a", "update idapp-b"]
    assert (stack.engine.replicas("app-a-canary"), stack.engine.replicas("database-a")) == (1, 1)


async def test_a_zone_away_and_back(stack: Stack) -> None:
    stack.load(13, 13)
    await stack.rounds()
    assert stack.replicas == (2, 2)
    stack.engine.away.add("app-a")
    stack.balancers[0].silent = True
    stack.load(0, 26)
    decisions = await stack.rounds(4)
    assert stack.replicas == (2, 4)
    assert [one["reason"] for one in decisions] == ["no_ready_replica", "on_target"]
    stack.engine.away.clear()
    stack.balancers[0].silent = False
    stack.load(13, 13)
    await stack.rounds(56)
    assert stack.replicas == (2, 4)
    await stack.rounds(8)
    assert stack.replicas == (2, 2)


async def test_killed_and_started_again_it_goes_on_without_shrinking_at_once(stack: Stack) -> None:
    stack.load(32, 32)
    await stack.rounds()
    stack.load(1, 1)
    await stack.rounds(40)
    stack.restart()
    assert [one["reason"] for one in await stack.rounds(60)] == ["stabilising"] * 2
    assert stack.replicas == (4, 4)
    await stack.rounds(4)
    assert stack.replicas == (2, 2)


async def test_silent_balancers_change_nothing(stack: Stack) -> None:
    stack.load(20, 20)
    await stack.rounds()
    before = stack.replicas
    for balancer in stack.balancers:
        balancer.silent = True
    assert [one["reason"] for one in await stack.rounds(90)] == ["no_metrics"] * 2
    assert stack.replicas == before == (3, 3)


async def test_an_engine_that_does_not_answer_is_an_error_and_not_a_decision(stack: Stack) -> None:
    stack.load(60, 60)
    stack.engine.broken = True
    assert await stack.rounds(4) == []
    assert 'autoscaler_errors_total{source="engine-door"} 2.0' in await stack.page()
    stack.engine.broken = False
    await stack.rounds()
    assert stack.replicas == (4, 4)


async def test_bounds_of_the_door_hold_whatever_the_autoscaler_wants(stack: Stack) -> None:
    beyond = {"SCALE": "app-a app-b", "MAX_REPLICAS": "9", "DOOR_URL": stack.settings.door}
    stack.settings = Settings.from_environment(beyond | {"BALANCERS": " ".join(stack.settings.balancers)})
    stack.engine.services["app-a"]["Spec"]["Mode"]["Replicated"]["Replicas"] = 4
    stack.engine.services["app-b"]["Spec"]["Mode"]["Replicated"]["Replicas"] = 4
    stack.restart()
    stack.load(200, 200)
    decisions = await stack.rounds()
    assert [(one["desired"], one["applied"]) for one in decisions] == [(8, False)] * 2
    assert stack.replicas == (4, 4)


async def test_what_is_not_deployed_is_an_error_of_its_own(stack: Stack) -> None:
    del stack.engine.services["app-a"]
    stack.load(30, 30)
    await stack.rounds()
    assert stack.engine.replicas("app-b") == 4
    assert 'autoscaler_errors_total{source="app-a"} 1.0' in await stack.page()


async def test_what_it_exports(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    stack.load(10, 16)
    with caplog.at_level(logging.INFO, "autoscaler"):
        await stack.rounds(4)
    page = await stack.page()
    for line in (
        'autoscaler_desired_replicas{service="app-a"} 2.0',
        'autoscaler_current_replicas{service="app-a"} 2.0',
        'autoscaler_ready_replicas{service="app-a"} 2.0',
        'autoscaler_metric_value{service="app-b"} 6.5',
        "autoscaler_metric_target 8.0",
        "autoscaler_in_flight_requests 26.0",
        "autoscaler_load_complete 1.0",
        'autoscaler_decisions_total{direction="none",reason="on_target",service="app-b"} 2.0',
        'autoscaler_last_decision_info{direction="none",reason="on_target",service="app-b"} 1.0',
    ):
        assert line in page
    logged = [record.__dict__ for record in caplog.records if record.getMessage() == "decision"]
    assert [(line["service"], line["reason"]) for line in logged] == [("app-a", "on_target"), ("app-b", "on_target")]


async def test_one_reason_at_a_time(stack: Stack) -> None:
    await stack.rounds()
    stack.load(60, 60)
    await stack.rounds()
    infos = [line for line in (await stack.page()).splitlines() if line.startswith("autoscaler_last_decision_info{")]
    assert sorted(infos) == [
        f'autoscaler_last_decision_info{{direction="up",reason="above_target",service="app-{zone}"}} 1.0'
        for zone in "ab"
    ]


async def test_decisions_since_and_health(stack: Stack) -> None:
    await stack.rounds(6)
    every = (await stack.http.get(f"{stack.url}/decisions")).json()["decisions"]
    assert len(every) == 6
    later = await stack.http.get(f"{stack.url}/decisions", params={"since": every[1]["time"]})
    assert later.json()["decisions"] == every[2:]
    assert (await stack.http.get(f"{stack.url}/decisions?since=noon")).status_code == 400
    assert (await stack.http.get(f"{stack.url}/health")).json() == {"status": "alive"}
    assert (await stack.http.post(f"{stack.url}/decisions")).status_code == 404
