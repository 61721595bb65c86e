import json
import time

import numpy as np
import pytest

from harness.experiment import Mix
from harness.history import Kind, Outcome
from harness.load.arrivals import LATENESS_BOUND_MS, generator_figures, write_arrivals
from harness.load.plan import make_plan, plan_segments
from harness.load.rawlog import RawLog, Record
from harness.load.settings import RAW, Summary, write_summary
from harness.loads import Abuser, Segment
from harness.places import PLACES


@pytest.fixture
def plan():
    return make_plan(10, 5, 1, Mix(), seed=1)


def record(plan, seq, late_s=0.001, took_s=0.1, outcome=Outcome.OK, **more):
    sent = float(plan.due_s[seq]) + late_s
    return Record(seq, Kind(plan.kinds()[seq]), sent, sent + took_s / 2, sent + took_s, outcome, 200, **more)


def write(folder, plan, seqs, **more):
    log = RawLog(folder / RAW)
    for seq in seqs:
        log.add(record(plan, seq, **more))
    log.close()
    return log.recorded


def summary(plan, recorded, **changes):
    figures = {"finished": True, "planned": len(plan), "started": recorded, "recorded": recorded}
    figures |= {"in_flight_max": 3, "wall_s": 10.0, "cpu_s": 0.5, "max_rss_kb": 1, "loop_lag_ms_max": 1.0}
    return Summary(**(figures | changes))


def test_every_scheduled_arrival_becomes_a_row_in_due_order(tmp_path, plan):
    recorded = write(tmp_path, plan, reversed(range(len(plan))), conversation_id="ç1", provider="openai")
    write_summary(tmp_path, summary(plan, recorded))

    arrivals, odd = write_arrivals(tmp_path, plan)
    figures, void = generator_figures(tmp_path, arrivals)

    assert odd == void == []
    assert np.array_equal(arrivals.due_s, plan.due_s)
    assert np.array_equal(arrivals.counted, plan.counted)
    assert arrivals.sent_s == pytest.approx(plan.due_s + 0.001)
    assert arrivals.ended_s == pytest.approx(plan.due_s + 0.101)
    assert set(arrivals.outcome) == {"ok"}
    assert set(arrivals.conversation_id) == {"ç1"}
    assert (figures.planned, figures.started, figures.recorded, figures.unsent) == (60, 60, 60, 0)
    assert figures.lateness_ms_p99 == pytest.approx(1.0)
    assert figures.cpu_share == 0.05


def test_an_arrival_without_a_record_is_unsent_and_voids_the_run(tmp_path, plan):
    recorded = write(tmp_path, plan, [seq for seq in range(len(plan)) if seq != 30])
    write_summary(tmp_path, summary(plan, recorded))

    arrivals, _ = write_arrivals(tmp_path, plan)
    figures, void = generator_figures(tmp_path, arrivals)

    assert arrivals.outcome[30] == "unsent"
    assert np.isnan(arrivals.sent_s[30])
    assert np.isnan(arrivals.ended_s[30])
    assert arrivals.kind[30] == plan.kinds()[30]
    assert figures.unsent == 1
    assert any("never sent" in reason for reason in void)
    assert any("60 planned, 59 started" in reason for reason in void)


def test_a_second_record_for_an_arrival_is_told_and_does_not_add_a_row(tmp_path, plan):
    write(tmp_path, plan, range(len(plan)))
    write(tmp_path, plan, [5, 6], outcome=Outcome.RESET)
    arrivals, odd = write_arrivals(tmp_path, plan)
    assert len(arrivals) == len(plan)
    assert arrivals.outcome[5] == "ok"
    assert odd == ["2 arrivals have more than one record"]


def test_a_record_of_no_arrival_is_told(tmp_path, plan):
    write(tmp_path, plan, range(len(plan)))
    with (tmp_path / RAW).open("a") as file:
        file.write(json.dumps({"seq": 999, "kind": "chat", "outcome": "ok"}) + "\n")
    assert write_arrivals(tmp_path, plan)[1] == ["1 records belong to no scheduled arrival"]


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_file_cut_off_in_mid_line_is_read_up_to_there(tmp_path, plan, cut):
    write(tmp_path, plan, range(20))
    (tmp_path / RAW).write_bytes((tmp_path / RAW).read_bytes()[:-cut])

    arrivals, _ = write_arrivals(tmp_path, plan)
    figures, void = generator_figures(tmp_path, arrivals)

    whole = 20 if cut == 1 else 19
    assert list(arrivals.outcome) == ["ok"] * whole + ["unsent"] * (60 - whole)
    assert figures.recorded == whole
    assert "the load generator did not finish its plan" in void


def test_without_any_record_everything_is_unsent(tmp_path, plan):
    arrivals, _ = write_arrivals(tmp_path, plan)
    figures, void = generator_figures(tmp_path, arrivals)
    assert set(arrivals.outcome) == {"unsent"}
    assert (figures.recorded, figures.unsent) == (0, 60)
    assert void


def test_a_read_that_became_a_chat_is_told_as_what_it_was(tmp_path, plan):
    seq = int(np.flatnonzero(plan.kinds() == "read")[0])
    log = RawLog(tmp_path / RAW)
    log.add(Record(seq, Kind.CHAT, 0.0, 0.1, 0.2, Outcome.OK, 200))
    log.close()
    assert write_arrivals(tmp_path, plan)[0].kind[seq] == "chat"


@pytest.mark.parametrize(("late_s", "is_void"), [(0.04, False), (0.06, True)])
def test_lateness_out_of_bounds_voids_the_run(tmp_path, plan, late_s, is_void):
    recorded = write(tmp_path, plan, range(len(plan)), late_s=late_s)
    write_summary(tmp_path, summary(plan, recorded))
    _, void = generator_figures(tmp_path, write_arrivals(tmp_path, plan)[0])
    assert any(f"more than {LATENESS_BOUND_MS:.0f} ms" in reason for reason in void) is is_void


def test_lateness_of_the_warm_up_does_not_count(tmp_path, plan):
    write(tmp_path, plan, np.flatnonzero(plan.counted).tolist())
    recorded = len(plan)
    write(tmp_path, plan, np.flatnonzero(~plan.counted).tolist(), late_s=3.0)
    write_summary(tmp_path, summary(plan, recorded))
    figures, void = generator_figures(tmp_path, write_arrivals(tmp_path, plan)[0])
    assert figures.lateness_ms_max == pytest.approx(1.0)
    assert void == []


def test_a_quote_in_the_folder_name_does_no_harm(tmp_path, plan):
    folder = tmp_path / "it's"
    folder.mkdir()
    write(folder, plan, range(len(plan)))
    assert len(write_arrivals(folder, plan)[0]) == len(plan)


@pytest.mark.slow
def test_a_million_arrivals_take_seconds(tmp_path):
    plan = make_plan(5000, 200, 0, Mix(), seed=1)
    line = '{"seq":%d,"kind":"chat","sent_s":%.6f,"first_byte_s":1.0,"ended_s":%.6f,"outcome":"ok","status":200}\n'
    with (tmp_path / RAW).open("w") as file:
        file.writelines(line % (seq, due + 0.001, due + 0.1) for seq, due in enumerate(plan.due_s.tolist()))
    begun = time.monotonic()

    arrivals, odd = write_arrivals(tmp_path, plan)

    assert odd == []
    assert len(arrivals) == 1_000_000
    assert time.monotonic() - begun < 60  # about 2 s on two cores; the bound leaves room for a busy machine


def test_place_and_class_come_from_the_plan_and_only_where_it_has_them(tmp_path, plan):
    plain, _ = write_arrivals(tmp_path, plan)
    assert plain.place is None and plain.client_class is None

    shaped = plan_segments((Segment(10, 5),), 1, Mix(), seed=1, places=4, abuser=Abuser(20))
    write(tmp_path, shaped, range(0, len(shaped), 2))
    arrivals, _ = write_arrivals(tmp_path, shaped)

    assert arrivals.place.tolist() == [list(PLACES)[k] for k in shaped.place]
    assert arrivals.client_class.tolist() == [["users", "abuser"][k] for k in shaped.abuser.astype(int)]
    users = arrivals.select(arrivals.client_class == "users")
    assert (len(users), len(users.place)) == (60, 60)
