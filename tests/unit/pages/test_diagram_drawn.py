"""The committed pictures are what the targets' files give today; nothing in them overlaps, falls out or is hidden."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import pytest

from harness.pages.generate import ROOT, generated
from harness.pages.layout import Rect, lay_out
from harness.pages.model import Diagram, diagram_of
from harness.pages.svg import draw
from harness.pages.words import LANGUAGES, ROLES, TEXTS, Language
from harness.target import find_target, known_phases

PHASES = known_phases()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=PHASES)
def diagram(request: pytest.FixtureRequest) -> Diagram:
    return diagram_of(find_target(request.param))


@pytest.mark.parametrize("name", [name for name, _ in generated()])
def test_what_is_committed_is_what_is_drawn(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == dict(generated())[name], "`make diagrams` draws it anew"


def test_nothing_is_drawn_of_a_target_that_is_not_there() -> None:
    assert sorted(path.stem for path in (ROOT / "assets").glob("v*.svg")) == PHASES


def test_boxes_lie_inside_the_picture_and_beside_each_other(diagram: Diagram) -> None:
    layout = lay_out(diagram)
    assert set(layout.boxes) == {box.name for box in diagram.boxes}
    for a, b in combinations(layout.boxes.values(), 2):
        assert a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y
    for a, b in combinations(layout.frames.values(), 2):
        assert a.x + a.w <= b.x or b.x + b.w <= a.x or a.y + a.h <= b.y or b.y + b.h <= a.y
    for box in diagram.boxes:
        assert within(layout.boxes[box.name], layout.frames[(box.region, box.zone)])
    for frame in layout.frames.values():
        assert within(frame, Rect(0, 0, layout.width, layout.height))


def within(inner: Rect, outer: Rect) -> bool:
    right, bottom = inner.x + inner.w <= outer.x + outer.w, inner.y + inner.h <= outer.y + outer.h
    return inner.x >= outer.x and inner.y >= outer.y and right and bottom


def test_every_edge_is_one_line(diagram: Diagram) -> None:
    drawn = [line.edge for line in lay_out(diagram).lines]
    assert drawn == list(diagram.edges)
    assert lay_out(diagram) == lay_out(diagram)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_picture_is_well_formed_and_says_all_in_words(diagram: Diagram, language: Language) -> None:
    text = draw(diagram, language)
    root = ET.fromstring(text)
    assert root.find(f"{SVG}title") is not None
    said = root.findtext(f"{SVG}desc", "")
    assert str(len(diagram.boxes)) in said
    assert root.get("role") == "img"
    names = {t.text for t in root.iter(f"{SVG}text")}
    parts = {g.get("data-part"): g for g in root.iter(f"{SVG}g")}
    target = find_target(diagram.phase)
    assert set(target.components) == set(parts)
    assert set(target.components) <= names
    for link in target.links:
        assert link.name in parts[link.to].get("data-links", "").split()
        assert f"{link.protocol} {link.port}" in "".join(parts[link.to].itertext())
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_on_a_page_boxes_are_buttons_with_names(diagram: Diagram) -> None:
    root = ET.fromstring(draw(diagram, "en", interactive=True))
    assert root.get("role") == "group"
    buttons = [g for g in root.iter(f"{SVG}g") if g.get("role") == "button"]
    assert len(buttons) == len(diagram.boxes)
    assert len({b.get("aria-label") for b in buttons}) == len(buttons)
    assert all(b.get("tabindex") == "0" for b in buttons)


def test_every_word_is_there_in_both_languages() -> None:
    for entry in (*ROLES.values(), *TEXTS.values()):
        assert set(entry) == set(LANGUAGES)
    for values in TEXTS.values():
        assert len({tuple(sorted(re.findall(r"{\w+}", said))) for said in values.values()}) == 1, values
    roles = {box.role for phase in PHASES for box in diagram_of(find_target(phase)).boxes}
    assert roles <= set(ROLES)
