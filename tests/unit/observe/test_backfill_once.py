"""A campaign is in a data directory once, whatever was cut off or changed in between."""

from __future__ import annotations

import itertools
import json
import os
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from harness.errors import HarnessError, InstrumentError
from harness.observe import backfill as subject
from harness.observe.backfill import Filled, backfill
from harness.observe.command import put_there
from harness.observe.scraped import note_scrapes
from harness.stored import Unreadable
from tests.fakes.observed import CAMPAIGN, observed_campaign


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return observed_campaign(tmp_path_factory.mktemp("results"))[0]


@pytest.fixture(autouse=True)
def _promtool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes two blocks of any text that has an end, as promtool does of one that crosses an even hour."""
    numbers = itertools.count(1)

    def create(text: Path, blocks: Path) -> None:
        assert text.read_text(encoding="utf-8").endswith("# EOF\n")
        for _ in range(2):
            block = blocks / f"BLOCK{next(numbers):021d}"
            (block / "chunks").mkdir(parents=True)
            (block / "meta.json").write_text("{}", encoding="utf-8")

    monkeypatch.setattr(subject, "create_blocks", create)


def blocks(data: Path) -> list[str]:
    return sorted(path.name for path in data.glob("BLOCK*"))


def test_the_second_time_nothing_is_done(campaign: Path, tmp_path: Path) -> None:
    assert backfill(campaign, tmp_path).there
    first = blocks(tmp_path)
    assert len(first) == 2
    assert backfill(campaign, tmp_path) == Filled(f"{CAMPAIGN}: already there.", there=True)
    assert blocks(tmp_path) == first
    assert not (tmp_path / "harness" / "new").exists()


def judged_anew(campaign: Path) -> None:
    summary = campaign / "summary.json"
    summary.write_text(summary.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def test_one_that_was_judged_anew_takes_its_old_place(tmp_path: Path) -> None:
    campaign, _ = observed_campaign(tmp_path / "results")
    data = tmp_path / "data"
    backfill(campaign, data)
    first = blocks(data)
    judged_anew(campaign)
    assert "already" not in backfill(campaign, data).sentence
    assert len(blocks(data)) == 2
    assert not set(first) & set(blocks(data))


def test_what_prometheus_has_merged_is_left_alone(tmp_path: Path) -> None:
    campaign, _ = observed_campaign(tmp_path / "results")
    data = tmp_path / "data"
    backfill(campaign, data)
    (data / blocks(data)[0]).rename(data / "BLOCKMERGED")
    judged_anew(campaign)
    done = backfill(campaign, data)
    assert done.there
    assert "merged" in done.sentence
    assert len(blocks(data)) == 2


@pytest.mark.parametrize("moved", [0, 1])
def test_one_that_was_cut_off_is_undone_first(
    campaign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    real, count = Path.rename, itertools.count()

    def killed(self: Path, target: Path) -> Path:
        if self.name.startswith("BLOCK") and next(count) >= moved:
            raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            backfill(campaign, tmp_path)
    assert len(blocks(tmp_path)) == moved
    orphans = set(blocks(tmp_path))
    assert "already" not in backfill(campaign, tmp_path).sentence
    assert len(blocks(tmp_path)) == 2
    assert not orphans & set(blocks(tmp_path))


def test_without_promtool_what_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign, _ = observed_campaign(tmp_path / "results")
    data = tmp_path / "data"
    backfill(campaign, data)
    first = blocks(data)
    judged_anew(campaign)

    def fails(text: Path, made: Path) -> None:
        raise InstrumentError("promtool could not make blocks: no.")

    monkeypatch.setattr(subject, "create_blocks", fails)
    with pytest.raises(InstrumentError):
        backfill(campaign, data)
    assert blocks(data) == first
    assert json.loads((data / "harness" / f"{CAMPAIGN}.json").read_text(encoding="utf-8"))["blocks"] == first


def test_what_a_prometheus_scraped_while_it_ran_is_there_already(tmp_path: Path) -> None:
    campaign, _ = observed_campaign(tmp_path / "results")
    note_scrapes(campaign, 0)
    assert not (campaign / "scraped.json").exists()
    note_scrapes(campaign, 41)
    done = backfill(campaign, tmp_path / "data")
    assert not done.there
    assert "41 times" in done.sentence
    assert backfill(campaign, tmp_path / "data", again=True).there


def test_two_at_a_time_do_not_meet(campaign: Path, tmp_path: Path) -> None:
    (tmp_path / "harness").mkdir()
    with (tmp_path / "harness" / "lock").open("w", encoding="utf-8") as lock:
        flock(lock, LOCK_EX)
        with pytest.raises(HarnessError, match="another back-fill"):
            backfill(campaign, tmp_path)


def test_blocks_are_marked_as_beside_those_of_prometheus(campaign: Path, tmp_path: Path) -> None:
    backfill(campaign, tmp_path)
    for block in blocks(tmp_path):
        meta = json.loads((tmp_path / block / "meta.json").read_text(encoding="utf-8"))
        assert meta["compaction"]["hints"] == ["from-out-of-order"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_what_root_made_belongs_to_the_owner_of_the_directory(campaign: Path, tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    backfill(campaign, tmp_path)
    made = [path for block in blocks(tmp_path) for path in (tmp_path / block, *(tmp_path / block).rglob("*"))]
    assert made
    assert {path.stat().st_uid for path in made} == {65534}


def test_of_many_one_that_is_spoilt_is_said_and_passed_over(campaign: Path, tmp_path: Path) -> None:
    spoilt, _ = observed_campaign(tmp_path / "results", name="v1-spoilt")
    (spoilt / "summary.json").unlink()
    said: list[str] = []
    put_there([spoilt, campaign], tmp_path / "data", said.append)
    assert said[0].startswith("v1-spoilt: left out.") and "not judged" in said[0]
    assert said[1].startswith(CAMPAIGN)
    with pytest.raises(Unreadable):
        put_there([spoilt], tmp_path / "data", said.append)
