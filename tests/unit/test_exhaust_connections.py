"""Connections that run out: the database itself must count them as gone, and they are given back."""

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import exhaust_connections
from harness.faults.exhaust_connections import ExhaustConnections
from harness.target import find_target
from tests.fakes.container import FakeContainer
from tests.fakes.database import FakeDatabase
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")
FAULT = ExhaustConnections(role="database")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhaust_connections, "FILLING_PATIENCE_S", 0.0)
    monkeypatch.setattr(exhaust_connections, "EMPTYING_PATIENCE_S", 0.0)
    monkeypatch.setattr(exhaust_connections, "TAKEN_AGAIN_S", 0.0)
    monkeypatch.setattr(exhaust_connections.time, "sleep", lambda _: None)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhaust_connections, "FILLING_PATIENCE_S", 5.0)


def database(**tampering: object) -> FakeDatabase:
    return FakeDatabase(TARGET.components["database"], **tampering)


def stage(*containers: FakeContainer) -> FakeStage:
    return FakeStage(TARGET, containers=containers)


@pytest.mark.usefixtures("patient")
def test_all_are_taken_and_given_back() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    assert container.connections() == (17, 17)
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (receipt.requested, receipt.delivered) == (
        {"connections": 17},
        {"connections": 17, "mended_by_target": False},
    )
    assert receipt.on_s is not None and receipt.off_s is not None and receipt.on_s <= receipt.off_s
    assert container.connections() == (5, 17)
    assert "5 of 17 connections before, 17 at the worst, 17 at the end, 5 after healing" in receipt.evidence[0]


def test_two_places_that_nobody_counts_may_be_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(exhaust_connections, "FILLING_PATIENCE_S", 500.0)
    monkeypatch.setattr(exhaust_connections.time, "monotonic", lambda: next(clock) / 10)
    container = database(gives=10)
    counts = iter([5, 14, 15, 15, 16])  # the database counts them one by one
    monkeypatch.setattr(container, "connections", lambda: (next(counts, 17), 17))
    FAULT.inject(stage(container))
    assert next(counts, None) is None, "it was said to be full before it was"


def test_what_others_give_back_meanwhile_is_taken_too(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(exhaust_connections, "FILLING_PATIENCE_S", 50.0)
    monkeypatch.setattr(exhaust_connections.time, "monotonic", lambda: next(clock) / 10)
    container = database(most=40)
    container.used = 20
    take, counts = container.run, []

    def give_back(command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        said = take(command, timeout_s)
        if command[0] == "env":
            counts.append(container.taken)
            container.used = 5  # fifteen of those that were there at first
        return said

    monkeypatch.setattr(container, "run", give_back)
    injection = FAULT.inject(stage(container))
    assert counts == [20, 35] and container.connections() == (40, 40)
    injection.heal()
    assert injection.receipt().status == "confirmed"


def test_a_place_that_is_taken_again_within_a_second_was_never_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhaust_connections, "FILLING_PATIENCE_S", 5.0)
    monkeypatch.setattr(exhaust_connections, "TAKEN_AGAIN_S", 5.0)
    container = database()
    injection = FAULT.inject(stage(container))
    counts = iter([10, 10, 17])
    count = container.connections
    monkeypatch.setattr(container, "connections", lambda: (next(counts, count()[0]), 17))
    injection.heal()
    assert injection.receipt().status == "confirmed"


@pytest.mark.usefixtures("patient")
def test_one_that_refuses_even_who_counts_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    container = database()
    count = container.connections

    def refuse() -> tuple[int, int]:
        if container.taken:
            raise InstrumentError("`psql` ended with 2: FATAL:  sorry, too many clients already.")
        return count()

    monkeypatch.setattr(container, "connections", refuse)
    injection = FAULT.inject(stage(container))
    injection.heal()
    assert injection.receipt().status == "confirmed"

    def gone() -> tuple[int, int]:
        raise InstrumentError("`psql` ended with 2: connection refused.")

    injection = FAULT.inject(stage(container))
    monkeypatch.setattr(container, "connections", gone)
    with pytest.raises(InstrumentError, match="connection refused"):
        injection.heal()


@pytest.mark.usefixtures("patient")
def test_only_who_takes_writes_is_hit() -> None:
    primary, standby = database(name="db-2"), database(name="db-1", primary=False)
    FAULT.inject(stage(standby, primary)).heal()
    assert primary.run(("echo", "alive")) and not standby.calls and standby.taken == 0
    with pytest.raises(InstrumentError, match="says that it is the primary"):
        FAULT.inject(stage(standby))


@pytest.mark.parametrize("tampering", [{"deaf": True}, {"gives": 3}])
def test_a_database_that_has_some_left_is_missing(tampering: dict[str, object]) -> None:
    injection = FAULT.inject(stage(database(**tampering)))
    injection.heal()
    assert injection.receipt().status == "missing"


@pytest.mark.usefixtures("patient")
def test_connections_that_somebody_frees_are_a_mismatch() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    container.taken = 2
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["mended_by_target"]) == ("mismatch", True)


@pytest.mark.usefixtures("patient")
def test_a_database_that_was_replaced_has_nothing_to_be_freed() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    container.replace()
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["mended_by_target"]) == ("mismatch", True)
    assert "another container stood there" in receipt.evidence[0]


@pytest.mark.usefixtures("patient")
def test_what_is_not_given_back_is_an_error() -> None:
    container = database()
    injection = FAULT.inject(stage(container))
    container.keeps = True
    with pytest.raises(InstrumentError, match="still has 17 of 17"):
        injection.heal()


def test_a_full_database_and_one_that_cannot_be_asked_are_not_hit() -> None:
    full = database(most=5)
    with pytest.raises(InstrumentError, match="even before"):
        FAULT.inject(stage(full))
    with pytest.raises(NothingToBreak, match="connections"):
        FAULT.check_aim(stage(database(declared=False)))
