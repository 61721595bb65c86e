"""Every alert says how urgent it is, what it means and what to do; and has a test of its own for promtool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from targets.parts.monitoring.burn_rates import RULES

ROOT = Path(__file__).resolve().parents[3]
TESTS = ROOT / "targets" / "parts" / "monitoring" / "tests"
IN_USE = [*sorted(RULES.glob("alerts-*.yml")), RULES / "burn-rate-99.9-scale-30.yml"]


def _alerts() -> Iterator[dict[str, Any]]:
    for path in IN_USE:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


ALERTS = {rule["alert"]: rule for rule in _alerts()}


def _read_stories() -> Iterator[list[set[str]]]:
    """For each test of promtool's files, the alerts that fire at each of its moments, in order."""
    for path in sorted(TESTS.glob("*.test.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            yield [
                set(re.findall(r'alertname="(\w+)"', str(step.get("exp_samples", ""))))
                for step in test["promql_expr_test"]
            ]


STORIES = list(_read_stories())


def test_no_name_is_used_twice() -> None:
    assert len(list(_alerts())) == len(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_can_be_acted_upon(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"page", "ticket", "none"}
    assert all(rule["annotations"][key].strip() for key in ("summary", "description"))
    assert rule["annotations"]["runbook"] == f"docs/alerts.md#{name.lower()}"


@pytest.mark.parametrize("name", ALERTS)
def test_its_runbook_is_there(name: str) -> None:
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    section = re.search(rf"^### {name}\n+(.+?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"docs/alerts.md has no section '### {name}'"
    assert len(section[1].split()) >= 8


def test_no_runbook_is_left_over() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\S+)$", text, re.MULTILINE)) == set(ALERTS)


@pytest.mark.parametrize("name", [name for name in ALERTS if name != "Watchdog"])  # which always fires
def test_promtool_sees_it_silent_firing_and_resolved(name: str) -> None:
    """That it is so is what promtool says (tests/contract/monitoring); this says that no alert was left out."""
    told = ["".join("x" if name in firing else "." for firing in story) for story in STORIES]
    assert any(re.search(r"\.x+\.", line) for line in told), told
