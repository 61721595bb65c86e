"""After a kill -9: what is ours goes, what is not stays, and the journal comes to its end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.engine.journal import Journal, read_journal
from harness.engine.lock import EngineLock
from harness.engine.recover import recover
from harness.engine.residue import dirty, residue, snapshot
from harness.engine.sweep import find_ours, sweep
from harness.errors import HarnessError, InstrumentError
from tests.unit.engine.fake_engine import OURS, FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    """A stack of ours with a frozen container beside the user's own `make run`."""
    engine = FakeEngine()
    engine.add("container", "testbed-v1-app-1", OURS)
    engine.add("container", "testbed-v1-database-1", OURS, state="paused")
    engine.add("network", "testbed-v1_default", OURS)
    engine.add("volume", "testbed-v1_database", OURS)
    engine.add("container", "chat-v1-app-1", {"com.docker.compose.project": "chat-v1"})
    engine.add("container", "testbed-lab-1", {"com.docker.compose.project": "testbed-lab"}, state="paused")
    engine.add("network", "chat-v1_default")
    engine.add("volume", "chat-v1_database")
    return engine


def begin(state: Path) -> Journal:
    return Journal.begin(state, campaign="c1", phase="v1", project="testbed-v1", results=Path("results/c1"))


def test_everything_of_ours_goes_and_nothing_else(engine: Any, tmp_path: Path) -> None:
    done = recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert engine.names("container") == {"chat-v1-app-1", "testbed-lab-1"}
    assert engine.names("network") == {"chat-v1_default"}
    assert engine.names("volume") == {"chat-v1_database"}
    assert "removed container testbed-v1-database-1 (paused)" in done
    assert engine.calls.count("unpause testbed-v1-database-1") == 1
    assert "unpause testbed-lab-1" not in engine.calls


def test_a_second_time_there_is_nothing_to_do(engine: Any, tmp_path: Path) -> None:
    recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path) == []


def test_the_journal_says_what_was_undone_and_is_closed(engine: Any, tmp_path: Path) -> None:
    journal = begin(tmp_path)
    journal.fault_on("pause", "role database")
    journal.fault_on("link_down", "link cache")
    journal.fault_off("link_down", "link cache")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as stray:
        journal.process_started("load generator", stray.pid)
        done = recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
        assert stray.wait(timeout=10) != 0
    assert done[:3] == [
        "The campaign c1 (v1) did not end properly",
        f"ended load generator (process {stray.pid})",
        "undone with the stack: pause on role database",
    ]
    assert not read_journal(tmp_path).unfinished
    assert dirty(engine, tmp_path) == []


def test_what_cannot_be_removed_is_named_and_the_journal_stays_open(
    engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path)
    engine.stuck.add("testbed-v1_default")
    monkeypatch.setattr("harness.engine.recover.sweep", lambda client, log: sweep(client, log, patience_s=0.0))
    with pytest.raises(InstrumentError, match="Still there: network testbed-v1_default"):
        recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert read_journal(tmp_path).unfinished


def test_a_harness_at_work_is_left_alone(engine: Any, tmp_path: Path) -> None:
    with EngineLock("AB-CD", who="v1", folder=tmp_path), pytest.raises(HarnessError, match="Another harness"):
        recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert len(find_ours(engine)) == 4


def test_dirty_names_leftovers_and_the_unfinished_campaign(engine: Any, tmp_path: Path) -> None:
    begin(tmp_path)
    assert dirty(engine, tmp_path) == [
        "The campaign c1 (v1) did not end properly.",
        "container testbed-v1-app-1 (running)",
        "container testbed-v1-database-1 (paused)",
        "network testbed-v1_default",
        "volume testbed-v1_database",
    ]


def test_only_one_campaign_can_be_swept(engine: Any) -> None:
    engine.add("volume", "other", {**OURS, "testbed.campaign": "c2"})
    sweep(engine, lambda _: None, campaign="c1")
    assert [item.name for item in find_ours(engine)] == ["other"]


def test_residue_is_what_is_new_and_ours_and_what_was_frozen(engine: Any) -> None:
    before = snapshot(engine)
    assert residue(before, snapshot(engine)) == []
    engine.add("volume", "testbed-v1_forgotten", OURS)
    engine.add("volume", "somebody-elses")
    engine.add("container", "somebody-elses-1", state="paused")
    engine.things["container"]["chat-v1-app-1"]["State"] = "paused"
    assert residue(before, snapshot(engine)) == [
        "volume testbed-v1_forgotten",
        "container chat-v1-app-1 is frozen and was not",
    ]


def test_a_campaign_does_not_begin_over_one_that_did_not_end(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    with pytest.raises(HarnessError, match="make recover"):
        begin(tmp_path)
    journal.finished()
    begin(tmp_path).finished()
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2


def test_half_a_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"at": "2026", "event": "fault_o')
    assert read_journal(tmp_path).unfinished
    journal.finished()
    read = read_journal(tmp_path)
    assert not read.unfinished
    assert [entry["event"] for entry in read.entries] == ["campaign", "finished"]
    assert json.loads((tmp_path / "journal.jsonl").read_text().splitlines()[-1])["event"] == "finished"


@pytest.fixture
def manager(engine: FakeEngine) -> FakeEngine:
    """The same engine, and a stack of ours on it; a stranger has a service and a node label."""
    engine.swarm = {}
    engine.node_labels = {"theirs": "yes", "testbed-hold-app": "yes"}
    engine.add("service", "testbed-v2_app", OURS)
    engine.add("config", "testbed-v2_motto", OURS)
    engine.add("secret", "testbed-v2_key", OURS)
    engine.add("service", "theirs")
    return engine


def test_of_somebodys_swarm_only_what_is_ours_goes_and_services_go_first(manager: Any) -> None:
    sweep(manager, lambda _: None)
    assert manager.names("service") == {"theirs"}
    assert not manager.names("config") | manager.names("secret")
    assert manager.node_labels == {"theirs": "yes"}
    assert "leave" not in manager.calls
    assert manager.calls.index("remove testbed-v2_app") < manager.calls.index("remove testbed-v1-app-1")
    assert find_ours(manager) == []


def test_a_swarm_of_ours_is_left_when_nothing_of_ours_is_in_it_any_more(manager: Any) -> None:
    manager.swarm = OURS
    manager.add("network", "docker_gwbridge", OURS)
    manager.stuck.add("docker_gwbridge")  # as long as there is a swarm
    removed = sweep(manager, lambda _: None)
    assert manager.swarm is None
    assert removed[-2:] == ["swarm made by the harness", "network docker_gwbridge"]
    assert find_ours(manager) == []


def test_the_bridge_stays_as_long_as_the_swarm_though_nobody_uses_it_yet(manager: Any) -> None:
    manager.swarm = OURS
    manager.add("network", "docker_gwbridge", OURS)
    sweep(manager, lambda _: None)
    assert manager.calls[-2:] == ["leave", "remove docker_gwbridge"]


def test_a_bridge_that_nobody_is_on_and_the_engine_will_not_give_up_keeps_nobody_waiting(tmp_path: Path) -> None:
    engine: Any = FakeEngine()
    engine.add("network", "docker_gwbridge", OURS)
    engine.stuck.add("docker_gwbridge")
    sweep(engine, lambda _: None, patience_s=0.0)
    assert [str(item) for item in find_ours(engine)] == ["network docker_gwbridge"]
    assert dirty(engine, tmp_path) == []
    assert residue(snapshot(FakeEngine()), snapshot(engine)) == []  # type: ignore[arg-type]
    engine.on_networks["docker_gwbridge"] = {"c1": {}}
    assert dirty(engine, tmp_path) == ["network docker_gwbridge"]


def test_a_swarm_of_another_campaign_is_not_left(manager: Any) -> None:
    manager.swarm = {**OURS, "testbed.campaign": "c2"}
    sweep(manager, lambda _: None, campaign="c1")
    assert manager.swarm is not None
    assert [str(item) for item in find_ours(manager)] == ["swarm made by the harness"]


def test_what_does_not_go_by_itself_goes_with_the_swarm(manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.sweep.LEAVE_ANYWAY_S", 0.0)
    manager.swarm = OURS
    manager.stuck.add("testbed-v1_default")
    sweep(manager, lambda _: None, patience_s=0.0)
    assert manager.swarm is None


def test_a_campaign_that_made_a_swarm_says_so_before_it_does(manager: Any, tmp_path: Path) -> None:
    manager.swarm = OURS
    begin(tmp_path).swarm_begun()
    assert read_journal(tmp_path).made_swarm
    assert "swarm made by the harness" in dirty(manager, tmp_path)
    done = recover(manager, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert "the swarm was made for the campaign, and goes with it" in done
    assert manager.swarm is None
