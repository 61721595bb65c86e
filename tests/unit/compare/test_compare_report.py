"""The reports hold all of the data, nothing by colour alone, and links that lead somewhere; seen in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.campaign_record import Git
from harness.compare import command, missing
from harness.compare.data import as_data
from harness.compare.matrix import Matrix, build
from harness.compare.report import render, write_comparison
from harness.compare.tradeoffs import judge_table
from harness.compare.words import against, evidence, figures
from tests.fakes.compared import MADE, two_versions

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    two_versions(root)
    for folder in root.glob("v?-*"):
        (folder / "report.html").write_text("<p id=run-control-1>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTBED_RESULTS", str(root))
        matrix = build(["v1", "v2", "v4"], years=2000)
    out = root / "comparison"
    return write_comparison(out, as_data(matrix, judge_table(matrix), out, MADE, Git("77594a0", False)))


@pytest.fixture
def few_years(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand years are for those who read them."""

    def quickly(phases: list[str], seed: int, years: int = 1000, *, own: bool = False) -> Matrix:
        return build(phases, seed, min(years, 1000), own=own)

    monkeypatch.setattr(command, "build", quickly)


@pytest.fixture
def data(written: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((written.parent / "comparison.json").read_text())
    return loaded


def test_every_cell_is_there_with_its_word_and_its_link(written: Path, data: dict[str, Any]) -> None:
    html = written.read_text()
    for row in data["experiments"]:
        assert f'id="experiment-{row["experiment"]}"' in html
        for cell in row["cells"].values():
            assert cell["label"] in {"HELD", "REFUTED", "INCONCLUSIVE", "NO CLAIM", "UNTESTED"}
            if cell["tested"]:
                assert f'href="{cell["link"]}"' in html
                assert (written.parent / cell["link"].partition("#")[0]).is_file()
            else:
                assert cell["because"]
    assert html.count("no better than v1") == sum(
        (cell.get("against") or {}).get("finding") == "no better"
        for row in data["experiments"]
        for cell in row["cells"].values()
    )
    assert "not compared: v1 was asked something else (arrivals a second: 24, 40)" in html


def test_it_needs_no_network_and_no_script(written: Path) -> None:
    html = written.read_text()
    assert "<script" not in html
    assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
    assert "url(" not in html


def test_both_reports_are_made_from_the_data_alone(written: Path, data: dict[str, Any]) -> None:
    assert written.read_text() == render(data, "comparison.html.j2")
    markdown = (written.parent / "report.md").read_text()
    assert markdown == render(data, "comparison.md.j2")
    tables = [block for block in markdown.split("\n\n") if block.startswith("|")]
    assert len(tables) == 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().splitlines()}) == 1, table[:200]


def test_figures_in_words() -> None:
    cell: dict[str, Any] = {
        "availability": {"value": 0.5, "low": 0.4, "high": 0.6},
        "lost_s": 12.5,
        "harmed": True,
        "mitigated": {"value": None, "watched_s": 18.0},
        "recovered": {"value": None, "watched_s": 18.0},
        "p95_s": {"value": None, "endless": "up", "because": ""},
        "messages": {"acknowledged": 1200, "lost": 3},
        "alerts": {
            "because": "",
            "delay_s": {"value": 4.0, "because": ""},
            "lead_s": {"value": None, "endless": "down", "because": ""},
        },
    }
    assert dict(figures(cell)) == {
        "Available": "50 % (40 % to 60 %)",
        "Lost": "12.5 s",
        "Mitigated": "never while it was on",
        "Recovered": "not within the 18 s watched",
        "p95": "no good answer",
        "Messages lost": "3 of 1,200",
        "Alert": "after 4 s",
        "Alert's lead": "harm, and no alert",
    }


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        ("better", "▲ better than v1"),
        ("no better", "= no better than v1"),
        ("not shown to be better", "≈ not shown to be better than v1"),
        ("worse", "▼ worse than v1"),
    ],
)
def test_findings_in_words(finding: str, said: str) -> None:
    assert against({"finding": finding, "phase": "v1", "because": ""}) == said


def test_evidence_in_words() -> None:
    change = {"value": 0.0632, "low": 0.0456, "high": None, "unit": "share", "pairs": 1}
    compared = {"availability": change, "p95": {**change, "value": -0.25, "high": 0.1}, "note": "other arrivals"}
    assert evidence(compared) == "availability +6.32 points, one pair; p95 −0.25 s (+0.05 to +0.1); other arrivals"


@pytest.mark.usefixtures("few_years")
def test_the_command_says_what_it_did_not_compare(
    written: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(written.parent.parent))
    command.compare(["v1", "v2"], run=False, seed=1, repeats=1)
    said = capsys.readouterr().out
    assert "not compared: traffic_spike on v2: v1 was asked something else" in said
    assert 'make compare PHASES="v1 v2" MEASURE=1' in said
    assert "faster" in said or "Mais rápido" in said


@pytest.mark.usefixtures("few_years")
def test_with_run_what_is_missing_is_run_with_the_same_seed(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[missing.MissingPlan] = []

    def run_campaign(plan: missing.MissingPlan, root: Path, view: object) -> tuple[Path, dict[str, Any]]:
        plans.append(plan)
        return root, {}

    monkeypatch.setenv("TESTBED_RESULTS", str(written.parent.parent))
    monkeypatch.setattr(missing, "run_campaign", run_campaign)
    command.compare(["v1", "v2", "v4"], run=True, seed=1, repeats=2)
    assert [plan.target.phase for plan in plans] == ["v1", "v2", "v4"]
    for plan in plans:
        assert (plan.seed, plan.repeats, plan.chosen) == (1, 2, False)
        assert plan.command == 'make compare PHASES="v1 v2 v4" MEASURE=1 SEED=1 REPEATS=2'
        assert "cache_down" in [experiment.name for experiment in plan.experiments]
    assert "abusive_client" not in [experiment.name for experiment in plans[0].experiments]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no /usr/bin/chromium")
def test_in_a_browser_it_fits_a_desk_and_a_telephone_and_passes_axe(written: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for width in (1400, 390):
            page = browser.new_page(viewport={"width": width, "height": 900})
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(written.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = Axe().run(page).response["violations"]
            assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
            assert asked == [written.as_uri()]
        browser.close()
