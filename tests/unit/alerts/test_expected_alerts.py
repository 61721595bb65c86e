"""Which alerts are the right ones, as target.toml says it, and how that reaches the record of a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.asked import asked_for
from harness.campaign import make_plan
from harness.errors import ConfigError
from harness.experiment import load_experiment
from harness.history import read_record, write_record
from harness.target import load_target

V1 = Path(__file__).parents[3] / "targets" / "v1"
PAGER = """
[components.bell]
role = "pager"
zone = "outside"
region = "outside"
control_port = 8081
"""


def folder(tmp_path: Path, text: str) -> Path:
    """v1 with something more in its target.toml."""
    made = tmp_path / "targets" / "v1"
    shutil.copytree(V1, made)
    (tmp_path / "docs").mkdir()
    shutil.copy(V1.parents[1] / "docs" / "seed-readme.md", tmp_path / "docs")
    with (made / "target.toml").open("a") as file:
        file.write(text)
    return made


def record(made: Path, name: str) -> Any:
    return asked_for(load_experiment(name), load_target(made), run="r", repeat=1, seed=1, started="now")


def test_the_right_alerts_are_in_the_record_of_the_experiment_that_they_are_right_for(tmp_path: Path) -> None:
    made = folder(tmp_path, f'{PAGER}\n[alerts.database_crash]\nexpected = ["DatabaseDown", "Burn"]\n')
    assert load_target(made).pagers() == ["bell"]
    assert record(made, "database_crash").alerts_expected == ["DatabaseDown", "Burn"]
    assert record(made, "cache_down").alerts_expected == []


def test_an_unknown_experiment_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    made = folder(tmp_path, f'{PAGER}\n[alerts.databse_crash]\nexpected = ["DatabaseDown"]\n')
    with pytest.raises(ConfigError, match=r"target\.toml: alerts: .*'databse_crash'.*'database_crash'"):
        make_plan(f"{made}/", None, 1, 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[alerts.database_crash]\nexpected = ["DatabaseDown"]\n', "no component with the role 'pager'"),
        (f'{PAGER}\n[alerts.database_crash]\nexpeced = ["A"]\n', "alerts.database_crash.*'expeced' is not known"),
        (f'{PAGER}\n[alerts.database_crash]\nexpected = [""]\n', r"alerts.database_crash.expected\[1\]"),
        (f'{PAGER}\n[alerts.database_crash]\nexpected = "A"\n', "alerts.database_crash.expected"),
        (f"{PAGER}\n[alerts.database_crash]\n", "expected.*is missing"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        load_target(folder(tmp_path, text))


def test_no_right_alert_at_all_may_be_said(tmp_path: Path) -> None:
    made = folder(tmp_path, f"{PAGER}\n[alerts.rolling_deploy]\nexpected = []\n")
    assert load_target(made).expected_alerts("rolling_deploy") == ()


def test_a_record_with_alerts_survives_the_disk(tmp_path: Path) -> None:
    from harness.alerts import Alert, Listening
    from tests.fakes.histories import history

    heard = history(
        alerts=[Alert("Down", "page", {"zone": "a"}, 1.0, 2.0, None)],
        listening=Listening(40.0, ["Slow"], silent=[(1.0, 30.0)]),
        alerts_expected=["Down"],
    ).record
    write_record(tmp_path, heard)
    assert read_record(tmp_path) == heard
    blind = history(alerts=None, listening=Listening(None, [], "why")).record
    write_record(tmp_path, blind)
    assert read_record(tmp_path) == blind
