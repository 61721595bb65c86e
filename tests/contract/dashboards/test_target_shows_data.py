"""Every query of the dashboard Target, asked of a real Prometheus that holds what that of a v3 stack scraped.

Recorded in a campaign (docker cp of its data, record_target.py). A panel without data is a failure, and so is a query,
unless EMPTY says why it has to be.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from harness.observe.promtool import create_blocks
from tests.contract.dashboards.looked_at import Window, filled, load, queries, values
from tests.contract.dashboards.record_target import FILE
from tests.contract.observe.real_prometheus import Prometheus, running, skip_without

STEP_S = 2
"""As the data source Target is scraped (its timeInterval)."""

EMPTY = {
    ("Fail-overs and repeats", "B"): "the budget of fail-overs was not spent: that takes an outage of two providers",
    ("Fail-overs and repeats", "C"): "no provider failed in a way that the app repeats",
}
"""Queries that have nothing to show in this recording, and why."""


@pytest.fixture(scope="module")
def window() -> Window:
    """The time that was recorded."""
    with gzip.open(FILE, "rt") as lines:
        moments = [float(line.rpartition(" ")[2]) for line in lines if line.startswith("up{")]
    return Window(min(moments), max(moments))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    skip_without("promtool", "prometheus")
    folder = tmp_path_factory.mktemp("target")
    (folder / "target.om").write_bytes(gzip.decompress(FILE.read_bytes()))
    (folder / "data").mkdir()
    create_blocks(folder / "target.om", folder / "data")
    with running(folder / "data") as prometheus:
        yield prometheus


def test_every_query_shows_data(target: Prometheus, window: Window) -> None:
    wrong = []
    for query in queries(load("target")):
        expr = filled(query.expr, {}, window, STEP_S)
        empty = not values(target, expr, window, query.instant, STEP_S)
        if empty != ((query.panel, query.letter) in EMPTY):
            wrong.append((query.panel, query.letter, "empty" if empty else "has data after all"))
    assert wrong == []


def test_every_component_with_an_exporter_is_there(target: Prometheus, window: Window) -> None:
    (query,) = [query for query in queries(load("target")) if query.panel == "What answers"]
    found = values(target, query.expr, window, instant=False, step_s=STEP_S)
    jobs = {"edge", "balancer", "app", "documents", "database", "consensus", "cache", "sentinel", "autoscaler"}
    assert all(any(f'"job": "{job}"' in labels for labels in found) for job in jobs), found.keys()
