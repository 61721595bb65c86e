"""Prometheus' own tools judge the alert rules of the laboratory: they are right, and fire when they should."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.contract.observe.real_prometheus import skip_without

RULES = Path(__file__).parents[3] / "dashboards" / "rules"


@pytest.fixture(autouse=True)
def promtool() -> None:
    skip_without("promtool")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], check=False, cwd=RULES, capture_output=True, text=True, timeout=60)


def test_rules_are_right() -> None:
    done = run("check", "rules", "laboratory.yml")
    assert done.returncode == 0, done.stderr


def test_rules_fire_when_they_should_and_else_do_not() -> None:
    done = run("test", "rules", "tests/laboratory.test.yml")
    assert done.returncode == 0, done.stderr


def test_every_rule_has_a_test_in_which_it_fires() -> None:
    (group,) = yaml.safe_load((RULES / "laboratory.yml").read_text())["groups"]
    tests = yaml.safe_load((RULES / "tests" / "laboratory.test.yml").read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one.get("exp_alerts")}
    quiet = {one["alertname"] for test in tests for one in test["alert_rule_test"] if not one.get("exp_alerts")}
    assert fired == quiet == {rule["alert"] for rule in group["rules"]}


def test_the_bound_of_lateness_is_the_harness_own() -> None:
    from harness.load.arrivals import LATENESS_BOUND_MS

    (group,) = yaml.safe_load((RULES / "laboratory.yml").read_text())["groups"]
    (late,) = [rule["expr"] for rule in group["rules"] if rule["alert"] == "GeneratorLate"]
    assert late.endswith(f"> {LATENESS_BOUND_MS / 1000:g}")
