"""Which calibration covers a campaign."""

import json

import pytest

from harness.calibration import coverage
from harness.campaign_record import Calibration, read_campaign, write_campaign
from harness.report.write import render_markdown
from harness.summary import build_summary
from tests.fakes.histories import campaign, history


def stored(results, name, **changes):
    versions, machine = coverage.here()
    summary = {
        "schema": 1, "when": "2026-11-23T03:00:00+00:00", "rate": 100.0, "valid": True, "script": None,
        "versions": versions, "machine": machine, **changes,
    }  # fmt: skip
    folder = results / coverage.FOLDER / name
    folder.mkdir(parents=True)
    (folder / coverage.SUMMARY).write_text(json.dumps(summary))


def test_none_where_there_is_none(tmp_path):
    assert coverage.covering(tmp_path, 20) is None


def test_the_newest_that_fits_covers_and_an_invalid_one_says_so(tmp_path):
    stored(tmp_path, "old")
    stored(tmp_path, "new", when="2026-11-23T04:00:00+00:00", valid=False)
    found = coverage.covering(tmp_path, 100)
    assert found == Calibration("calibration/new/calibration.json", "2026-11-23T04:00:00+00:00", 100.0, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": 99.0},
        {"script": "mine.toml"},
        {"machine": {"cores": "64"}},
        {"versions": {"python": "2.7"}},
        {"schema": 2},
        {"when": None, "versions": None},
    ],
)
def test_another_machine_other_packages_a_lower_rate_or_a_script_do_not_cover(tmp_path, changes):
    stored(tmp_path, "one", **changes)
    assert coverage.covering(tmp_path, 100) is None


def test_a_spoilt_file_is_no_calibration(tmp_path):
    stored(tmp_path, "one")
    (tmp_path / coverage.FOLDER / "one" / coverage.SUMMARY).write_text('{"schema": 1')
    assert coverage.covering(tmp_path, 100) is None


def test_a_changed_instrument_is_another_one(tmp_path):
    for name in ("harness/load", "harness/checks", "harness/calibration"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.py").write_text("x = 1\n")
    for name in ("clock", "arrivals", "history", "stats", "summary"):
        (tmp_path / "harness" / f"{name}.py").write_text("")
    before, _ = coverage.here(tmp_path)
    (tmp_path / "harness" / "load" / "a.py").write_text("x = 2\n")
    after, _ = coverage.here(tmp_path)
    assert before["instrument"] != after["instrument"]
    assert {**before, "instrument": ""} == {**after, "instrument": ""}


def test_a_campaign_names_the_calibration_that_covers_it(tmp_path):
    found = Calibration("calibration/new/calibration.json", "2026-11-23T04:00:00+00:00", 100.0, False)
    write_campaign(tmp_path, campaign(calibration=found))
    assert read_campaign(tmp_path).calibration == found
    summary = build_summary(read_campaign(tmp_path), [history()], [])
    assert summary["calibration"] == vars(found)
    assert "| Calibration | NOT VALID, 2026-11-23 04:00:00 UTC, at 100/s |" in render_markdown(summary, [history()])
    without = build_summary(campaign(), [history()], [])
    assert without["calibration"] is None
    assert "none covers it" in render_markdown(without, [history()])
