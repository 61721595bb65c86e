"""What Grafana would ask for a dashboard: every query of its generated file, with all variables filled in."""

from __future__ import annotations

import json
import math
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dashboards.catalog import GENERATED
from harness.observe.campaigns import read_summary
from harness.observe.events import read_began
from tests.contract.dashboards.record_campaign import RECORDED
from tests.contract.observe.real_prometheus import Prometheus


@dataclass(frozen=True)
class Query:
    """One query of a panel, or of the annotations, as the file has it."""

    panel: str
    letter: str
    expr: str
    instant: bool
    uid: str


@dataclass(frozen=True)
class Window:
    """A part of the time axis, s since 1970."""

    from_s: float
    until_s: float


def load(name: str) -> dict[str, Any]:
    """Read a generated dashboard."""
    found: dict[str, Any] = json.loads((GENERATED / f"{name}.json").read_text(encoding="utf-8"))
    return found


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all panels that show something, rows not among them."""
    for panel in board["panels"]:
        yield from panel.get("panels", []) if panel["type"] == "row" else [panel]


def queries(board: dict[str, Any]) -> Iterator[Query]:
    """Yield all queries of all panels."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield Query(
                panel["title"],
                target["refId"],
                target["expr"],
                target.get("instant", False),
                target["datasource"]["uid"],
            )


def filled(expr: str, variables: Mapping[str, str], window: Window, step_s: int = 1) -> str:
    """Return the expression as Grafana sends it. A variable that is not known is an error, as it is in Grafana."""
    known = {
        "__interval": f"{step_s}s",
        "__interval_ms": f"{step_s * 1000}",
        "__rate_interval": f"{4 * step_s}s",  # four scrapes, where the step is as long as the time between two
        "__range": f"{math.ceil(window.until_s - window.from_s)}s",
        **variables,
    }
    return re.sub(r"\$\{?(\w+)\}?", lambda found: known[found[1]], expr)


def values(
    prometheus: Prometheus, expr: str, window: Window, instant: bool, step_s: int = 1
) -> dict[str, list[tuple[float, float]]]:
    """Ask, and return what came by series, without what is no number."""
    asked = {"query": expr, "time": f"{window.until_s:.3f}"}
    if not instant:
        asked = {"query": expr, "start": f"{window.from_s:.3f}", "end": f"{window.until_s:.3f}", "step": f"{step_s}"}
    url = f"{prometheus.url}/api/v1/{'query' if instant else 'query_range'}"
    answer = httpx.post(url, data=asked, trust_env=False, timeout=30).json()
    assert answer["status"] == "success", (answer.get("error"), expr)
    found = {}
    for series in answer["data"]["result"]:
        pairs = [(float(at), float(value)) for at, value in series.get("values", [series.get("value")])]
        numbers = [(at, value) for at, value in pairs if not math.isnan(value)]
        if numbers:
            found[json.dumps(series["metric"], sort_keys=True)] = numbers
    return found


def unpacked(folder: Path) -> list[Path]:
    """Unpack all recorded campaigns into `folder`, and return theirs."""
    for path in sorted(RECORDED.glob("v?-*.tar.gz")):
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
    return sorted(folder.iterdir())


def bands(moments: list[float], step_s: float) -> list[tuple[float, float]]:
    """Join moments as Grafana's data source does (processAnnotationResponse): a step apart is together."""
    found: list[tuple[float, float]] = []
    for at in moments:
        if found and found[-1][1] + step_s >= at:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def step_of_annotations(window: Window) -> int:
    """Return the step (s) with which Grafana 11 asks for annotations: 100 points, rounded as its server rounds."""
    raw_ms = 10 * (window.until_s - window.from_s)
    limits = ((1500, 1), (3500, 2), (7500, 5), (12500, 10), (17500, 15), (25000, 20), (45000, 30), (90000, 60))
    return next((step for limit, step in limits if raw_ms < limit), 120)


def windows(campaign: Path) -> Iterator[tuple[dict[str, str], Window]]:
    """Yield each run of a campaign as the variables that choose it, and when it was."""
    summary = read_summary(campaign)
    for part in summary.runs:
        began = read_began(campaign / "runs" / part.run)
        assert began is not None
        chosen = {"phase": summary.phase, "experiment": part.experiment, "run": f"{summary.campaign}/{part.run}"}
        yield chosen, Window(began.t0_s - 10, began.t0_s + part.duration_s + 90)
