"""The cost and an overload in the summary and both reports: shares, dearest first, and beside the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from harness.claims import Claims
from harness.cost import Cost, PartCost
from harness.judge import judge
from harness.report.cost import OTHERS, cost_rows, megabytes, overloaded_runs
from harness.report.write import render_html, render_markdown
from harness.summary import build_summary
from tests.fakes.histories import campaign, claim, history

MB = 1_000_000
WHY = "all processors were at least 95 % busy for 9 of 38 s, for 9 s in a row from 4 s on"


def cost(app_s: float) -> Cost:
    target = [PartCost("cache", "cache", 1.0, 8 * MB, 8 * MB), PartCost("app", "app", app_s, 200 * MB, 150 * MB)]
    return Cost(40.0, 2, 30.0, target, [PartCost("generator", "harness", 5.0, 90 * MB, 80 * MB)])


@pytest.fixture
def told() -> tuple[dict[str, Any], list[Any]]:
    histories = [history(repeat=1, cost=cost(10.0), overloaded=[WHY]), history(repeat=2, cost=cost(14.0))]
    asked = claim(experiment="control", check="availability", at_most=None, at_least=0.95)
    verdicts = judge(Claims(schema=1, source="seed.md", claims=(asked,)), histories)
    return build_summary(campaign(), histories, verdicts), histories


def test_shares_and_order(told: tuple[dict[str, Any], list[Any]]) -> None:
    summary, _ = told
    run = summary["runs"][0]["cost"]
    assert [(part["name"], part["share"]) for part in run["components"]] == [("app", 0.125), ("cache", 0.0125)]
    whole = summary["cost"]
    assert (whole["seconds"], whole["busy_s"], whole["components"][0]["cpu_s"]) == (80.0, 60.0, 24.0)


def test_the_rows_add_up_to_what_the_machine_did(told: tuple[dict[str, Any], list[Any]]) -> None:
    summary, _ = told
    rows = cost_rows(summary["cost"])
    assert [row["name"] for row in rows] == ["app", "cache", "generator", OTHERS]
    assert sum(row["cpu_s"] for row in rows) == pytest.approx(60.0)
    assert rows[-1]["share"] == pytest.approx(24 / 160)


def test_without_a_cost_nothing_is_said() -> None:
    plain = build_summary(campaign(), [history()], [])
    assert "cost" not in plain
    assert "cost" not in plain["runs"][0]
    assert "overloaded" not in plain["runs"][0]
    assert "What it cost" not in render_markdown(plain, [history()])


def test_an_overload_stands_beside_the_verdict_that_rests_on_it(told: tuple[dict[str, Any], list[Any]]) -> None:
    summary, histories = told
    (judged,) = summary["claims"]
    assert judged["runs"] == ["control-1", "control-2"]
    assert judged["overloaded"] == ["control-1"]
    assert judged["verdict"] == "HELD"  # it voids nothing
    said = overloaded_runs(judged)
    assert said == "The machine was overloaded in control-1: this may be the machine, and not the target."
    assert overloaded_runs({**judged, "overloaded": []}) == ""
    for report in (render_markdown(summary, histories), render_html(summary, histories)):
        assert said in report
        assert WHY in report
        assert "What it cost" in report
        assert "200 MB" in report


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (8_400_000, "8.4 MB"), (150 * MB, "150 MB")])
def test_bytes_as_people_write_them(value: int | None, text: str) -> None:
    assert megabytes(value) == text
