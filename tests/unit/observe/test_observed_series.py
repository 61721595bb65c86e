"""The series of a recorded campaign end at the figures of its summary, and change when the thing itself changed."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.observe import names
from harness.observe.campaigns import series_of_campaign
from harness.observe.names import Metric
from harness.observe.series import Axis, Series
from tests.fakes.observed import CAMPAIGN, OFF_S, ON_S, T0, observed_campaign

CRASH, CONTROL = f"{CAMPAIGN}/database_crash-1", f"{CAMPAIGN}/control-1"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Series], dict[str, Any]]:
    folder, summary = observed_campaign(tmp_path_factory.mktemp("results"))
    return list(series_of_campaign(folder)), summary


Recorded = tuple[list[Series], dict[str, Any]]


def found(series: list[Series], metric: Metric, suffix: str = "", **labels: str) -> list[Series]:
    return [
        one
        for one in series
        if one.metric is metric and one.suffix == suffix and labels.items() <= dict(one.labels).items()
    ]


def last(series: list[Series], metric: Metric, suffix: str = "", **labels: str) -> float:
    return sum(float(one.values[-1]) for one in found(series, metric, suffix, **labels))


def ms(run: str, run_s: float) -> int:
    return round((datetime.fromisoformat(T0[run]).timestamp() + run_s) * 1000)


@pytest.mark.parametrize(("run", "place"), [(CRASH, 0), (CONTROL, 1)])
def test_totals_are_those_of_the_summary(recorded: Recorded, run: str, place: int) -> None:
    series, summary = recorded
    part = summary["runs"][place]
    assert part["good"] > 0
    assert last(series, names.ARRIVALS, run=run, outcome="ok") == part["good"]
    assert last(series, names.ARRIVALS, run=run) == part["scheduled"] == last(series, names.SCHEDULED, run=run)
    for outcome, count in part["outcomes"].items():
        if outcome not in ("ok", "deadline"):
            assert last(series, names.ARRIVALS, run=run, outcome=outcome) == count
    assert last(series, names.ANSWERS, run=run, provider="openai") == part["good"]
    ended = {
        names.AVAILABILITY: part["availability"]["value"],
        names.AVAILABILITY_LOW: part["availability"]["low"],
        names.AVAILABILITY_HIGH: part["availability"]["high"],
        names.RUN_VALID: 1.0,
    }
    for metric, value in ended.items():
        assert last(series, metric, run=run) == value


def test_some_arrivals_of_the_crash_were_bad(recorded: Recorded) -> None:
    """Else the test above compares nothing with nothing."""
    _, summary = recorded
    assert {"ok", "http_error", "limited"} <= set(summary["runs"][0]["outcomes"])


def test_what_does_not_count_is_counted_apart(recorded: Recorded) -> None:
    series, summary = recorded
    abuser = summary["runs"][1]["abuser"]
    assert last(series, names.APART, run=CONTROL, who="abuser") == abuser["scheduled"] > 0
    assert last(series, names.APART, run=CONTROL, who="abuser", outcome="limited") == abuser["limited"] > 0
    assert not found(series, names.APART, run=CRASH)
    assert {one.labels["place"] for one in found(series, names.ARRIVALS, run=CONTROL)} == {"tokyo", "virginia"}
    assert {one.labels["place"] for one in found(series, names.ARRIVALS, run=CRASH)} == {names.NO_PLACE}


def test_counters_begin_with_nothing_and_never_fall(recorded: Recorded) -> None:
    series, _ = recorded
    counted = [one for one in series if one.metric.kind in ("counter", "histogram")]
    assert counted
    for one in counted:
        assert one.values[0] == 0
        assert np.all(np.diff(one.values) >= 0)
        assert set(np.diff(one.at_ms)) == {1000}


def test_the_histogram_holds_good_arrivals(recorded: Recorded) -> None:
    series, summary = recorded
    good = summary["runs"][0]["good"]
    groups: dict[str, list[Series]] = defaultdict(list)
    for one in found(series, names.DURATION, "_bucket", run=CRASH):
        groups[one.labels["kind"]].append(one)
    assert sum(float(group[-1].values[-1]) for group in groups.values()) == good
    for kind, group in groups.items():
        assert [one.labels["le"] for one in group] == [*map(str, names.LATENCY_BUCKETS), "+Inf"]
        for lower, upper in pairwise(group):
            assert np.all(lower.values <= upper.values)
        (count,) = found(series, names.DURATION, "_count", run=CRASH, kind=kind)
        assert np.array_equal(count.values, group[-1].values)
    # The median of the summary lies in the bucket in which half of all good answers are for the first time.
    p50 = summary["runs"][0]["good_latency_ms"]["p50"] / 1000
    bound = min(b for b in names.LATENCY_BUCKETS if b >= p50)
    assert last(series, names.DURATION, "_bucket", run=CRASH, le=str(bound)) >= good / 2


def test_a_fault_is_on_from_and_until_the_millisecond_of_its_receipt(recorded: Recorded) -> None:
    series, _ = recorded
    (fault,) = found(series, names.FAULT_ACTIVE)
    assert fault.labels == {
        "phase": "v1", "experiment": "database_crash", "run": CRASH, "fault": "crash", "target": "role database",
    }  # fmt: skip
    on = fault.at_ms[fault.values == 1]
    assert on[0] == ms("database_crash-1", ON_S)
    off = fault.at_ms[(fault.values == 0) & (fault.at_ms > on[-1])]
    assert off[0] == ms("database_crash-1", OFF_S)
    assert fault.values[0] == fault.values[-1] == 0
    assert np.max(np.diff(fault.at_ms)) <= 1000


def test_an_experiment_is_on_while_arrivals_count(recorded: Recorded) -> None:
    series, summary = recorded
    (active,) = found(series, names.EXPERIMENT_ACTIVE, run=CONTROL)
    on = active.at_ms[active.values == 1]
    assert on[0] == ms("control-1", 0.0)
    end = active.at_ms[(active.values == 0) & (active.at_ms > on[-1])][0]
    assert end == ms("control-1", summary["runs"][1]["duration_s"])


def test_what_the_target_did(recorded: Recorded) -> None:
    series, _ = recorded
    (replicas,) = found(series, names.REPLICAS, component="app-a")
    assert replicas.values[replicas.at_ms < ms("database_crash-1", 15.25)].tolist()[-1] == 2
    assert replicas.values[replicas.at_ms == ms("database_crash-1", 15.25)].tolist() == [3]
    assert last(series, names.DECISION, component="app-a") == 3
    (down,) = found(series, names.ALERT_FIRING, alertname="Down", severity="page")
    assert down.at_ms[down.values == 1][0] == ms("database_crash-1", 10.5)
    (slow,) = found(series, names.ALERT_FIRING, alertname="Slow")
    assert slow.values[slow.at_ms < ms("database_crash-1", 52.0)][-1] == 1, "its end was not heard"


def test_the_machine_where_the_kernel_said_something(recorded: Recorded) -> None:
    series, _ = recorded
    assert last(series, names.PRESSURE, run=CRASH, resource="cpu") == 0.25
    assert last(series, names.MACHINE_BUSY, run=CRASH) == 0.5
    assert last(series, names.HARNESS_CPU, run=CRASH, process="generator") == pytest.approx(42 * 0.125)
    assert not found(series, names.PRESSURE, resource="io")
    assert not found(series, names.MACHINE_STEAL)


def test_figures_of_the_end(recorded: Recorded) -> None:
    series, summary = recorded
    crash = summary["runs"][0]
    (fault,) = crash["faults"]
    assert last(series, names.LOST, run=CRASH) == fault["lost_s"] > 0
    assert last(series, names.RECOVERY, run=CRASH, censored="false") == fault["recovered_after_s"]
    assert fault["mitigation_censored"], "nothing worked while the database was down"
    (mitigation,) = found(series, names.MITIGATION, run=CRASH)
    assert mitigation.labels["censored"] == "true"
    assert mitigation.values[-1] == pytest.approx(OFF_S - ON_S)
    for state, count in crash["durability"].items():
        assert last(series, names.MESSAGES, run=CRASH, state=state) == count
    lateness = crash["generator"]
    assert last(series, names.RUN_LATENESS, run=CRASH, quantile="0.99") == lateness["lateness_ms_p99"] / 1000
    good = crash["good_latency_ms"]
    assert last(series, names.LATENCY, run=CRASH, of="good", quantile="0.5") == good["p50"] / 1000
    assert crash["latency_ms"]["p99"] is None
    assert last(series, names.LATENCY, run=CRASH, of="scheduled", quantile="0.99") == math.inf


def test_claims_from_the_end_of_the_campaign_on(recorded: Recorded) -> None:
    series, summary = recorded
    ended_ms = round(datetime.fromisoformat(summary["finished"]).timestamp() * 1000)
    for claim in summary["claims"]:
        (verdict,) = found(series, names.CLAIM_VERDICT, claim=claim["id"])
        assert verdict.labels["verdict"] == claim["verdict"]
        assert verdict.at_ms[0] == ended_ms
        assert last(series, names.CLAIM_MEASURED, claim=claim["id"]) == claim["measured"]["value"]
    assert last(series, names.CLAIM_BOUND, claim="other", direction="at_most", unit="share") == 0.001
    (info,) = found(series, names.CAMPAIGN_INFO)
    assert info.labels == {"phase": "v1", "campaign": CAMPAIGN, "git": "77594a0c1f7b", "valid": "true"}


def test_no_series_is_there_twice(recorded: Recorded) -> None:
    series, _ = recorded
    keys = [(one.name, frozenset(one.labels.items())) for one in series]
    assert len(keys) == len(set(keys))


def test_a_run_that_never_began_has_no_series_and_hides_no_other(tmp_path: Path) -> None:
    folder, _ = observed_campaign(tmp_path)
    (folder / "runs" / "control-1" / "events.jsonl").write_text("", encoding="utf-8")
    runs = {one.labels.get("run") for one in series_of_campaign(folder)}
    assert CRASH in runs
    assert CONTROL not in runs


def test_a_series_refuses_labels_of_another_metric_and_moments_that_do_not_rise() -> None:
    axis = Axis(0.0, 0.0, 2.0)
    with pytest.raises(ValueError, match="has the labels"):
        Series(names.RUN_VALID, {"run": "x"}, axis.grid, axis.grid_s)
    labels = dict.fromkeys(names.RUN, "x")
    with pytest.raises(ValueError, match="do not rise"):
        Series(names.RUN_VALID, labels, axis.grid * 0, axis.grid_s)


def test_two_strikes_of_one_fault_are_one_series() -> None:
    at, on = Axis(10.0, 0.0, 5.0).windows([(0.5, 1.5), (1.5, 2.0), (4.0, 4.25)])
    assert at[on == 1].tolist() == [10500, 11000, 11500, 14000]
    assert on[-1] == 0
