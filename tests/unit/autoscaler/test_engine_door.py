"""What the door does and refuses, with an engine in memory."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.parts.engine_door.door import ATTEMPTS, Door
from targets.parts.engine_door.engine import EngineError, OutOfSequence
from targets.parts.engine_door.settings import Settings
from targets.parts.kit.http import Request, Response

SETTINGS = Settings({"app-a": "chat_app-a", "app-b": "chat_app-b"}, minimum=2, maximum=4)


class MemoryEngine:
    """Services with versions, as the swarm keeps them; `interruptions` is how often somebody else is faster."""

    def __init__(self, interruptions: int = 0) -> None:
        self.interruptions = interruptions
        self.updates: list[tuple[str, dict[str, Any]]] = []
        self.kept = {name: self._service(name, 2) for name in ("chat_app-a", "chat_database-a", "other_app-a")}

    @staticmethod
    def _service(name: str, replicas: int) -> dict[str, Any]:
        spec = {
            "Name": name,
            "Labels": {"com.docker.stack.namespace": "chat"},
            "TaskTemplate": {"ContainerSpec": {"Image": "testbed/app", "Env": ["A=1"]}, "ForceUpdate": 3},
            "Mode": {"Replicated": {"Replicas": replicas}},
            "UpdateConfig": {"Delay": 10_000_000_000, "MaxFailureRatio": 0.1},
        }
        return {"ID": f"id-{name}", "Version": {"Index": 7}, "Spec": spec, "ServiceStatus": {"RunningTasks": 1}}

    async def services(self, names: Iterable[str]) -> list[dict[str, Any]]:
        return [copy.deepcopy(self.kept[name]) for name in names if name in self.kept]

    async def update(self, identity: str, version: int, spec: dict[str, Any]) -> None:
        service = self.kept[identity.removeprefix("id-")]
        if self.interruptions:
            self.interruptions -= 1
            service["Version"]["Index"] += 1
            service["Spec"]["TaskTemplate"]["ForceUpdate"] += 1
        if service["Version"]["Index"] != version:
            raise OutOfSequence("update out of sequence")
        self.updates.append((identity, spec))
        service["Spec"] = copy.deepcopy(spec)
        service["Version"]["Index"] += 1


async def ask(engine: Any, method: str, path: str, body: object = b"") -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response: Response = await Door(SETTINGS, engine).handle(Request(method, path, {}, raw, "10.0.0.9"))
    answer = json.loads(response.body)
    assert isinstance(answer, dict)
    return response.status, answer


async def test_scaling_changes_one_number_and_nothing_else() -> None:
    engine = MemoryEngine()
    before = copy.deepcopy(engine.kept["chat_app-a"]["Spec"])
    status, answer = await ask(engine, "POST", "/scale/app-a", {"replicas": 4})
    assert status == 200
    assert answer == {"name": "app-a", "service": "chat_app-a", "was": 2, "replicas": 4, "changed": True}
    before["Mode"]["Replicated"]["Replicas"] = 4
    assert engine.updates == [("id-chat_app-a", before)]


async def test_an_order_for_what_is_there_writes_nothing() -> None:
    engine = MemoryEngine()
    status, answer = await ask(engine, "POST", "/scale/app-a", {"replicas": 2})
    assert (status, answer["changed"], engine.updates) == (200, False, [])


async def test_somebody_elses_change_is_kept() -> None:
    engine = MemoryEngine(interruptions=ATTEMPTS - 1)
    assert (await ask(engine, "POST", "/scale/app-a", {"replicas": 3}))[0] == 200
    spec = engine.kept["chat_app-a"]["Spec"]
    assert spec["Mode"]["Replicated"]["Replicas"] == 3
    assert spec["TaskTemplate"]["ForceUpdate"] == 3 + ATTEMPTS - 1


async def test_it_gives_up_when_somebody_else_is_always_faster() -> None:
    engine = MemoryEngine(interruptions=99)
    status, _ = await ask(engine, "POST", "/scale/app-a", {"replicas": 3})
    assert (status, engine.updates, engine.interruptions) == (409, [], 99 - ATTEMPTS)


async def test_listing_shows_only_what_is_allowed_and_there() -> None:
    status, answer = await ask(MemoryEngine(), "GET", "/services")
    assert status == 200
    expected = {
        "name": "app-a",
        "service": "chat_app-a",
        "replicas": 2,
        "running": 1,
        "minimum": 2,
        "maximum": 4,
        "updating": False,
    }
    assert answer == {"services": [expected]}
    assert await ask(MemoryEngine(), "GET", "/services/app-a") == (200, expected)


@pytest.mark.parametrize("state", ["updating", "rollback_started"])
async def test_nothing_is_scaled_while_a_deploy_is_under_way(state: str) -> None:
    engine = MemoryEngine()
    engine.kept["chat_app-a"]["UpdateStatus"] = {"State": state}
    status, answer = await ask(engine, "POST", "/scale/app-a", {"replicas": 4})
    assert status == 409
    assert state in answer["error"]
    assert engine.updates == []
    engine.kept["chat_app-a"]["UpdateStatus"] = {"State": "completed"}
    assert (await ask(engine, "POST", "/scale/app-a", {"replicas": 4}))[0] == 200


async def test_an_update_in_progress_is_shown() -> None:
    engine = MemoryEngine()
    engine.kept["chat_app-a"]["UpdateStatus"] = {"State": "updating"}
    assert (await ask(engine, "GET", "/services/app-a"))[1]["updating"] is True


REFUSED = [
    ("POST", "/scale/app-a", {"replicas": 1}),
    ("POST", "/scale/app-a", {"replicas": 5}),
    ("POST", "/scale/app-a", {"replicas": -1}),
    ("POST", "/scale/database-a", {"replicas": 2}),
    ("POST", "/scale/chat_app-a", {"replicas": 2}),
    ("POST", "/scale/other_app-a", {"replicas": 2}),
    ("POST", "/scale/", {"replicas": 2}),
    ("POST", "/scale/app-a/", {"replicas": 2}),
    ("POST", "/scale/app%2Da", {"replicas": 2}),
    ("POST", "/scale/../scale/app-a", {"replicas": 2}),
    ("POST", "//scale/app-a", {"replicas": 2}),
    ("PUT", "/scale/app-a", {"replicas": 2}),
    ("GET", "/scale/app-a", b""),
    ("POST", "/services/id-chat_app-a/update", {}),
    ("POST", "/v1.41/services/id-chat_app-a/update", {}),
    ("POST", "/services/create", {}),
    ("DELETE", "/services/app-a", b""),
    ("GET", "/services/database-a", b""),
    ("GET", "/v1.41/services", b""),
    ("POST", "/containers/create", {"Image": "x", "HostConfig": {"Binds": ["/:/host"]}}),
    ("GET", "/containers/json", b""),
    ("POST", "/containers/x/exec", {}),
    ("GET", "/secrets", b""),
    ("GET", "/swarm", b""),
    ("GET", "/info", b""),
    ("GET", "/_ping", b""),
    ("GET", "/", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), REFUSED)
async def test_everything_else_is_refused_and_logged(
    method: str, path: str, body: object, caplog: pytest.LogCaptureFixture
) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            async def called(*_: object) -> None:
                raise AssertionError(f"a refused request reached the engine: {name}")

            return called

    with caplog.at_level(logging.WARNING, "engine-door"):
        status, answer = await ask(Untouchable(), method, path, body)
    assert status == 403
    assert answer["error"]
    [record] = caplog.records
    assert (record.__dict__["method"], record.__dict__["path"], record.__dict__["status"]) == (method, path, 403)


@pytest.mark.parametrize(
    "body",
    [b"", b"x", [2], 2, {}, {"replicas": True}, {"replicas": 3.0}, {"replicas": "3"}, {"replicas": 3, "image": "x"}],
)
async def test_an_order_that_is_not_one_number_is_refused(body: object) -> None:
    engine = MemoryEngine()
    status, answer = await ask(engine, "POST", "/scale/app-a", body)
    assert (status, engine.updates) == (400, [])
    assert "replicas" in answer["error"]


async def test_a_service_that_is_not_there() -> None:
    assert (await ask(MemoryEngine(), "POST", "/scale/app-b", {"replicas": 2}))[0] == 404
    assert (await ask(MemoryEngine(), "GET", "/services/app-b"))[0] == 404


async def test_a_service_without_replicas_to_count() -> None:
    engine = MemoryEngine()
    engine.kept["chat_app-a"]["Spec"]["Mode"] = {"Global": {}}
    assert (await ask(engine, "POST", "/scale/app-a", {"replicas": 3}))[0] == 403
    assert engine.updates == []


async def test_an_engine_that_does_not_answer() -> None:
    class Silent(MemoryEngine):
        async def services(self, names: Iterable[str]) -> list[dict[str, Any]]:
            raise EngineError("the engine does not answer")

    assert await ask(Silent(), "GET", "/services") == (502, {"error": "the engine does not answer"})
    assert await ask(Silent(), "GET", "/health") == (200, {"status": "alive"})


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.lists(
        st.sampled_from(["", "scale", "services", "app-a", "chat_app-a", "update", "v1.41", ".."]), max_size=5
    ),
    body=st.one_of(st.binary(max_size=40), st.builds(lambda n: json.dumps({"replicas": n}).encode(), st.integers())),
)
async def test_no_request_writes_more_than_a_number_within_bounds(method: str, path: list[str], body: bytes) -> None:
    engine = MemoryEngine()
    before = copy.deepcopy(engine.kept)
    await ask(engine, method, "/" + "/".join(path), body)
    for _, spec in engine.updates:
        replicas = spec["Mode"]["Replicated"]["Replicas"]
        assert 2 <= replicas <= 4
        before["chat_app-a"]["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
        before["chat_app-a"]["Version"]["Index"] += 1
    assert engine.updates == []
