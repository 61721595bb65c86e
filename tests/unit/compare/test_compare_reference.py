"""The committed table is made from the committed file, and holds what was measured, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.campaign_record import Git, read_campaign
from harness.compare.data import as_data
from harness.compare.matrix import build
from harness.compare.reference import (
    BEGIN,
    END,
    READMES,
    REFERENCE,
    ROWS,
    commit,
    keep,
    merged,
    rewritten,
    spliced,
    table,
)
from harness.compare.report import write_comparison
from harness.compare.tradeoffs import judge_table
from harness.errors import HarnessError
from harness.experiment import known_experiments
from harness.kept import KEPT
from tests.fakes.compared import MADE, two_versions

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    two_versions(results)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESTBED_RESULTS", str(results))
        matrix = build(["v1", "v2", "v4"], years=1000)
    out = results / "comparison"
    write_comparison(out, as_data(matrix, judge_table(matrix), out, MADE, Git("77594a0", False)))
    return results


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose READMEs have their marks and something old between them."""
    (tmp_path / "docs").mkdir()
    for path in READMES.values():
        (tmp_path / path).write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    return tmp_path


def test_the_readmes_hold_the_table_of_the_committed_reference() -> None:
    committed = json.loads((ROOT / REFERENCE).read_text())
    for path, text in rewritten(ROOT, committed).items():
        assert path.read_text() == text, f"{path.name} is not as {REFERENCE} says: make reference"


def test_what_is_shown_exists() -> None:
    assert set(ROWS) <= set(known_experiments())


def test_figures_come_from_the_comparison(stored: Path, root: Path) -> None:
    written, stay = commit(root, stored)
    assert stay == []
    assert written == [root / REFERENCE, root / "README.md", root / "README.pt-BR.md"]
    assert sorted(path.name for path in (root / KEPT).iterdir()) == ["v1-01", "v2-02"], "the runs are committed, too"
    kept: dict[str, Any] = json.loads((root / REFERENCE).read_text())
    comparison = json.loads((stored / "comparison" / "comparison.json").read_text())
    cells = {row["experiment"]: row["cells"] for row in comparison["experiments"]}
    (outage,) = (row for row in kept["experiments"] if row["experiment"] == "provider_outage")
    assert outage["cells"]["v1"]["availability"] == cells["provider_outage"]["v1"]["availability"]
    english = (root / "README.md").read_text()
    assert english.startswith(f"before\n{BEGIN}\n") and english.endswith(f"{END}\nafter\n") and "old" not in english
    (line,) = (line for line in english.splitlines() if "`provider_outage`" in line)
    _, title, v1, v2, v4, _ = (cell.strip() for cell in line.split("|"))
    assert title.startswith("The first AI provider fails")
    share = cells["provider_outage"]["v1"]["availability"]
    assert v1.startswith(f"{100 * share['value']:.1f}".rstrip("0").rstrip(".")) and v1.count("%") == 3
    assert v2.startswith("100 %") and v4 == "untested"
    campaigns = [each for phase in kept["phases"] for each in phase["campaigns"]]
    assert campaigns and all(each["git"]["sha"][:7] in english for each in campaigns)
    lost = sum(row["v1"]["messages"]["lost"] for row in cells.values() if row["v1"].get("messages"))
    assert f": {lost} lost" in english


def test_runs_of_the_same_version_that_were_committed_before_go(stored: Path, root: Path) -> None:
    for name in ("v1-00", "v3-00"):
        (root / KEPT / name).mkdir(parents=True)
    commit(root, stored)
    assert sorted(path.name for path in (root / KEPT).iterdir()) == ["v1-01", "v2-02", "v3-00"]


def test_portuguese_has_the_same_figures_in_its_own_writing(stored: Path, root: Path) -> None:
    commit(root, stored)
    english, portuguese = ((root / READMES[language]).read_text() for language in ("en", "pt"))
    (line,) = (line for line in portuguese.splitlines() if "`provider_outage`" in line)
    (other,) = (line for line in english.splitlines() if "`provider_outage`" in line)
    figures, others = line.split("|")[2:4], other.split("|")[2:4]
    assert figures == [each.replace(".", "§").replace(",", ".").replace("§", ",") for each in others]
    assert "não testado" in line and len(portuguese.splitlines()) == len(english.splitlines())


def test_what_nobody_could_repeat_is_not_kept(stored: Path, root: Path, tmp_path: Path) -> None:
    results = tmp_path / "other"
    for path in stored.rglob("*.json"):
        copy = results / path.relative_to(stored)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    (manifest,) = results.glob("v1-*/manifest.json")
    text = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**text, "git": {"sha": "77594a0", "dirty": True}}))
    with pytest.raises(HarnessError, match="uncommitted changes"):
        commit(root, results)
    assert not (root / REFERENCE).exists() and "old" in (root / "README.md").read_text()


def test_a_version_without_runs_stays_as_it_was_measured_before(stored: Path, root: Path) -> None:
    commit(root, stored)
    before: dict[str, Any] = json.loads((root / REFERENCE).read_text())
    path = stored / "comparison" / "comparison.json"
    whole = path.read_text()
    comparison = json.loads(whole)
    for phase in comparison["phases"]:
        phase["campaigns"] = [] if phase["phase"] == "v2" else phase["campaigns"]
    comparison["projections"]["v2"] = None
    for row in comparison["experiments"]:
        row["cells"]["v2"] = {"tested": False, "because": "no run"}
    path.write_text(json.dumps(comparison))
    try:
        _, stay = commit(root, stored)
    finally:
        path.write_text(whole)
    assert stay == ["v2"], "and v4, which was never measured, is not said to have been"
    assert json.loads((root / REFERENCE).read_text()) == before


def test_a_version_that_is_compared_alone_is_put_beside_the_others() -> None:
    def tested(phase: str, campaign: str) -> dict[str, Any]:
        cell = {"tested": True, "campaign": campaign}
        return {
            "phases": [{"phase": phase, "campaigns": [{"campaign": campaign}]}],
            "experiments": [{"experiment": "control", "cells": {phase: cell}}],
            "projections": {phase: {"years": campaign}},
        }

    before, fresh = tested("v1", "old"), tested("v2", "new")
    before["experiments"].append({"experiment": "gone", "cells": {"v1": {"tested": False, "because": "no link"}}})
    fresh["experiments"].append({"experiment": "one_more", "cells": {"v2": {"tested": True, "campaign": "new"}}})
    whole, stay = merged(fresh, before)
    assert stay == ["v1"] and [phase["phase"] for phase in whole["phases"]] == ["v1", "v2"]
    cells = {row["experiment"]: row["cells"] for row in whole["experiments"]}
    assert list(cells) == ["control", "one_more"]
    assert {phase: cell["campaign"] for phase, cell in cells["control"].items()} == {"v1": "old", "v2": "new"}
    assert not cells["one_more"]["v1"]["tested"]
    assert whole["projections"] == {"v1": {"years": "old"}, "v2": {"years": "new"}}
    again, stay = merged(tested("v1", "newer"), whole)
    assert stay == ["v2"]
    assert again["experiments"][0]["cells"]["v1"]["campaign"] == "newer"


def test_without_a_comparison_or_marks_the_remedy_is_named(stored: Path, root: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"comparison\.json: it cannot be read") as error:
        commit(root, tmp_path / "nothing")
    assert "make compare" in str(error.value)
    (root / "README.pt-BR.md").write_text("no marks")
    with pytest.raises(HarnessError, match="marks"):
        commit(root, stored)
    assert not (root / REFERENCE).exists() and "old" in (root / "README.md").read_text(), "nothing is written then"
    with pytest.raises(HarnessError, match="marks"):
        spliced(Path("README.md"), f"{END} {BEGIN}", "table")


def test_a_reference_with_nothing_measured_is_a_table_without_figures() -> None:
    nothing = {"phases": [{"phase": "v1", "campaigns": []}], "experiments": [], "projections": {"v1": None}}
    lines = table(nothing, "en").splitlines()
    assert all(line.endswith("| untested |") for line in lines[2 : 2 + len(ROWS) + 2])


def test_the_committed_figures_are_what_the_committed_runs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("TESTBED_RESULTS", str(KEPT))
    phases = sorted({read_campaign(path.parent).phase for path in KEPT.glob("*/manifest.json")})
    assert phases, "there is no committed campaign"
    matrix = build(phases)
    out = KEPT / "comparison"
    made = keep(as_data(matrix, judge_table(matrix), out, MADE, Git("77594a0", False)), KEPT)
    committed = json.loads((ROOT / REFERENCE).read_text())
    found = {row["experiment"]: row["cells"] for row in committed["experiments"]}
    for row in made["experiments"]:
        for phase, cell in row["cells"].items():
            assert _rounded(cell) == _rounded(found[row["experiment"]][phase]), f"{phase} {row['experiment']}"
    years = committed["projections"]
    assert _rounded(made["projections"]) == _rounded({phase: years[phase] for phase in phases}), "make reference"


def _rounded(found: Any) -> Any:
    """Ten digits: the last ones are another library's business."""
    if isinstance(found, float):
        return float(f"{found:.10g}")
    if isinstance(found, dict):
        return {name: _rounded(each) for name, each in found.items()}
    return [_rounded(each) for each in found] if isinstance(found, list) else found
