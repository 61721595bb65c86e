"""A container handle against an engine that answers as scripted: what the real one says when things go wrong."""

import time
from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

from harness.engine.container import DockerContainer
from harness.errors import InstrumentError, NothingToBreak
from harness.target import Component

INSPECT = {
    "State": {
        "Status": "running",
        "Running": True,
        "Restarting": False,
        "Paused": False,
        "Pid": 4_000_000,  # above pid_max: no process of this machine
        "ExitCode": 0,
        "StartedAt": "2026-11-23T02:07:30.5Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
    },
    "RestartCount": 2,
    "HostConfig": {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
}


class Api:
    """The low-level API; `fails` maps a method to what it raises."""

    def __init__(self) -> None:
        self.inspected: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in INSPECT.items()}
        self.fails: dict[str, Exception] = {}
        self.calls: list[tuple[str, Any]] = []
        self.exit_code: int | None = 0
        self.output: bytes = b""
        self.takes_s = 0.0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):
            raise AttributeError(name)  # nothing is scripted for it: it answers None

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, kwargs or args[1:]))
            if name in self.fails:
                raise self.fails[name]
            return getattr(self, f"on_{name}", lambda *a, **k: None)(*args, **kwargs)

        return call

    def on_inspect_container(self, _: str) -> Any:
        return self.inspected

    def on_exec_create(self, *_: Any, **__: Any) -> Any:
        return {"Id": "e1"}

    def on_exec_start(self, _: str) -> bytes:
        time.sleep(self.takes_s)
        return self.output

    def on_exec_inspect(self, _: str) -> Any:
        return {"ExitCode": self.exit_code}

    def on_update_container(self, _: str, restart_policy: dict[str, Any]) -> None:
        self.inspected["HostConfig"] = {"RestartPolicy": restart_policy}

    def on_stats(self, *_: Any, **__: Any) -> Any:
        return {"cpu_stats": {"cpu_usage": {"total_usage": 42}}}


CACHE = Component(name="cache", role="cache", zone="a", region="b", contents=("count",), wipe=("empty", "all"))


@pytest.fixture
def api() -> Api:
    return Api()


def handle(api: Api, component: Component = CACHE) -> DockerContainer:
    client: Any = type("Client", (), {"api": api})()
    return DockerContainer(client, "id1", "testbed-v1-cache-1", component)


def test_the_state_is_the_engines(api: Api) -> None:
    state = handle(api).state()
    assert (state.status, state.restart_count, state.finished_at, state.cpu_ns) == ("running", 2, None, 42)
    assert state.started_at is not None
    assert state.started_at.timestamp() == 1795399650.5


def test_a_container_that_restarts_has_no_cpu_time(api: Api) -> None:
    api.inspected["State"].update(Status="restarting", Restarting=True, Pid=0)
    assert handle(api).state().cpu_ns is None


def test_a_container_that_is_gone_is_an_instrument_error(api: Api) -> None:
    api.fails["inspect_container"] = NotFound("no such container")
    with pytest.raises(InstrumentError, match="testbed-v1-cache-1: the container is gone"):
        handle(api).state()


def test_an_engine_that_refuses_or_is_away_is_quoted(api: Api) -> None:
    api.fails["stop"] = APIError("409", explanation="container is paused")
    with pytest.raises(InstrumentError, match="Cannot stop testbed-v1-cache-1: container is paused"):
        handle(api).stop(1)
    api.fails["stop"] = requests.ConnectionError("refused")
    with pytest.raises(InstrumentError, match="the engine does not answer: refused"):
        handle(api).stop(1)


def test_a_crash_is_a_kill_from_inside_as_root(api: Api) -> None:
    _dies(api)
    handle(api).crash()
    assert [given for name, given in api.calls if name == "exec_create"] == [{"user": "0"}]


def test_a_crash_may_take_the_command_with_it(api: Api) -> None:
    _dies(api)
    api.fails["exec_inspect"] = NotFound("no such exec")
    handle(api).crash()


def _dies(api: Api) -> None:
    """Whatever is run in it ends it."""

    def end(*_: Any, **__: Any) -> Any:
        api.inspected["State"]["Pid"] = 0
        return {"Id": "e1"}

    api.on_exec_create = end  # type: ignore[method-assign]


def test_where_root_may_not_kill_the_containers_own_user_does(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.container.DYING_S", 0.02)

    def die_of_the_second(*_: Any, user: str) -> Any:
        if user == "":
            api.inspected["State"]["Pid"] = 0
        return {"Id": "e1"}

    api.on_exec_create = die_of_the_second  # type: ignore[method-assign]
    handle(api).crash()
    assert [given for name, given in api.calls if name == "exec_create"] == [{"user": "0"}, {"user": ""}]


def test_a_container_that_died_before_anything_could_be_run_in_it_is_dead(api: Api) -> None:
    def gone(*_: Any, user: str) -> Any:
        api.inspected["State"]["Pid"] = 0
        raise APIError("Container c1 is not running")

    api.on_exec_create = gone  # type: ignore[method-assign]
    handle(api).crash()


def test_an_engine_that_kills_nobody_is_told_of(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.container.LATE_S", 0.02)
    with pytest.raises(InstrumentError, match=r"was killed and does not end"):
        handle(api).kill()
    api.on_kill = lambda *_, **__: api.inspected["State"].update(Pid=0)  # type: ignore[attr-defined]
    handle(api).kill()
    assert ("kill", {"signal": "SIGKILL"}) in api.calls


def test_a_crash_that_hits_nobody_is_no_crash(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.container.DYING_S", 0.02)
    monkeypatch.setattr("harness.engine.container.LATE_S", 0.02)
    with pytest.raises(InstrumentError, match=r"cannot be crashed from inside"):
        handle(api).crash()


def test_a_death_that_the_engine_tells_late_is_a_crash(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.container.DYING_S", 0.02)
    looks = iter([7, 7, 7, 7, 7, 7])

    def refuse_the_second(*_: Any, user: str) -> Any:
        if user == "":  # the first has killed it, and nobody has said so yet
            api.exit_code, api.output = 126, b"container is not running"
            looked = api.inspect_container

            def later(*given: Any) -> Any:
                if next(looks, None) is None:
                    api.inspected["State"]["Pid"] = 0
                return looked(*given)

            monkeypatch.setattr(api, "inspect_container", later)
        return {"Id": "e1"}

    api.on_exec_create = refuse_the_second  # type: ignore[method-assign]
    handle(api).crash()
    assert next(looks, None) is None


def test_an_image_without_a_shell_cannot_be_crashed(api: Api) -> None:
    api.exit_code, api.output = 126, b'exec: "sh": executable file not found'
    with pytest.raises(InstrumentError, match=r"has no shell.*the fault Stop"):
        handle(api).crash()


def test_holding_restarts_twice_does_not_forget_the_policy(api: Api) -> None:
    container = handle(api)
    container.hold_restarts()
    container.hold_restarts()
    assert container.restart_policy()["Name"] == "no"
    container.release_restarts()
    container.release_restarts()
    assert container.restart_policy()["Name"] == "always"
    assert sum(name == "update_container" for name, _ in api.calls) == 2


def test_a_policy_that_was_not_stored_is_noticed(api: Api) -> None:
    api.on_update_container = lambda *_, **__: None  # type: ignore[method-assign]
    with pytest.raises(InstrumentError, match="is always, not no"):
        handle(api).hold_restarts()


def test_thawing_what_is_not_frozen_asks_nothing_of_the_engine(api: Api) -> None:
    handle(api).unpause()
    assert all(name != "unpause" for name, _ in api.calls)


def test_a_command_that_fails_shows_what_it_said(api: Api) -> None:
    api.exit_code, api.output = 3, b"no such table\n"
    with pytest.raises(InstrumentError, match="`count` in testbed-v1-cache-1 ended with 3: no such table"):
        handle(api).contents()


def test_a_command_that_hangs_is_given_up(api: Api) -> None:
    api.takes_s = 0.5
    with pytest.raises(InstrumentError, match=r"it did not end within 0.05 s"):
        handle(api).run(("sleep", "1"), timeout_s=0.05)


def test_contents_are_a_number_or_a_mistake_in_the_target(api: Api) -> None:
    api.output = b" 17\n"
    assert handle(api).contents() == 17
    api.output = b"(error)"
    with pytest.raises(InstrumentError, match=r"printed '\(error\)' and not a number"):
        handle(api).contents()


def test_what_is_not_declared_is_none_or_nothing_to_break(api: Api) -> None:
    bare = handle(api, Component(name="app", role="app", zone="a", region="b"))
    assert bare.contents() is None
    with pytest.raises(NothingToBreak, match=r"Add components.app.wipe"):
        bare.wipe()


def test_the_primary_is_asked_for_and_without_a_question_everybody_is(api: Api) -> None:
    asking = CACHE.model_copy(update={"primary": ("am-i",)})
    assert handle(api, asking).is_primary()
    api.exit_code = 1
    assert not handle(api, asking).is_primary()
    assert handle(api).is_primary()


def test_addresses_are_those_of_all_networks(api: Api) -> None:
    networks = {"a": {"IPAddress": "10.0.1.2"}, "b": {"IPAddress": ""}, "c": {"IPAddress": "10.0.2.2"}}
    api.inspected["NetworkSettings"] = {"Networks": networks}
    assert handle(api).addresses() == ["10.0.1.2", "10.0.2.2"]


def test_packets_are_dropped_by_a_helper_in_its_network_that_is_removed_again(api: Api) -> None:
    api.on_create_host_config = lambda **settings: settings  # type: ignore[attr-defined]
    api.on_create_container = lambda *_, **__: {"Id": "h1"}  # type: ignore[attr-defined]
    api.on_wait = lambda *_, **__: {"StatusCode": 0}  # type: ignore[attr-defined]
    api.on_logs = lambda *_, **__: b"12\n"  # type: ignore[attr-defined]
    container = handle(api)
    assert container.dropped_packets() == 0
    container.restore_packets()
    assert not any(name == "create_container" for name, _ in api.calls), "without rules nobody is asked"
    container.drop_packets(["10.0.1.9"])
    assert container.dropped_packets() == 12
    assert container.drops
    made = next(given for name, given in api.calls if name == "create_container")
    assert made["host_config"] == {"network_mode": "container:id1", "cap_add": ["NET_ADMIN"]}
    assert made["labels"]["testbed.owner"] == "harness"
    container.restore_packets()
    assert not container.drops
    words = [name for name, _ in api.calls]
    assert words.count("create_container") == words.count("remove_container") == 3


def test_a_helper_that_fails_is_quoted_and_removed(api: Api) -> None:
    api.on_create_container = lambda *_, **__: {"Id": "h1"}  # type: ignore[attr-defined]
    api.on_wait = lambda *_, **__: {"StatusCode": 4}  # type: ignore[attr-defined]
    api.on_logs = lambda *_, **__: b"no such table"  # type: ignore[attr-defined]
    with pytest.raises(InstrumentError, match=r"`packets drop` beside id1 ended with 4: no such table"):
        handle(api).drop_packets(["10.0.1.9"])
    assert any(name == "remove_container" for name, _ in api.calls)
