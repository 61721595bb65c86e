"""Building: only what changed, with the build's own words when it fails, and nothing left lying about."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from harness.engine import images
from harness.engine.images import INPUTS_LABEL, ensure_images, sweep
from harness.errors import HarnessError


class Image:
    """An image of the fake engine."""

    def __init__(self, identity: str, labels: dict[str, str], tags: list[str]) -> None:
        self.id, self.labels, self.tags = f"sha256:{identity}", labels, tags


class Engine:
    """Builds (each build is one image with two steps), tags, lists and removes, as far as images.py asks it to."""

    def __init__(self) -> None:
        self.images = self.api = self
        self.all: list[Image] = []
        self.builds = 0
        self.events: list[dict[str, str]] | None = None
        self.in_use: set[str] = set()

    def get(self, tag: str) -> Image:
        for image in self.all:
            if tag in image.tags:
                return image
        raise images.ImageNotFound("no such image")

    def build(self, *, tag: str, labels: dict[str, str], **_: Any) -> Iterator[dict[str, str]]:
        self.builds += 1
        if self.events is not None:
            yield from self.events
            return
        for image in self.all:
            image.tags = [other for other in image.tags if other != tag]
        part = tag.removeprefix("testbed/").removesuffix(":latest")
        identity, stage = (sha256(f"{kind} {self.builds}".encode()).hexdigest() for kind in ("image", "stage"))
        marks = {"testbed.part": part}
        self.all += [Image(stage, marks, []), Image(identity, {**marks, **labels}, [tag])]
        yield {"stream": "Step 1/2 : FROM base"}
        yield {"stream": f" ---> {stage[:12]}\n"}
        yield {"stream": f" ---> {identity[:12]}\nSuccessfully built {identity[:12]}\n"}

    def list(self, *, filters: dict[str, Any]) -> list[Image]:
        key, _, value = filters["label"].partition("=")
        return [image for image in self.all if not image.tags and image.labels.get(key) == value]

    def remove_image(self, identity: str) -> None:
        if identity in self.in_use:
            raise images.APIError("conflict", response=type("R", (), {"status_code": 409, "reason": "", "url": ""})())
        self.all = [image for image in self.all if image.id != identity]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("box", "jar"):
        folder = tmp_path / "targets" / "parts" / part
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(f"FROM x\nCOPY targets/parts/{part}/file /f\n")
        (folder / "file").write_text("1")
    (tmp_path / "targets" / "parts" / "base").mkdir()
    monkeypatch.setattr(images, "ensure_base", lambda client, log: "sha256:base")
    return tmp_path


def quiet(line: str) -> None:
    """Log nothing."""


def test_it_is_built_once_and_then_only_when_an_input_changes(repository: Path) -> None:
    engine = Engine()
    first = ensure_images(engine, ["box", "jar", "box"], quiet, repository)
    assert set(first) == {"box", "jar"}
    assert engine.builds == 2
    assert ensure_images(engine, ["box", "jar"], pytest.fail, repository) == first
    assert engine.builds == 2
    (repository / "targets/parts/jar/file").write_text("2")
    second = ensure_images(engine, ["box", "jar"], quiet, repository)
    assert engine.builds == 3
    assert second["box"] == first["box"]
    assert second["jar"] != first["jar"]


def test_another_base_rebuilds_everything(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    ensure_images(engine, ["box", "jar"], quiet, repository)
    monkeypatch.setattr(images, "ensure_base", lambda client, log: "sha256:newer")
    ensure_images(engine, ["box", "jar"], quiet, repository)
    assert engine.builds == 4


def test_an_image_that_someone_else_built_under_the_tag_is_replaced(repository: Path) -> None:
    engine = Engine()
    engine.all.append(Image("f" * 64, {"testbed.part": "box"}, ["testbed/box:latest"]))
    ensure_images(engine, ["box"], quiet, repository)
    assert engine.get("testbed/box:latest").labels[INPUTS_LABEL]
    assert "sha256:" + "f" * 64 not in {image.id for image in engine.all}


def test_nothing_piles_up_and_other_parts_keep_theirs(repository: Path) -> None:
    engine = Engine()
    ensure_images(engine, ["box", "jar"], quiet, repository)
    for content in "abcde":
        (repository / "targets/parts/box/file").write_text(content)
        ensure_images(engine, ["box", "jar"], quiet, repository)
    assert len(engine.all) == 4  # of each part the image and its inner stage, which is the cache of the next build


def test_an_image_in_use_stays_until_it_is_free(repository: Path) -> None:
    engine = Engine()
    old = ensure_images(engine, ["box"], quiet, repository)["box"]
    engine.in_use.add(old)
    (repository / "targets/parts/box/file").write_text("2")
    new = ensure_images(engine, ["box"], quiet, repository)["box"]
    assert {old, new} <= {image.id for image in engine.all}
    engine.in_use.clear()
    assert sweep(engine, "box", keep=[new[7:19]]) != []
    assert old not in {image.id for image in engine.all}


def test_a_failed_build_says_why_with_its_last_lines_and_keeps_the_old_image(repository: Path) -> None:
    engine = Engine()
    old = ensure_images(engine, ["box"], quiet, repository)["box"]
    (repository / "targets/parts/box/file").write_text("2")
    engine.events = [{"stream": f"line {number}\n"} for number in range(100)]
    engine.events.append({"error": "The command '/bin/sh -c false' returned a non-zero code: 1"})
    with pytest.raises(HarnessError) as caught:
        ensure_images(engine, ["box"], quiet, repository)
    text = str(caught.value)
    assert "testbed/box:latest could not be built: The command '/bin/sh -c false'" in text
    assert "line 99" in text
    assert "line 5\n" not in text
    assert "Correct targets/parts/box/Dockerfile" in text
    assert engine.get("testbed/box:latest").id == old


def test_an_unknown_name_lists_the_known_ones_before_anything_happens(repository: Path) -> None:
    engine = Engine()
    with pytest.raises(HarnessError, match=r"no image 'bix'.*Did you mean 'box'.*Known: box, jar"):
        ensure_images(engine, ["jar", "bix"], pytest.fail, repository)
    assert engine.builds == 0


def test_the_official_image_is_not_asked_for_while_ours_is_up_to_date(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(images.OFFICIAL, "box", "ghcr.io/maker/box:1")
    monkeypatch.setattr(images, "why_silent", lambda registry: f"{registry} does not answer")
    engine, lines = Engine(), []
    ensure_images(engine, ["box"], lines.append, repository)
    assert lines[0] == "ghcr.io does not answer: box is built here from its source."
    monkeypatch.setattr(images, "why_silent", lambda registry: pytest.fail("the registry was asked again"))
    ensure_images(engine, ["box"], pytest.fail, repository)
    assert engine.builds == 1
