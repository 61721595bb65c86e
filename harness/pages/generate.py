"""`make diagrams`: what is drawn from the targets' files and committed; a test draws it again and compares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.pages.architecture import architecture_page
from harness.pages.model import Diagram, diagram_of
from harness.pages.svg import draw
from harness.pages.words import LANGUAGES
from harness.stored import write_whole
from harness.target import find_target, known_phases

ROOT = Path(__file__).resolve().parents[2]


def diagrams() -> list[Diagram]:
    """Return the diagrams of all targets that there are, in the order of their names."""
    return [diagram_of(find_target(phase)) for phase in known_phases()]


def generated() -> Iterator[tuple[str, str]]:
    """Yield (path in the repository, text) of every committed file that is drawn."""
    drawn = diagrams()
    for diagram in drawn:
        yield f"assets/{diagram.phase}.svg", draw(diagram, "en")
    for language in LANGUAGES:
        yield f"targets/chat/static/arquitetura.{language}.html", architecture_page(drawn, language)


def write_all(root: Path = ROOT) -> list[Path]:
    """Write them all below `root`; return where they are."""
    written = []
    for name, content in generated():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        written.append(path)
    return written
