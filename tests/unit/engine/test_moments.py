"""Moments as the engine writes them, and the watcher that collects them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.engine.moments import EventWatcher, from_docker, from_nanoseconds


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T02:07:30.123456789Z", datetime(2026, 11, 23, 2, 7, 30, 123456, UTC)),
        ("2026-11-23T02:07:30Z", datetime(2026, 11, 23, 2, 7, 30, 0, UTC)),
        ("2026-11-23T04:07:30.5+02:00", datetime(2026, 11, 23, 2, 7, 30, 500000, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_dates_of_inspect(text: str, moment: datetime | None) -> None:
    assert from_docker(text) == moment


def test_nanoseconds_of_events() -> None:
    assert from_nanoseconds(1_795_400_137_568_744_153) == datetime(2026, 11, 23, 2, 15, 37, 568744, UTC)


class Stream:
    """Events that come when the test lets them, until it is closed or breaks."""

    def __init__(self, events: list[dict[str, Any]], then: Exception | None = None) -> None:
        self.events = events
        self.then = then
        self.over = threading.Event()
        self.read = threading.Event()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self.events
        self.read.set()
        if self.then:
            raise self.then
        self.over.wait(10)

    def close(self) -> None:
        self.over.set()


class Client:
    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.asked: dict[str, Any] = {}

    def events(self, **asked: Any) -> Stream:
        self.asked = asked
        return self.stream


def event(container: str, action: str, second: int) -> dict[str, Any]:
    return {"Actor": {"ID": container}, "Action": action, "timeNano": second * 1_000_000_000}


def watcher(stream: Stream) -> EventWatcher:
    client: Any = Client(stream)
    found = EventWatcher(client, "testbed.campaign=c1")
    assert stream.read.wait(5)
    assert client.asked["filters"]["label"] == "testbed.campaign=c1"
    return found


def test_each_container_has_its_own_moments_in_order() -> None:
    stream = Stream([event("a", "start", 5), event("a", "die", 3), event("b", "die", 4), event("a", "exec_die", 6)])
    watching = watcher(stream)
    assert [(m.timestamp(), action) for m, action in watching.of("a")] == [(3, "die"), (5, "start")]
    assert [action for _, action in watching.of("a", since=datetime.fromtimestamp(4, UTC))] == ["start"]
    assert watching.of("unknown") == []
    watching.close()
    watching.close()
    assert watching.lost == ""


def test_a_stream_that_breaks_is_noticed() -> None:
    watching = watcher(Stream([event("a", "die", 3)], then=OSError("connection lost")))
    watching._thread.join(5)
    assert "connection lost" in watching.lost
    assert len(watching.of("a")) == 1
    watching.close()


def told(container: str, action: str, second: int, **attributes: str) -> dict[str, Any]:
    made = event(container, action, second)
    return {**made, "Actor": {**made["Actor"], "Attributes": attributes}}


def test_a_death_that_was_asked_for_is_told_from_one_that_was_not() -> None:
    events = [
        told("stopped", "kill", 5, signal="15"),
        told("stopped", "kill", 15, signal="9"),
        told("stopped", "die", 16, exitCode="137"),
        told("killed", "kill", 5, signal="9"),
        told("killed", "die", 6, exitCode="137"),
        told("crashed", "die", 6, exitCode="137"),
        told("long ago", "kill", 5, signal="15"),
        told("long ago", "die", 500, exitCode="137"),
    ]
    watching = watcher(Stream(events))
    since = datetime.fromtimestamp(0, UTC)
    asked = {name: watching.deaths(name, since)[0].asked for name in ("stopped", "killed", "crashed", "long ago")}
    assert asked == {"stopped": True, "killed": False, "crashed": False, "long ago": False}


def test_the_containers_of_a_slot_are_heard_of_by_the_names_of_their_tasks() -> None:
    task = "com.docker.swarm.task.name"
    events = [
        told("a", "start", 1, **{task: "stack_app.1.xyz"}),
        told("a", "die", 2, **{task: "stack_app.1.xyz"}),
        told("b", "start", 3, **{task: "stack_app.1.uvw"}),
        told("c", "start", 3, **{task: "stack_app.2.rst"}),
        told("d", "start", 3),
    ]
    assert watcher(Stream(events)).slots() == {"stack_app.1": ["a", "b"], "stack_app.2": ["c"]}
