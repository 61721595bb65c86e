"""Which experiments a target is put through: all that are known, less those that it has by name only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.campaign import make_plan
from harness.errors import ConfigError
from harness.experiment import known_experiments
from harness.target import find_target, load_target

V1 = Path(__file__).parents[2] / "targets" / "v1"


def names(experiment: str | None = None) -> list[str]:
    return [each.name for each in make_plan("v1", experiment, 1, 1).experiments]


def test_by_name_only_is_left_out_of_the_suite_with_its_reason() -> None:
    by_name_only = find_target("v1").by_name_only
    assert "rolling_deploy" in by_name_only
    assert names() == [name for name in known_experiments() if name not in by_name_only]


def test_by_name_it_runs() -> None:
    assert names("rolling_deploy") == ["rolling_deploy"]


def test_several_may_be_named_and_the_command_repeats_them() -> None:
    plan = make_plan("v1", "cache_down, app_crash cache_down", 1, 1)
    assert [each.name for each in plan.experiments] == ["cache_down", "app_crash"]
    assert "EXPERIMENT='cache_down app_crash'" in plan.command
    with pytest.raises(ConfigError, match="'app_crash'"):
        make_plan("v1", "cache_down app_crush", 1, 1)


def test_every_expected_alert_is_one_of_the_rules() -> None:
    rules = (V1.parents[0] / "parts" / "monitoring" / "rules").glob("*.yml")
    known = {
        line.split("alert:")[1].strip() for file in rules for line in file.read_text().splitlines() if "alert:" in line
    }
    expected = {name for alerts in find_target("v3").alerts.values() for name in alerts.expected}
    assert len(known) > 30
    assert expected <= known


def test_an_unknown_name_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    folder = tmp_path / "targets" / "v1"
    shutil.copytree(V1, folder)
    (tmp_path / "docs").mkdir()
    shutil.copy(V1.parents[1] / "docs" / "seed-readme.md", tmp_path / "docs")
    text = (folder / "target.toml").read_text()
    (folder / "target.toml").write_text(text.replace("rolling_deploy =", "roling_deploy ="))
    with pytest.raises(ConfigError, match=r"target\.toml.*by_name_only.*roling_deploy.*'rolling_deploy'"):
        make_plan(f"{folder}/", None, 1, 1)


def test_a_mechanism_that_several_services_share_is_switched_off_in_all_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "v1"
    shutil.copytree(V1, folder)
    text = (folder / "target.toml").read_text()
    (folder / "target.toml").write_text(text.replace('service = "app"', 'service = ["app", "cache"]'))
    without = load_target(folder).without("cache-rest")
    assert without.environment == {"app": {"REDIS_REST_S": "0.001"}, "cache": {"REDIS_REST_S": "0.001"}}
    (folder / "target.toml").write_text(text.replace('service = "app"', 'service = ["app", "cash"]'))
    with pytest.raises(ConfigError, match="'cash', which is not a component"):
        load_target(folder)
