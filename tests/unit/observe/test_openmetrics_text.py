"""What is written is OpenMetrics: grouped, in order, escaped, and it ends with its end."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.observe import names
from harness.observe.campaigns import series_of_campaign
from harness.observe.openmetrics import write_openmetrics
from harness.observe.series import Series
from tests.fakes.observed import observed_campaign

LINE = re.compile(r'^(chaos_[a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\S+) (\d+\.\d{4})$')


def test_every_line_of_a_campaign(tmp_path: Path) -> None:
    folder, _ = observed_campaign(tmp_path)
    path = tmp_path / "campaign.om"
    samples = write_openmetrics(path, series_of_campaign(folder))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "# EOF"
    rows = [match for line in lines if (match := LINE.match(line))]
    assert len(rows) == samples == len([line for line in lines if not line.startswith("#")])
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(typed) == len(set(typed)), "a family lies together"
    assert set(typed) <= {metric.family for metric in names.METRICS}
    moments: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row[1], row[2])
        assert moments.get(key, 0.0) < float(row[4])
        moments[key] = float(row[4])
    assert not list(tmp_path.glob("*.parts"))


def test_another_parser_reads_the_same_values(tmp_path: Path) -> None:
    """That of prometheus-client drops the second moment of a histogram, so it gets one moment of each."""
    awkward = {**dict.fromkeys(names.RUN, "x"), "fault": 'a"b\\c\nd', "target": "role é"}
    at, values = np.array([1_000_000_000_123, 1_000_000_000_124]), np.array([0.0, 1.0])
    labels = {**dict.fromkeys(names.RUN, "x"), "place": "p", "kind": "chat"}
    one = np.array([1_000_000_000_000])
    buckets = [
        Series(names.DURATION, {**labels, "le": le}, one, np.array([count]), "_bucket")
        for le, count in (("1.0", 2.0), ("+Inf", 3.0))
    ]
    histogram = [
        *buckets,
        Series(names.DURATION, labels, one, np.array([3.0]), "_count"),
        Series(names.DURATION, labels, one, np.array([4.125]), "_sum"),
    ]
    endless = {**dict.fromkeys(names.RUN, "x"), "quantile": "0.99", "of": "scheduled"}
    path = tmp_path / "x.om"
    write_openmetrics(
        path,
        [
            Series(names.FAULT_ACTIVE, awkward, at, values),
            *histogram,
            Series(names.LATENCY, endless, one, np.array([math.inf])),
        ],
    )
    text = path.read_text(encoding="utf-8")
    families = {one.name: one for one in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    fault = families["chaos_fault_active"].samples
    assert [sample.value for sample in fault] == [0, 1]
    assert fault[0].labels == awkward
    assert [int(float(sample.timestamp) * 1000) for sample in fault] == at.tolist(), "cut off as promtool does it"
    assert [sample.value for sample in families["chaos_arrival_duration_seconds"].samples] == [2, 3, 3, 4.125]
    assert families["chaos_latency_seconds"].samples[0].value == math.inf
