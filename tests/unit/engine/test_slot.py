"""A slot of a service: whoever fills it now, and what is remembered of those who did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.engine.moments import Death
from harness.engine.slot import SwarmSlot
from harness.errors import InstrumentError
from harness.target import Component

STORE = Component(name="store", role="cache", zone="a", region="b")


def at(second: float) -> datetime:
    return datetime.fromtimestamp(1_800_000_000 + second, UTC)


@dataclass
class Engine:
    """The containers of one service, and the events that were heard of them."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    died: dict[str, Death] = field(default_factory=dict)
    tasks: dict[str, int] = field(default_factory=dict)  # container -> slot, of all that were ever heard of
    lost: str = ""

    @property
    def api(self) -> "Engine":
        return self

    def add(self, name: str, second: float, state: str = "running", slot: int = 1) -> None:
        task = f"stack_store.{slot}.{name}"
        self.tasks[name] = slot
        self.found[name] = {
            "Id": name,
            "Created": int(second),
            "State": state,
            "Labels": {"com.docker.swarm.task.name": task, "com.docker.swarm.service.name": "stack_store"},
        }
        if state != "created":
            self.moments[name] = [(at(second), "start")]

    def die(self, name: str, second: float, asked: bool = False) -> None:
        self.found[name]["State"] = "exited"
        self.moments[name].append((at(second), "die"))
        self.died[name] = Death(at(second), 137, False, asked)

    def containers(self, all: bool, filters: dict[str, Any]) -> list[dict[str, Any]]:
        return [c for c in self.found.values() if all or c["State"] in ("running", "paused")]

    def inspect_container(self, name: str) -> dict[str, Any]:
        state, running = self.found[name]["State"], self.found[name]["State"] == "running"
        began = next((m for m, action in self.moments[name] if action == "start"), None)
        ended = self.died.get(name)
        return {
            "State": {
                "Status": state,
                "Running": running,
                "Restarting": False,
                "Paused": state == "paused",
                "Pid": 4_000_000 + self.found[name]["Created"] if running else 0,
                "ExitCode": 137 if ended else 0,
                "StartedAt": began.isoformat() if began else "",
                "FinishedAt": ended.moment.isoformat() if ended else "0001-01-01T00:00:00Z",
            },
            "RestartCount": 0,
            "NetworkSettings": {"Networks": {"back": {"IPAddress": "10.0.1.2"}}},
        }

    def stats(self, *_: Any, **__: Any) -> dict[str, Any]:
        return {}

    # what the slot asks of the watcher
    def of(self, name: str, since: datetime | None = None) -> list[tuple[datetime, str]]:
        return [moment for moment in self.moments.get(name, []) if since is None or moment[0] >= since]

    def deaths(self, name: str, since: datetime) -> list[Death]:
        return [death for key, death in self.died.items() if key == name and death.moment >= since]

    def slots(self) -> dict[str, list[str]]:
        return {f"stack_store.{slot}": [k for k, v in self.tasks.items() if v == slot] for slot in (1, 2)}


@dataclass
class Holds:
    """Notes what is asked of it; `others` are slots of the service that are not meant."""

    meant: set[str] = field(default_factory=set)
    held: bool = False
    calls: list[str] = field(default_factory=list)

    def intend(self, service: str, slot: str) -> None:
        self.meant.add(slot)

    def intended(self, service: str) -> frozenset[str]:
        return frozenset(self.meant)

    def struck(self, service: str, slot: str) -> None:
        self.calls.append(f"struck {slot}")
        self.held = True

    def hold(self, service: str) -> None:
        self.held = True

    def is_held(self, service: str) -> bool:
        return self.held

    def release(self, service: str) -> bool:
        was, self.held = self.held, False
        self.meant.clear()
        return was


@dataclass
class Service:
    full: str = "stack_store"
    wanted: tuple[str, ...] = ("stack_store.1",)
    unstuck: int = 0

    def slots(self) -> list[str]:
        return list(self.wanted)

    def wants(self, slot: str) -> bool:
        return slot in self.wanted

    def unstick(self) -> None:
        self.unstuck += 1


@dataclass
class Proxy:
    id: str = "proxy"

    def addresses(self) -> list[str]:
        return ["10.0.1.9"]


@dataclass
class Rules:
    """Which containers have rules."""

    there: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, container: str, owner: str, peers: list[str]) -> None:
        self.there[container] = list(peers)

    def restore(self, container: str, owner: str) -> None:
        del self.there[container]

    def dropped(self, container: str, owner: str) -> int:
        return 3


@dataclass
class World:
    engine: Engine = field(default_factory=Engine)
    holds: Holds = field(default_factory=Holds)
    service: Service = field(default_factory=Service)
    rules: Rules = field(default_factory=Rules)

    def slot(self, proxy: Proxy | None = None) -> SwarmSlot:
        given: dict[str, Any] = {"watcher": self.engine, "holds": self.holds, "packets": self.rules, "proxy": proxy}
        engine: Any = self.engine
        service: Any = self.service
        return SwarmSlot(engine, service, "1", STORE, **given)


@pytest.fixture
def world() -> World:
    found = World()
    found.engine.add("one", 10)
    return found


def test_the_newest_container_that_has_run_speaks_for_the_slot(world: World) -> None:
    slot = world.slot()
    assert (slot.name, slot.component, slot.id) == ("stack_store.1", "store", "one")
    world.engine.add("elsewhere", 30, slot=2)
    world.engine.die("one", 20)
    world.engine.add("two", 20, state="created")
    assert (slot.state().status, slot.state().exit_code) == ("exited", 137), "the next one has not started yet"
    world.engine.add("two", 20)
    state = slot.state()
    assert (state.status, state.restart_count, state.started_at) == ("running", 1, at(20))
    assert state.finished_at == at(20), "the last death in the slot, though it was not this container's"
    assert state.pid == 4_000_020


def test_a_version_that_was_taken_back_does_not_speak_for_the_one_that_stayed(world: World) -> None:
    slot = world.slot()
    world.engine.add("bad", 30)
    world.engine.die("bad", 33, asked=True)
    assert (slot.id, slot.state().status) == ("one", "running")
    world.engine.die("one", 40)
    assert (slot.id, slot.state().status) == ("bad", "exited"), "nobody runs: whoever came last"


def test_what_the_engine_forgot_still_counts(world: World) -> None:
    world.engine.die("one", 20)
    world.engine.add("two", 21)
    del world.engine.found["one"]
    assert world.slot().state().restart_count == 1
    assert [action for _, action in world.slot().moments()] == ["start", "die", "start"]


def test_a_slot_whose_container_was_removed_is_dead_until_the_next_one_starts(world: World) -> None:
    slot = world.slot()
    world.engine.die("one", 20)
    del world.engine.found["one"]
    state = slot.state()
    assert (state.status, state.pid, state.finished_at) == ("dead", 0, at(20))
    world.engine.add("two", 22)
    assert (slot.state().status, slot.state().restart_count) == ("running", 1)


def test_a_slot_that_nobody_ever_filled_says_so() -> None:
    with pytest.raises(InstrumentError, match=r"No container has ever run in stack_store.1"):
        World().slot().state()


def test_a_start_by_hand_begins_counting_anew_and_lets_the_service_back(world: World) -> None:
    slot = world.slot()
    slot.start()
    assert world.service.unstuck == 0, "it runs"
    slot.hold_restarts()
    assert not world.holds.held, "labelled now, it would be shut down gracefully"
    world.holds.held = True
    world.engine.die("one", 20)
    slot.release_restarts()
    slot.start()
    assert not world.holds.held
    assert world.service.unstuck == 2, "looked after once more: it does not run yet"
    world.engine.add("two", 25)
    assert slot.state().restart_count == 0
    world.engine.die("two", 30)
    world.engine.add("three", 31)
    assert slot.state().restart_count == 1


def test_one_that_came_back_although_it_was_kept_away_is_counted(world: World) -> None:
    slot = world.slot()
    world.holds.held = True
    world.engine.die("one", 20)
    world.engine.add("two", 21)
    slot.release_restarts()
    slot.start()
    assert slot.state().restart_count == 1


def test_a_slot_that_was_scaled_away_is_not_wanted_and_its_ends_are_known(world: World) -> None:
    slot = world.slot()
    world.engine.die("one", 20)
    world.engine.add("two", 21)
    world.engine.die("two", 30, asked=True)
    assert slot.is_wanted()
    world.service.wanted = ()
    assert not slot.is_wanted()
    assert (slot.ends(at(0)), slot.ends(at(25))) == ([at(20), at(30)], [at(30)])


def test_deaths_are_those_that_nobody_asked_for(world: World) -> None:
    world.engine.die("one", 20, asked=True)
    world.engine.add("two", 21)
    assert world.slot().deaths(at(0)) == []
    world.engine.die("two", 30)
    assert [death.moment for death in world.slot().deaths(at(0))] == [at(30)]
    assert world.slot().deaths(at(31)) == []


def test_a_crash_that_stays_away_kills_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    order = world.holds.calls
    monkeypatch.setattr("harness.engine.container.DockerContainer.kill", lambda self: order.append(f"kill {self.id}"))
    world.slot().crash()
    assert order == ["kill one"]
    slot = world.slot()
    slot.hold_restarts()
    slot.crash()
    assert order == ["kill one", "kill one", "struck stack_store.1"]


def test_one_of_two_slots_cannot_be_kept_away_and_is_not_even_killed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    never: Callable[[Any], None] = lambda self: pytest.fail("it was killed")  # noqa: E731
    monkeypatch.setattr("harness.engine.container.DockerContainer.kill", never)
    world.service.wanted = ("stack_store.1", "stack_store.2")
    slot = world.slot()
    slot.hold_restarts()
    with pytest.raises(InstrumentError, match=r"cannot be kept away alone: stack_store.2 would have to go"):
        slot.crash()


def test_packets_are_dropped_at_its_toxiproxy_too_and_let_through_where_anybody_is_left(world: World) -> None:
    slot = world.slot(Proxy())
    world.engine.found["proxy"] = {"Id": "proxy", "State": "running", "Labels": {}, "Created": 1}
    assert slot.addresses() == ["10.0.1.2", "10.0.1.9"]
    assert (slot.drops, slot.dropped_packets()) == (False, 0)
    slot.drop_packets(["10.0.2.2"])
    assert world.rules.there == {"one": ["10.0.2.2"], "proxy": ["10.0.2.2"]}
    assert (slot.drops, slot.dropped_packets()) == (True, 6)
    world.engine.die("one", 20)
    world.engine.add("two", 21)
    slot.restore_packets()
    assert world.rules.there == {"one": ["10.0.2.2"]}, "its namespace is gone, and the rules with it"
    assert (slot.drops, slot.dropped_packets()) == (False, 0)
