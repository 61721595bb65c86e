"""Every query of every dashboard, asked of a real Prometheus that holds a recorded campaign of each phase that has one.

Recorded: v1 app_crash; v2 provider_outage, zone_outage, autoscaler_crash; v3 database_primary_crash. A panel without
data is a failure, unless EMPTY says why it has to be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.history import read_record
from harness.observe.backfill import backfill
from harness.observe.campaigns import read_summary
from harness.observe.events import read_began
from tests.contract.dashboards.looked_at import (
    Query,
    Window,
    bands,
    filled,
    load,
    queries,
    step_of_annotations,
    unpacked,
    values,
    windows,
)
from tests.contract.dashboards.made_up_costs import CPU_SHARE, put_costs
from tests.contract.observe.real_prometheus import Prometheus, running, skip_without

ALL = {"phase": ".+", "experiment": ".+", "run": ".+"}
EMPTY = {
    ("Instances", "B"): {
        "v1": "v1 has no autoscaler that could want anything",
        "v2 provider_outage": "recorded before the autoscaler's decisions were",
        "v2 zone_outage": "recorded before the autoscaler's decisions were",
    },
    ("Instances", "A"): {"v1": "one container under Compose: nobody counts instances"},
    ("Alerts", "A"): {
        "v1": "v1 has no monitoring that calls anybody",
        "v2": "v2 has no monitoring that calls anybody",
    },
    ("Availability against the claim", "B"): {
        "v1": "what v1 claims of this experiment (app_crash) is how quickly it is back, and no availability",
        "v2 autoscaler_crash": "no claim of v2 is about the availability in this experiment",
    },
}
"""Which queries of *Experiment* have nothing to show for a phase, or for one of its experiments, and why."""


@dataclass(frozen=True)
class Recorded:
    """A Prometheus with all recorded campaigns, and where they are."""

    prometheus: Prometheus
    campaigns: list[Path]

    @property
    def runs(self) -> list[tuple[dict[str, str], Window]]:
        """All runs, and when they were."""
        return [each for campaign in self.campaigns for each in windows(campaign)]

    @property
    def window(self) -> Window:
        """From before the first run until after the last campaign."""
        every = [window for _, window in self.runs]
        return Window(min(each.from_s for each in every), max(each.until_s for each in every) + 3600)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    skip_without("promtool", "prometheus")
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "results").mkdir()
    campaigns = unpacked(folder / "results")
    for campaign in campaigns:
        backfill(campaign, folder / "data")
    put_costs(campaigns, folder / "data", folder / "costs")
    with running(folder / "data") as prometheus:
        yield Recorded(prometheus, campaigns)


def why_empty(query: Query, chosen: dict[str, str]) -> str | None:
    reasons = EMPTY.get((query.panel, query.letter), {})
    return reasons.get(f"{chosen['phase']} {chosen['experiment']}", reasons.get(chosen["phase"]))


def test_there_is_a_recording_of_each_phase(recorded: Recorded) -> None:
    assert {chosen["phase"] for chosen, _ in recorded.runs} == {"v1", "v2", "v3", "v4"}


def test_experiment_shows_every_recorded_run(recorded: Recorded) -> None:
    wrong = []
    for chosen, window in recorded.runs:
        for query in queries(load("experiment")):
            expr = filled(query.expr, chosen, window)
            empty = not values(recorded.prometheus, expr, window, query.instant)
            if empty != (why_empty(query, chosen) is not None):
                wrong.append((chosen["run"], query.panel, query.letter, "empty" if empty else "has data after all"))
    assert wrong == []


@pytest.mark.parametrize("name", ["claims", "comparison", "laboratory"])
def test_dashboards_of_many_runs_show_data(recorded: Recorded, name: str) -> None:
    empty = []
    for query in queries(load(name)):
        window = recorded.window if query.instant else _around_the_last_campaign(recorded)
        if not values(recorded.prometheus, filled(query.expr, ALL, window), window, query.instant):
            empty.append((query.panel, query.letter))
    assert empty == []


def _around_the_last_campaign(recorded: Recorded) -> Window:
    """An hour with a whole campaign in it: as long as a second each is no more points than Prometheus gives."""
    from_s = min(window.from_s for chosen, window in recorded.runs if chosen["run"].startswith("v3"))
    return Window(from_s, from_s + 3600)


def test_every_phase_is_in_the_comparison(recorded: Recorded) -> None:
    for query in queries(load("comparison")):
        expr = filled(query.expr, ALL, recorded.window)
        found = values(recorded.prometheus, expr, recorded.window, query.instant)
        phases = {json.loads(labels)["phase"] for labels in found}
        assert phases == {"v1", "v2", "v3", "v4"}, query.panel


def test_variables_offer_every_run(recorded: Recorded) -> None:
    for chosen, window in recorded.runs:
        among = filled('chaos_experiment_active{phase=~"$phase",experiment=~"$experiment"}', chosen, window)
        found = values(recorded.prometheus, among, window, instant=False)
        assert chosen["run"] in {json.loads(labels)["run"] for labels in found}


def test_figures_are_those_of_the_summary(recorded: Recorded) -> None:
    shown = {(query.panel, query.letter): query for query in queries(load("experiment"))}
    for campaign in recorded.campaigns:
        parts = {part.run: part for part in read_summary(campaign).runs}
        for chosen, window in windows(campaign):
            part = parts[chosen["run"].partition("/")[2]]

            def number(panel: str, letter: str, chosen: dict[str, str] = chosen, window: Window = window) -> float:
                expr = filled(shown[panel, letter].expr, chosen, window)
                (((_, value),),) = values(recorded.prometheus, expr, window, instant=True).values()
                return value

            assert number("Availability of the run", "B") == pytest.approx(part.availability.value)
            assert number("Availability of the run", "A") == pytest.approx(part.availability.low)
            assert number("Availability of the run", "C") == pytest.approx(part.availability.high)
            assert number("Arrivals", "A") == part.scheduled
            assert number("Arrivals", "B") == part.good
            assert number("Instrument", "A") == float(part.valid)


def test_figures_stay_when_somebody_looks_closer(recorded: Recorded) -> None:
    for chosen, window in recorded.runs:
        close = Window(window.from_s + 15, window.from_s + 25)
        for query in queries(load("experiment")):
            if query.instant and query.panel != "Runs":
                now = values(recorded.prometheus, filled(query.expr, chosen, close), close, True)
                then = values(recorded.prometheus, filled(query.expr, chosen, window), window, True)
                assert {labels: pairs[0][1] for labels, pairs in now.items()} == {
                    labels: pairs[0][1] for labels, pairs in then.items()
                }, query.panel


@pytest.mark.parametrize(("name", "range_s"), [("experiment", 100), ("experiment", 900), ("laboratory", 3600)])
def test_fault_windows_are_where_the_receipt_says_within_a_second(recorded: Recorded, name: str, range_s: int) -> None:
    """In whatever time range somebody looks: Grafana then asks at every second, every 10 s, every 30 s."""
    annotation = load(name)["annotations"]["list"][0]
    assert annotation["useValueForTime"] is True
    struck = 0
    for campaign in recorded.campaigns:
        for chosen, window in windows(campaign):
            wide = Window(window.from_s - (range_s - 100) / 2, window.from_s + 100 + (range_s - 100) / 2)
            step_s = step_of_annotations(wide)
            aligned = Window(wide.from_s // step_s * step_s, wide.until_s // step_s * step_s)
            expr = filled(annotation["expr"], chosen, aligned, step_s)
            found = values(recorded.prometheus, expr, aligned, instant=False, step_s=step_s)
            shown = sorted(
                band for pairs in found.values() for band in bands([value / 1000 for _, value in pairs], step_s)
            )
            true = true_windows(campaign / "runs" / chosen["run"].partition("/")[2])
            assert len(shown) == len(true), chosen
            for edges, wanted in zip(shown, true, strict=True):
                struck += 1
                assert all(abs(a - b) <= 1.0 for a, b in zip(edges, wanted, strict=True)), (chosen, edges, wanted)
    assert struck >= 4


def true_windows(run: Path) -> list[tuple[float, float]]:
    """When the faults of a run bit, s since 1970, as their receipts say."""
    record, began = read_record(run), read_began(run)
    assert began is not None
    return sorted(
        (began.t0_s + fault.receipt.on_s, began.t0_s + fault.receipt.off_s)
        for fault in record.faults
        if fault.receipt.on_s is not None and fault.receipt.off_s is not None
    )


@pytest.mark.parametrize("name", ["claims", "comparison"])
def test_no_fault_is_swallowed_in_a_week(recorded: Recorded, name: str) -> None:
    annotation = load(name)["annotations"]["list"][0]
    window = Window(recorded.window.until_s - 7 * 86400, recorded.window.until_s)
    step_s = 7 * 86400 // 100 // 3600 * 3600 or 3600
    expr = filled(annotation["expr"], ALL, window, step_s)
    found = values(recorded.prometheus, expr, window, instant=False, step_s=step_s)
    struck = {chosen["run"] for chosen, _ in recorded.runs if chosen["experiment"] != "control"}
    assert {json.loads(labels)["run"] for labels in found} == struck


def test_a_click_on_a_run_opens_all_of_it(recorded: Recorded) -> None:
    shown = {query.letter: query for query in queries(load("comparison")) if query.panel == "Runs"}
    edges = {}
    for letter in ("A", "B"):
        found = values(recorded.prometheus, filled(shown[letter].expr, ALL, recorded.window), recorded.window, True)
        edges[letter] = {json.loads(labels)["run"]: pairs[0][1] / 1000 for labels, pairs in found.items()}
    for campaign in recorded.campaigns:
        parts = {part.run: part for part in read_summary(campaign).runs}
        for chosen, _ in windows(campaign):
            began = read_began(campaign / "runs" / chosen["run"].partition("/")[2])
            assert began is not None
            from_s, until_s = edges["A"][chosen["run"]], edges["B"][chosen["run"]]
            duration_s = parts[chosen["run"].partition("/")[2]].duration_s
            assert began.t0_s - 30 <= from_s <= began.t0_s
            assert began.t0_s + duration_s <= until_s <= began.t0_s + duration_s + 120


def test_cost_is_added_up(recorded: Recorded) -> None:
    chosen, window = recorded.runs[0]
    shown = {query.letter: query for query in queries(load("laboratory")) if query.panel == "Cost of each component"}
    found = values(recorded.prometheus, filled(shown["A"].expr, chosen, window), window, True)
    spent = {json.loads(labels)["component"]: pairs[0][1] for labels, pairs in found.items()}
    assert set(spent) == {"app", "database", "openai"}
    assert all(
        math.isclose(value, CPU_SHARE * (int(window.until_s) - 61 - int(window.from_s))) for value in spent.values()
    )
