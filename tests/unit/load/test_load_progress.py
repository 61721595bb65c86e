import numpy as np
import pytest

from harness.history import Kind, Outcome
from harness.load.progress import Watch
from harness.load.rawlog import RawLog, Record

DUE = np.arange(0, 10, 0.1)


def record(seq, took_s, outcome=Outcome.OK):
    return Record(seq, Kind.CHAT, DUE[seq], None, float(DUE[seq]) + took_s, outcome)


def test_only_what_ended_within_the_window_counts(tmp_path):
    log, watch = RawLog(tmp_path / "raw.jsonl"), Watch([tmp_path / "raw.jsonl"], DUE)
    for seq in range(20):
        log.add(record(seq, 0.05, Outcome.OK if seq < 15 else Outcome.RESET))
    log.add(record(20, 0.05, Outcome.LIMITED))
    log.flush()

    progress = watch.look(now_s=2.2, window_s=1.0)

    assert progress.outcomes == {"ok": 3, "reset": 5, "limited": 1}
    assert progress.availability == pytest.approx(3 / 8)
    assert progress.latency_ms_p50 == pytest.approx(50)
    assert (progress.due, progress.due_total, progress.planned_total) == (10, 23, 100)
    assert (progress.ended_total, progress.good_total, progress.in_flight) == (21, 15, 2)


def test_a_line_that_is_not_whole_yet_is_read_when_it_is(tmp_path):
    path = tmp_path / "raw.jsonl"
    watch = Watch([path], DUE)
    assert watch.look(0.0, 1.0).ended_total == 0  # there is no file yet
    log = RawLog(path)
    log.add(record(0, 0.1))
    log.add(record(1, 0.1))
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert watch.look(0.5, 1.0).ended_total == 1
    path.write_bytes(whole)
    assert watch.look(0.5, 1.0).ended_total == 2


def test_a_target_that_hangs_shows_no_availability_and_a_growing_flight(tmp_path):
    watch = Watch([tmp_path / "raw.jsonl"], DUE)
    progress = [watch.look(now, 1.0) for now in (1.0, 2.0)]
    assert [one.availability for one in progress] == [None, None]
    assert progress[1].in_flight > progress[0].in_flight > 0
    assert progress[1].latency_ms_p50 is None


def test_a_closed_log_takes_no_more(tmp_path):
    log = RawLog(tmp_path / "raw.jsonl")
    log.add(record(0, 0.1))
    log.close()
    log.add(record(1, 0.1))
    log.flush()
    assert (tmp_path / "raw.jsonl").read_text().count("\n") == 1
