"""`recover` finishes the record of a killed campaign, after the engine is clean and before the journal is closed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.claims import Claims
from harness.engine.journal import Journal, read_journal
from harness.engine.recover import recover
from harness.engine.sweep import find_ours
from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.history import BEGUN, read_history, write_record
from harness.load.plan import make_plan
from harness.rescue import finish_record
from tests.fakes.histories import fault, history
from tests.fakes.stored import stored_campaign
from tests.unit.engine.fake_engine import OURS, FakeEngine


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    engine.add("container", "testbed-v1-app-1", OURS)
    return engine


def begin(state: Path) -> Journal:
    return Journal.begin(state, campaign="c1", phase="v1", project="testbed-v1", results=state / "c1")


def test_the_record_is_finished_once_the_engine_is_clean(engine: Any, tmp_path: Path) -> None:
    begin(tmp_path)

    def finish(folder: Path) -> list[str]:
        assert folder == tmp_path / "c1"
        assert find_ours(engine) == [] and read_journal(tmp_path).unfinished
        return ["finished"]

    said: list[str] = []
    done = recover(engine, said.append, state=tmp_path, lock_folder=tmp_path, finish=finish)
    assert "finished" in done and "finished" in said
    assert not read_journal(tmp_path).unfinished


def test_without_room_the_engine_is_clean_and_recover_can_try_again(engine: Any, tmp_path: Path) -> None:
    begin(tmp_path)

    def full(folder: Path) -> list[str]:
        raise InstrumentError("no room")

    with pytest.raises(InstrumentError, match="no room"):
        recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path, finish=full)
    assert find_ours(engine) == [] and read_journal(tmp_path).unfinished
    recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path)
    assert not read_journal(tmp_path).unfinished


def cut_off(folder: Path, *, raw: str, events: list[dict[str, Any]]) -> Path:
    """A campaign that was killed in its only run, `database_crash-1`, with what that had written."""
    begun = history(experiment="database_crash", faults=[fault(status="missing", healed=False)], rate=10, duration_s=3)
    stored_campaign(folder, Claims(schema=1, source="s.md", claims=()), [], finished=None)
    run = folder / "runs" / "database_crash-1"
    run.mkdir(parents=True)
    write_record(run, replace(begun.record, durability=None, generator=None, void_because=["killed"]), BEGUN)
    make_plan(10, 3, 0, Mix(), seed=1).save(run / "plan.npz")
    (run / "raw.jsonl").write_text(raw)
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events) + '{"t_s": 3, "ev')
    return run


def recorded(seq: int) -> str:
    times = {"sent_s": seq / 10, "first_byte_s": seq / 10 + 0.1, "ended_s": seq / 10 + 0.2}
    ids = {"conversation_id": "c", "user_message_id": "u", "assistant_message_id": "a", "provider": "p", "detail": ""}
    return json.dumps({"seq": seq, "kind": "chat", "outcome": "ok", "status": 200, **times, **ids}) + "\n"


def test_a_run_that_was_cut_off_gets_its_record(tmp_path: Path) -> None:
    events = [
        {"t_s": 1, "event": "fault_on", "fault": "crash", "aimed_at": "role database"},
        {"t_s": 2, "event": "fault_off", "fault": "crash", "aimed_at": "role database"},
    ]
    run = cut_off(tmp_path / "c1", raw=recorded(0) + recorded(1) + recorded(2)[:40], events=events)
    assert any("is void" in line for line in finish_record(tmp_path / "c1"))
    found = read_history(run)
    assert len(found.arrivals) == 30
    assert list(found.arrivals.outcome).count("ok") == 2
    assert not found.record.valid and found.record.generator is not None
    assert found.record.faults[0].healed is True and found.record.faults[0].receipt.status == "missing"
    assert not (run / BEGUN).exists()
    assert finish_record(tmp_path / "c1") == []


def test_the_receipt_that_was_written_down_counts(tmp_path: Path) -> None:
    proof = {"status": "confirmed", "requested": {}, "delivered": {}, "on_s": 1.0, "off_s": 2.0, "evidence": ["seen"]}
    about = {"fault": "crash", "aimed_at": "role database"}
    run = cut_off(tmp_path / "c1", raw=recorded(0), events=[{"t_s": 2, "event": "receipt", **about, **proof}])
    finish_record(tmp_path / "c1")
    assert read_history(run).record.faults[0].receipt.status == "confirmed"


def test_a_run_without_a_plan_has_recorded_nothing(tmp_path: Path) -> None:
    run = cut_off(tmp_path / "c1", raw="", events=[])
    (run / "plan.npz").unlink()
    assert any("nothing was recorded" in line for line in finish_record(tmp_path / "c1"))
    assert json.loads((tmp_path / "c1" / "manifest.json").read_text())["runs"] == []
