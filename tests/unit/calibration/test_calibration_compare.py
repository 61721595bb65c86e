"""An instrument that lies is caught; one that does not is valid."""

import errno
from dataclasses import replace

import numpy as np
import pytest

from harness.calibration import conduct
from harness.calibration.compare import Truth, compare
from harness.calibration.page import markdown
from harness.calibration.result import (
    CalibrationSummary,
    VerdictPart,
    bias_bound,
    edge_bound_ms,
    edges_of,
    least_outage_ms,
    shortcomings,
    smallest_seen_ms,
)
from harness.errors import InstrumentError
from harness.history import Outcome
from harness.summary import build_summary
from tests.fakes.histories import campaign, history
from tests.unit.calibration.scripts import episode, script

SCRIPT = script(episode("hang", 5.0, 4.0), episode("503", 12.0, 0.1), deadline_s=2.0)
RATE = 100.0


def measured(script_=SCRIPT, lie=lambda due, good: good, **record):
    """A history in which everything is as in truth, unless `lie` changes what is good."""
    blank = history(rate=RATE, duration_s=script_.duration_s, latency_s=0.01, deadline_s=2.0, warmup_s=3.0, **record)
    arrivals = blank.arrivals
    truth = Truth(script_, arrivals.due_s, arrivals.counted)
    good = np.ones(len(arrivals), dtype=np.bool_)
    good[arrivals.counted] = lie(arrivals.due_s[arrivals.counted], truth.good())
    outcome = np.where(good, Outcome.OK.value, Outcome.DEADLINE.value).astype(object)
    return truth, replace(blank, arrivals=replace(arrivals, outcome=outcome))


def compared(truth, seen):
    run = build_summary(campaign(), [seen], [])["runs"][0]
    one = compare(truth, seen, run, None)
    edges = edges_of(one.sightings, RATE)
    return one, edges, shortcomings([one.form], edges, one.sightings, RATE)


def test_what_is_measured_as_it_was_is_valid():
    one, edges, because = compared(*measured())
    assert because == []
    assert one.form.bias == 0
    assert one.form.true == pytest.approx(1 - 4.1 / 20, abs=0.02)
    assert (one.form.swapped, one.form.false_outages) == (0, 0)
    assert edges.count == 4
    assert edges.p99 < 60
    assert smallest_seen_ms(one.sightings) == 100


def test_an_instrument_that_loses_an_outage_is_caught():
    """What stock closed-loop load tools do: nearly nothing is sent while the target hangs."""
    _, _, because = compared(*measured(lie=lambda due, good: good | ((due >= 5) & (due < 8.8))))
    assert any("bias of script is +" in reason for reason in because)
    assert any("was not seen as it was" in reason for reason in because)


def test_a_bias_that_cancels_out_is_still_seen():
    """As many wrong good ones as wrong bad ones: the share is right, and the edges are not."""

    def late(due, good):
        return np.where((due >= 5) & (due < 5.5), True, np.where((due >= 9) & (due < 9.5), False, good))

    one, _, because = compared(*measured(lie=late))
    assert one.form.swapped > 80
    assert any("was not seen as it was" in reason for reason in because)


def test_an_outage_out_of_nothing_is_caught():
    one, _, because = compared(*measured(lie=lambda due, good: good & ~((due >= 16) & (due < 16.06))))
    assert one.form.false_outages == 1
    assert any("were not there" in reason for reason in because)


def test_an_outage_of_100_ms_that_is_missed_is_caught():
    one, _, because = compared(*measured(lie=lambda due, good: good | ((due >= 12) & (due < 12.1))))
    assert smallest_seen_ms(one.sightings) == 4000
    assert any("outage of 100 ms (503)" in reason for reason in because)


def test_a_void_run_has_no_measured_figure():
    one, edges, because = compared(*measured(void_because=["the generator was ill"]))
    assert (one.form.measured, one.form.bias, edges.p99) == (None, None, None)
    assert because == ["the run script is void: the generator was ill"]


def test_bounds_are_those_of_the_issue_and_scale_with_what_can_be_seen():
    assert bias_bound(10_000) == 0.001
    assert bias_bound(400) == 2 / 400
    assert edge_bound_ms(100) == 110
    assert (least_outage_ms(100), least_outage_ms(1000), least_outage_ms(20)) == (100, 100, 500)


def test_the_summary_has_the_keys_of_the_issue_and_the_page_the_figures(tmp_path):
    truth, seen = measured()
    one, edges, because = compared(truth, seen)
    summary = CalibrationSummary(
        schema_version=1,
        when="2026-11-23T03:00:00+00:00",
        command="make calibrate",
        script=None,
        seed=1,
        rate=RATE,
        valid=not because,
        because=["a | reason"],
        forms=[one.form],
        edges_ms=edges,
        smallest_outage_ms=100.0,
        outages=one.rows,
        verdicts=[VerdictPart(form="x", wanted="at least 9 %", expected="HELD", verdict="HELD", right=True)],
        repeated={},
        folder="x",
        versions={"python": "3"},
        machine={"cores": "2"},
    )
    plain = summary.plain()
    assert next(iter(plain)) == "schema"
    assert {"forms", "edges_ms", "smallest_outage_ms", "rate", "valid"} <= set(plain)
    assert {"form", "true", "measured", "bias"} <= set(plain["forms"][0])
    text = markdown(summary, [seen])
    assert f"{100 * one.form.true:.3f} %" in text
    assert "| yes |" in text
    summary.write(tmp_path / "summary.json")
    assert (tmp_path / "summary.json").read_text().startswith('{\n  "schema": 1')


def test_a_full_disk_on_the_way_ends_in_one_message(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(conduct, "run_once", full)
    with pytest.raises(InstrumentError, match=r"suite-.*No space left on device\. Make room"):
        conduct.calibrate(conduct.Asked([SCRIPT], RATE, 1), tmp_path, lambda line: None)
