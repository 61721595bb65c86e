"""`harness judge`: the same bytes from the stored record alone, and one message where the record is spoilt."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import conclusion, rescue
from harness.claims import Claims
from harness.conclusion import conclude, rejudge
from harness.errors import HarnessError, InstrumentError
from tests.fakes.histories import Trouble, claim, fault, history
from tests.fakes.stored import stored_campaign

CLAIMS = Claims(schema=1, source="gone.md", claims=(claim(),))
FILES = ("manifest.json", "claims.json", "runs/database_crash-1/run.json", "runs/database_crash-1/arrivals.parquet")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crashed = history(Trouble(8, 20), experiment="database_crash", faults=[fault()], duration_s=30)
    folder = stored_campaign(tmp_path_factory.mktemp("results") / "v1-then", CLAIMS, [crashed], phase="v-gone")
    conclude(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "moved"))


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("summary.json", "report.md", "report.html")]


def test_a_moved_campaign_of_a_phase_that_is_gone_gives_the_same_bytes(original: Path, folder: Path) -> None:
    for name in ("summary.json", "report.md", "report.html"):
        (folder / name).unlink()
    summary = rejudge(folder)
    assert summary["claims"][0]["verdict"] == "HELD"
    assert outputs(folder) == outputs(original)


def test_the_stored_claims_count_and_not_those_of_the_repository(folder: Path) -> None:
    stored = json.loads((folder / "claims.json").read_text())
    stored["claims"][0]["at_most"] = None
    stored["claims"][0]["at_least"] = 0.99
    (folder / "claims.json").write_text(json.dumps(stored))
    assert rejudge(folder)["claims"][0]["verdict"] == "REFUTED"


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOIL: dict[str, Callable[[Path], Any]] = {
    "missing": Path.unlink,
    "cut off": half,
    "empty": lambda path: path.write_bytes(b""),
    "other bytes": lambda path: path.write_bytes(b"\xff\x00 no"),
    "other content": lambda path: path.write_text('{"schema": 1}'),
    "a folder": a_folder,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", SPOIL)
def test_a_spoilt_file_is_named_in_one_line(folder: Path, name: str, how: str) -> None:
    written = outputs(folder)
    SPOIL[how](folder / name)
    with pytest.raises(HarnessError) as caught:
        rejudge(folder)
    assert str(folder / name) in str(caught.value) or (name == "manifest.json" and name in str(caught.value))
    assert "\n" not in str(caught.value)
    assert outputs(folder) == written, "the last good reports stay"


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [at, *(place for key, part in inner for place in places(part, (*at, key)))][:400]


odd = st.sampled_from(
    [None, True, -1, 0, 10**30, -0.5, 1e308, "", "x", "\x00", "../..", [], {}, [None], {"a": 1}, [[]]]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_stands_in_the_record_it_is_judged_or_refused(original: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES[:3]))
    whole = (original / name).read_text()
    content = json.loads(whole)
    place = data.draw(st.sampled_from(places(content)[1:]))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if data.draw(st.booleans()):
        del inner[place[-1]]
    else:
        inner[place[-1]] = data.draw(odd)
    before = outputs(original)
    try:
        (original / name).write_text(json.dumps(content))
        rejudge(original)
    except HarnessError as error:
        assert str(original) in str(error)
    finally:
        (original / name).write_text(whole)
        for output, old in zip(("summary.json", "report.md", "report.html"), before, strict=True):
            (original / output).write_bytes(old)


def test_a_campaign_that_goes_on_is_left_alone(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "finished": None}))
    rescue.mark_at_work(folder)
    with pytest.raises(HarnessError, match="has not ended yet"):
        rejudge(folder)


def test_a_campaign_whose_harness_is_gone_is_finished_and_decides_nothing(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "finished": None}))
    summary = rejudge(folder)
    assert summary["valid"] is False and "was killed" in summary["void_because"][0]
    assert summary["claims"][0]["verdict"] == "INCONCLUSIVE"
    assert "Up to then: The whole 95 % interval" in summary["claims"][0]["because"]


def test_no_room_for_the_reports_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(conclusion, "write_reports", full)
    with pytest.raises(InstrumentError, match=r"No space left on device\. Make room, then `harness judge"):
        rejudge(folder)
