"""Services that are kept away: labels of the node, many at once, and none of anybody else's."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from harness.engine import holds
from harness.engine.holds import Holds
from harness.errors import InstrumentError
from tests.unit.engine.fake_swarm import FakeManager


def held(manager: Any) -> Holds:
    return Holds(manager, "n1")


def test_a_service_is_kept_away_and_let_back_and_other_labels_stay() -> None:
    manager = FakeManager({"theirs": "yes"})
    here = held(manager)
    here.hold("app")
    assert manager.labels == {"theirs": "yes", "testbed-hold-app": "yes"}
    assert here.is_held("app")
    assert here.release("app")
    assert not here.release("app")
    assert manager.labels == {"theirs": "yes"}
    assert manager.node["Spec"]["Role"] == "manager"


def test_nothing_is_labelled_until_every_slot_that_is_meant_is_dead() -> None:
    manager = FakeManager()
    here = held(manager)
    for slot in ("app.1", "app.2"):
        here.intend("app", slot)
    assert here.intended("app") == {"app.1", "app.2"}
    assert manager.labels == {}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(here.struck, "app", "app.1")
        time.sleep(0.05)
        assert manager.labels == {}, "the label would have the other one shut down gracefully"
        here.struck("app", "app.2")
        first.result()
    assert manager.labels == {"testbed-hold-app": "yes"}


def test_one_that_is_never_struck_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "KILLED_TOGETHER_S", 0.02)
    manager = FakeManager()
    here = held(manager)
    for slot in ("app.1", "app.2"):
        here.intend("app", slot)
    here.struck("app", "app.1")
    assert manager.labels == {"testbed-hold-app": "yes"}


def test_eight_services_at_once_are_few_updates_and_none_is_lost() -> None:
    manager = FakeManager()
    original = manager.update_node

    def slow(*given: Any) -> None:
        time.sleep(0.3)  # as long as it takes until the others have come, also on a busy machine
        original(*given)

    manager.update_node = slow  # type: ignore[method-assign]
    here = held(manager)
    names = [f"service-{k}" for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(here.hold, names))
    assert set(manager.labels) == {f"testbed-hold-{name}" for name in names}
    assert manager.updates <= 3


def test_a_conflict_is_tried_again_and_a_refusal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = FakeManager(conflicts=3)
    held(manager).hold("app")
    assert manager.labels == {"testbed-hold-app": "yes"}
    monkeypatch.setattr(holds, "CONFLICT_PATIENCE_S", 0.0)
    with pytest.raises(InstrumentError, match="cannot be labelled"):
        held(FakeManager(conflicts=1000)).hold("app")


def test_all_are_let_back_at_once() -> None:
    manager = FakeManager({"theirs": "yes", "testbed-hold-a": "yes", "testbed-hold-b": "yes"})
    here = held(manager)
    here.intend("c", "c.1")
    assert here.release_all() == ["testbed-hold-a", "testbed-hold-b"]
    assert manager.labels == {"theirs": "yes"}
    assert manager.updates == 1
    assert here.intended("c") == frozenset()
    assert here.release_all() == []
