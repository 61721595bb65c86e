"""The generated burn-rate rules: committed as generated, and each number where the SRE workbook has it."""

from __future__ import annotations

import pytest
import yaml

from targets.parts.monitoring.burn_rates import RULES, VARIANTS, WINDOWS, file_name, rules


@pytest.mark.parametrize(("objective", "scale"), VARIANTS)
def test_the_committed_file_is_the_generated_one(objective: float, scale: int) -> None:
    """Run `python -m targets.parts.monitoring.burn_rates` when this fails."""
    assert (RULES / file_name(objective, scale)).read_text(encoding="utf-8") == rules(objective, scale)


def test_no_other_file_lies_about() -> None:
    assert {path.name for path in RULES.glob("burn-rate-*")} == {file_name(*variant) for variant in VARIANTS}


def test_the_windows_are_those_of_the_workbook() -> None:
    assert [(one.factor, one.long_s, one.short_s, one.severity) for one in WINDOWS] == [
        (14.4, 3600, 300, "page"),
        (6, 21600, 1800, "page"),
        (1, 259200, 21600, "ticket"),
    ]


def test_every_window_that_an_alert_reads_is_recorded() -> None:
    for objective, scale in VARIANTS:
        groups = yaml.safe_load(rules(objective, scale))["groups"]
        every = [rule for group in groups for rule in group["rules"]]
        recorded = {rule["record"] for rule in every if "record" in rule}
        read = {
            word.strip("()")
            for rule in every
            if "alert" in rule
            for word in rule["expr"].split()
            if word.strip("()").startswith("slo:")
        }
        assert read == recorded
