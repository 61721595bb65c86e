"""Deaths that no fault explains: of the instrument any, of a component those by somebody else's hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.engine.disturbance import disturbances
from harness.engine.moments import Death, EventWatcher

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


@dataclass
class Container:
    name: str
    found: list[Death]

    def deaths(self, since: datetime) -> list[Death]:
        return [death for death in self.found if death.moment >= since]


@dataclass
class Unit:
    service: str
    container: Container


@dataclass
class Stack:
    units: list[Unit]
    servers: dict[str, Any] = field(default_factory=lambda: {"toxiproxy": None})
    providers: dict[str, Any] = field(default_factory=lambda: {"openai": None})
    pagers: dict[str, Any] = field(default_factory=lambda: {"pager": None})


def found(service: str, *deaths: Death, spans: Any = ()) -> list[str]:
    stack: Any = Stack([Unit(service, Container(f"testbed-{service}-1", list(deaths)))])
    return disturbances(stack, START, spans)


@pytest.mark.parametrize("service", ["toxiproxy", "openai", "pager"])
@pytest.mark.parametrize("code", [0, 1, 137])
def test_the_instrument_must_not_die_however_it_ends(service: str, code: int) -> None:
    (said,) = found(service, Death(at(3), code, False))
    assert f"testbed-{service}-1, a part of the instrument, ended at 03:00:03 UTC (exit code {code})" == said


def test_a_component_that_crashes_by_itself_is_a_finding_and_not_a_disturbance() -> None:
    assert found("app", Death(at(3), 1, False)) == []
    assert found("app", Death(at(3), 137, True)) == []
    assert found("app", Death(at(-3), 137, False)) == []


def test_a_component_that_somebody_kills_is_one() -> None:
    (said,) = found("app", Death(at(3), 137, False))
    assert "testbed-app-1, which no fault was aimed at then, was killed" in said


def test_a_fault_explains_what_dies_while_it_is_on_and_nothing_else() -> None:
    spans, killed = [(at(2), at(6))], Death(at(5), 137, False)
    assert found("cache", Death(at(1), 137, False), killed, Death(at(7.5), 137, False), spans=spans) == []
    assert len(found("cache", Death(at(9), 137, False), spans=spans)) == 1


def test_the_watcher_keeps_exit_codes_and_who_ran_out_of_memory() -> None:
    moment = int(at(3).timestamp()) * 10**9
    events = [
        {"Action": "oom", "Actor": {"ID": "a"}, "timeNano": moment},
        {"Action": "die", "Actor": {"ID": "a", "Attributes": {"exitCode": "137"}}, "timeNano": moment + 10**8},
        {"Action": "die", "Actor": {"ID": "b", "Attributes": {"exitCode": "137"}}, "timeNano": moment},
        {"Action": "die", "Actor": {"ID": "c"}, "timeNano": moment},
    ]

    class Client:
        def events(self, **asked: Any) -> Any:
            return iter(events)

    watcher = EventWatcher(Client(), "a=b")  # type: ignore[arg-type]
    watcher._thread.join(5)
    told = {name: watcher.deaths(name, START)[0] for name in "abc"}
    assert [(d.exit_code, d.out_of_memory) for d in told.values()] == [(137, True), (137, False), (-1, False)]
    assert watcher.deaths("a", at(10)) == []
