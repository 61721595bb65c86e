"""The architecture page: a function of the diagrams and, on the pages of the test bed, of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from harness.pages.layout import OUTSIDE
from harness.pages.model import Box, Diagram
from harness.pages.page_words import page_words
from harness.pages.single import Standing, standings
from harness.pages.svg import draw
from harness.pages.words import Language, role_name, role_says, text

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Measured:
    """What is stored of one phase: by component what struck it (`hits`), and the runs that can be replayed."""

    hits: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    runs: Sequence[Mapping[str, str]] = ()


def environment() -> Environment:
    """Return the templates' environment: HTML is escaped, and an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def architecture_page(
    diagrams: Sequence[Diagram], language: Language, measured: Mapping[str, Measured] | None = None
) -> str:
    """Return the page. Without `measured` (by phase) it is the one that the API serves, and has no results in it."""
    versions = [_version(d, language, (measured or {}).get(d.phase, Measured())) for d in diagrams]
    return (
        environment()
        .get_template("architecture.html.j2")
        .render(
            t=page_words(language),
            lang=language,
            other="pt" if language == "en" else "en",
            results=measured is not None,
            versions=versions,
        )
    )


def _version(diagram: Diagram, language: Language, measured: Measured) -> dict[str, Any]:
    standing = standings(diagram)
    return {
        "phase": diagram.phase,
        "title": diagram.title,
        "svg": Markup(draw(diagram, language, interactive=True)),  # noqa: S704 (made by us, every word escaped)
        "runs": measured.runs,
        "parts": [
            _part(diagram, box, standing[box.name], language) | {"hits": measured.hits.get(box.name, ())}
            for box in diagram.boxes
        ],
    }


def _part(diagram: Diagram, box: Box, standing: Standing, language: Language) -> dict[str, Any]:
    place = f"{text('zone', language)} {box.zone}, {text('region', language)} {box.region}"
    return {
        "name": box.name,
        "role": role_name(box.role, language),
        "says": role_says(box.role, language),
        "place": text("outside", language) if box.region == OUTSIDE else place,
        "replicas": box.replicas,
        "stateful": box.stateful,
        "networks": ", ".join(box.networks),
        "links": ", ".join(f"{door.name} ({door.protocol} {door.port})" for door in box.doors),
        "speaks_to": ", ".join(e.target for e in diagram.edges if e.source == box.name),
        "spoken_to_by": ", ".join(e.source for e in diagram.edges if e.target == box.name),
        "behind": _behind(box, standing, page_words(language)),
        "single": _single(standing, page_words(language)),
    }


def _behind(box: Box, standing: Standing, words: Mapping[str, str]) -> str:
    said = [words["behind_replicas"]] if box.replicas > 1 else []
    said += [words["behind_others"].format(names=", ".join(standing.others))] if standing.others else []
    return " ".join(said) or words["behind_nothing"]


def _single(standing: Standing, words: Mapping[str, str]) -> str:
    if not standing.single:
        return words["single_no"]
    if not standing.on_the_way:
        return words["single_aside"]
    said = [words["single_alone"]] if standing.alone else []
    said += [words["single_path"].format(names=", ".join(standing.only_path))] if standing.only_path else []
    return " ".join(said)
