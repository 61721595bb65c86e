"""The generated dashboards: what Grafana 11.6 needs, what readers need, and no name that the harness does not have."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import units

from dashboards import frame, kit
from dashboards.catalog import GENERATED, dashboards, texts
from harness.observe import annotations as grafana_annotations
from harness.observe import names

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "dashboards.md"
PROVISIONING = ROOT / "dashboards" / "provisioning"
FILES = sorted(texts())
UNITS = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
ADDED_TO_ANNOTATIONS = {"step", "titleFormat", "textFormat", "tagKeys", "useValueForTime", "target"}
"""What Prometheus' annotations have and the SDK's class does not know."""


def board(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(texts()[name])
    return found


def shown(name: str) -> list[dict[str, Any]]:
    return [panel for panel in board(name)["panels"] if panel["type"] != "row"]


def expressions(name: str) -> Iterator[str]:
    for panel in shown(name):
        for target in panel["targets"]:
            yield target["expr"]
    for annotation in board(name)["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["expr"]
    for variable in board(name)["templating"]["list"]:
        if variable["type"] == "query":
            yield re.sub(r"label_values\((.+), \w+\)", r"\1", variable["query"]["query"])


def test_what_is_committed_is_what_the_code_makes() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in GENERATED.glob("*.json")}
    assert sorted(there) == FILES
    for name in FILES:
        assert there[name] == texts()[name], f"{name} differs: run `make dashboards`"


@pytest.mark.parametrize("name", FILES)
def test_it_survives_being_loaded_and_encoded_by_the_sdk(name: str) -> None:
    register_default_plugins()
    before = board(name)
    again = json.loads(JSONEncoder().encode(model.Dashboard.from_json(board(name))))
    for one in (before, again):
        for annotation in one["annotations"]["list"]:
            if annotation["datasource"]["type"] == "prometheus":
                for field in ADDED_TO_ANNOTATIONS:
                    annotation.pop(field, None)
    assert again == before


@pytest.mark.parametrize("name", FILES)
def test_it_is_one_for_grafana_11_6(name: str) -> None:
    found = board(name)
    assert found["schemaVersion"] == 41  # https://github.com/grafana/grafana/blob/v11.6.0/.../DashboardMigrator.ts
    assert found["editable"] is False
    assert re.fullmatch(r"[a-z-]{1,40}", found["uid"])
    assert found["title"] and found["description"]


def test_no_two_dashboards_have_one_address() -> None:
    assert max(Counter(board(name)["uid"] for name in FILES).values()) == 1
    assert max(Counter(board(name)["title"] for name in FILES).values()) == 1


@pytest.mark.parametrize("name", FILES)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    panels = board(name)["panels"]
    assert max(Counter(panel["id"] for panel in panels).values()) == 1
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["y"] >= 0 and place["w"] >= 1 and place["h"] >= 1
        assert place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        apart = apart or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart, (one["title"], other["title"])


@pytest.mark.parametrize("name", FILES)
def test_every_panel_explains_itself(name: str) -> None:
    anchors = _anchors()
    for panel in shown(name):
        title = panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, title
        english, _, portuguese = panel["description"].partition("\n\n_Em português:_ ")
        assert len(english) > 30 and english.rstrip().endswith((".", "?")), title
        assert len(portuguese) > 30 and portuguese.rstrip().endswith((".", "?")), title
        (link,) = panel["links"]
        base, _, anchor = link["url"].partition("#")
        assert base == "${docs}" and link["targetBlank"] is True
        assert anchor in anchors, f"{title}: docs/dashboards.md has no heading for #{anchor}"


def _anchors() -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_heading_of_a_panel_group_is_led_to() -> None:
    led = {panel["links"][0]["url"].partition("#")[2] for name in FILES for panel in shown(name)}
    text = DOCS.read_text(encoding="utf-8").partition("## What panels show")[2].partition("\n## ")[0]
    headings = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert {heading.lower().replace(" ", "-") for heading in headings} == led


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_asked_of_a_data_source_that_cannot_be_chosen(name: str) -> None:
    found = board(name)
    variables = {each["name"]: each for each in found["templating"]["list"]}
    sources = {f"${{{each}}}" for each, variable in variables.items() if variable["type"] == "datasource"}
    for panel in shown(name):
        assert panel["datasource"]["uid"] in sources
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": panel["datasource"]["uid"]}
        assert max(Counter(target["refId"] for target in panel["targets"]).values()) == 1
    assert {"phase", "run", "experiment", "docs", "datasource"} <= set(variables)
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(found, ensure_ascii=False)))
    builtin = {"__rate_interval", "__interval", "__interval_ms", "__range", "__data", "__auto", "__all"}
    assert used - builtin <= set(variables), used - builtin - set(variables)


@pytest.mark.parametrize("name", FILES)
def test_fault_windows_are_looked_for_each_second(name: str) -> None:
    windows, written = board(name)["annotations"]["list"]
    assert windows["enable"] is True and names.FAULT_ACTIVE.name in windows["expr"]
    assert windows["step"] == windows["target"]["interval"] == "1s"  # Grafana's own default is 60 s
    assert windows["target"]["expr"] == windows["expr"]
    assert written["target"]["tags"] == [grafana_annotations.TAG] and written["target"]["type"] == "tags"
    assert written["datasource"]["uid"] == "-- Grafana --"


@pytest.mark.parametrize("name", FILES)
def test_only_metrics_and_labels_of_the_harness_are_used(name: str) -> None:
    for expr in expressions(name):
        _only_known(expr)


def test_only_metrics_and_labels_of_the_harness_are_in_rules() -> None:
    (group,) = yaml.safe_load((ROOT / "dashboards/rules/laboratory.yml").read_text())["groups"]
    for rule in group["rules"]:
        _only_known(rule["expr"])
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/dashboards.md" and anchor in _anchors()


def _only_known(expr: str) -> None:
    used = re.findall(r"\b(chaos_\w+)(?:\{([^}]*)\})?", expr)
    for series, matchers in used:
        assert series in names.SERIES, expr
        metric = names.BY_NAME.get(series) or names.BY_NAME[re.sub("_(bucket|count|sum)$", "", series)]
        asked = set(re.findall(r"(\w+)=?[=!~]", matchers))
        assert asked <= {*metric.labels, "le"}, (expr, asked - set(metric.labels))
    if used:
        known = {label for metric in names.METRICS for label in metric.labels} | {"le"}
        for clause in re.findall(r"\b(?:by|on|group_left|group_right) \(([^)]*)\)", expr):
            assert {label.strip() for label in clause.split(",") if label.strip()} <= known, expr


@pytest.mark.parametrize("name", FILES)
def test_legends_name_labels_that_their_query_leaves(name: str) -> None:
    for panel in shown(name):
        for target in panel["targets"]:
            wanted = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            left = {label.strip() for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in by.split(",")}
            assert wanted <= left, (panel["title"], target["refId"])


def test_grafana_finds_what_the_dashboards_ask_for() -> None:
    (sources,) = [yaml.safe_load(path.read_text()) for path in (PROVISIONING / "datasources").glob("*.yml")]
    there = {each["uid"]: each for each in sources["datasources"]}
    for found in dashboards().values():
        assert found.templating.list_val is not None
        for variable in found.templating.list_val:
            if variable.type_val == model.VariableType.DATASOURCE:
                assert variable.current is not None
                assert there[str(variable.current.value)]["name"] == variable.current.text
    assert [each["uid"] for each in there.values() if each.get("isDefault")] == ["chaos-laboratory"]
    assert there["chaos-laboratory"]["jsonData"]["timeInterval"] == kit.STEP


def test_grafana_looks_for_dashboards_in_one_folder() -> None:
    (file,) = (PROVISIONING / "dashboards").glob("*.yml")
    (provider,) = yaml.safe_load(file.read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert provider["type"] == "file" and provider["folder"] and provider["allowUiUpdates"] is False


def test_the_tag_of_annotations_is_the_tag_that_dashboards_look_for() -> None:
    assert frame.TAG == grafana_annotations.TAG
