"""Writes comparison.json, report.md and report.html; both reports are a function of the data alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from harness.compare import words
from harness.compare.seed import ASPECTS
from harness.report.write import TEMPLATES as RUN_TEMPLATES
from harness.stored import write_whole

TEMPLATES = Path(__file__).parent / "templates"
DATA, MARKDOWN, HTML = "comparison.json", "report.md", "report.html"


def write_comparison(folder: Path, data: dict[str, Any]) -> Path:
    """Write all three files; return the path of the HTML report."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / DATA, text)
    write_whole(folder / MARKDOWN, render(data, "comparison.md.j2"))
    write_whole(folder / HTML, render(data, "comparison.html.j2"))
    return folder / HTML


def render(data: dict[str, Any], template: str) -> str:
    """Return one of the reports."""
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, RUN_TEMPLATES]),
        autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(words.FILTERS)
    return environment.get_template(template).render(
        d=data,
        phases=[phase["phase"] for phase in data["phases"]],
        aspects=ASPECTS,
        tally={phase["phase"]: _tally(data, phase["phase"]) for phase in data["phases"]},
    )


def _tally(data: dict[str, Any], phase: str) -> dict[str, int]:
    """How many cells of a phase have which label, and how many are no better than those of the version before."""
    cells = [row["cells"][phase] for row in data["experiments"]]
    found = Counter(cell["label"] for cell in cells)
    return {label: found[label] for label in words.MARKS if found[label]}
