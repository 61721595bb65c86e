"""The names of all metrics keep to Prometheus' conventions, and no metric is called otherwise than it is typed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from harness.observe import names
from harness.observe.names import METRICS, Metric

REPOSITORY = Path(__file__).resolve().parents[3]
UNITS = ("_seconds", "_bytes", "_ratio")


def test_no_name_is_taken_twice() -> None:
    series = [name for metric in METRICS for name in metric.series]
    assert len(series) == len(set(series)) == len(names.SERIES)
    assert len({metric.family for metric in METRICS}) == len(METRICS)


def test_every_metric_of_the_module_is_listed() -> None:
    made = [value for value in vars(names).values() if isinstance(value, Metric)]
    assert {metric.name for metric in made} == {metric.name for metric in METRICS} == set(names.BY_NAME)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_convention(metric: Metric) -> None:
    assert re.fullmatch(r"chaos(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".") and "\n" not in metric.help
    assert ("quantile" in metric.labels) == (metric.kind == "summary")
    for unit in UNITS:  # a unit is the last word, but for a counter's
        stem = metric.name.removesuffix("_total")
        assert unit not in stem or stem.endswith(unit)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z]+", label)
        assert label not in ("le", "job", "instance", "__name__")
    assert len(set(metric.labels)) == len(metric.labels)


def test_what_belongs_to_a_run_says_to_which() -> None:
    of_campaigns = {"chaos_campaign_info", *(metric.name for metric in METRICS if "claim" in metric.name)}
    for metric in METRICS:
        if metric.name in of_campaigns:
            assert metric.labels[:2] == ("phase", "campaign")
        else:
            assert metric.labels[:3] == names.RUN


def test_a_histogram_has_rising_buckets() -> None:
    (histogram,) = (metric for metric in METRICS if metric.kind == "histogram")
    assert list(histogram.buckets) == sorted(set(histogram.buckets))
    assert all(not metric.buckets for metric in METRICS if metric is not histogram)


@pytest.mark.parametrize("target", sorted((REPOSITORY / "targets").glob("v*/claims.toml")), ids=lambda p: p.parent.name)
def test_every_latency_that_is_claimed_is_the_bound_of_a_bucket(target: Path) -> None:
    claims = tomllib.loads(target.read_text(encoding="utf-8"))["claims"]
    claimed = {claim["at_most"] for claim in claims if claim.get("check") == "latency"}
    assert claimed
    assert claimed <= set(names.LATENCY_BUCKETS)
