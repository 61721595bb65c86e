"""The results folder before anything starts: not writable, in the way, or full: exit 1 and one line."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import campaign
from harness.campaign import make_plan, new_folder, run_campaign
from harness.errors import HarnessError
from harness.live import LiveView


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(say: object) -> None:
        raise AssertionError("the engine was asked for")

    monkeypatch.setattr(campaign, "ensure_engine", started)


def refused(root: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        run_campaign(make_plan("v1", "control", 1, 1), root, LiveView("v1", 1))
    assert str(root) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    assert "cannot be written" in refused(tmp_path / "results")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A folder that is mounted read-only."""
    place = tmp_path / "results"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", str(place)], check=False)
    if done.returncode != 0:
        pytest.skip("only root may mount, and not everywhere")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_read_only_file_system(mounted: Path) -> None:
    assert "Read-only file system" in refused(mounted)
    assert list(mounted.iterdir()) == []


def test_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=499 * 2**20))
    assert "523 MB are free. Free at least 500 MB." in refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_campaign_that_cannot_begin_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(say: object) -> None:
        raise HarnessError("There is no engine.", "Install one.")

    monkeypatch.setattr(campaign, "ensure_engine", none)
    with pytest.raises(HarnessError, match="no engine"):
        run_campaign(make_plan("v1", "control", 1, 1), tmp_path, LiveView("v1", 1))
    assert list(tmp_path.iterdir()) == []
    assert new_folder(tmp_path, "v1", campaign.datetime.now()).is_dir()
