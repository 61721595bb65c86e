"""Writes gameday.json, report.md and report.html; both reports are a function of the data and the run alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from harness.errors import InstrumentError
from harness.gameday.result import read_day
from harness.report import words
from harness.report.charts import run_chart
from harness.report.write import TEMPLATES as RUN_TEMPLATES
from harness.stored import write_whole
from harness.summary import finite
from harness.wording import percent, trimmed

TEMPLATES = Path(__file__).parent / "templates"
DATA, MARKDOWN, HTML = "gameday.json", "report.md", "report.html"


def conclude_day(folder: Path) -> dict[str, Any]:
    """Report a game day from what lies in its folder; return what `gameday.json` says.

    Raises Unreadable naming what is missing, InstrumentError when there is no room to write.
    """
    found, history = read_day(folder)
    data: dict[str, Any] = finite(found)
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        write_whole(folder / DATA, text)
        write_whole(folder / MARKDOWN, render(data, "gameday.md.j2", ""))
        write_whole(folder / HTML, render(data, "gameday.html.j2", run_chart(history, "c1", in_words(data))))
    except OSError as error:
        raise InstrumentError(f"{folder}: the report cannot be written: {error.strerror}.", "Make room.") from None
    return data


def render(data: dict[str, Any], template: str, chart: str) -> str:
    """Return one of the reports."""
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, RUN_TEMPLATES]),
        autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        words.FILTERS | {"health": health, "times": times, "memory": memory, "growth": growth, "put_off": put_off}
    )
    return environment.get_template(template).render(d=data, chart=chart)


def health(data: dict[str, Any]) -> str:
    """Return in capitals how it ended."""
    return {True: "HEALTHY", False: "NOT HEALTHY", None: "NOT KNOWN"}[data["healthy"]]


def times(value: float | None) -> str:
    """Return a factor: '2.3 times'."""
    return words.NONE if value is None else f"{trimmed(value, 2)} times"


def memory(row: dict[str, Any] | None) -> str:
    """Return the resident memory of a look at the harness: '153 MB'."""
    return words.NONE if row is None else f"{row['rss_kb'] / 1000:.0f} MB"


def growth(kb_per_h: float | None) -> str:
    """Return how fast memory grew: '12 MB an hour'."""
    return "too short to say" if kb_per_h is None else f"{kb_per_h / 1000:.1f} MB an hour"


def put_off(incident: dict[str, Any]) -> str:
    """Return how long an incident waited beyond its time, and for what."""
    if not incident["put_off_because"]:
        return "on time"
    return f"{words.seconds(incident['put_off_s'])} later: {'; '.join(incident['put_off_because'])}"


def in_words(data: dict[str, Any]) -> str:
    """Return the day as a sentence, for those who do not see the picture, and for the terminal."""
    budget = data["budget"]
    spent = words.NONE if budget["spent"] is None else percent(budget["spent"])
    return (
        f"{data['phase']}, {data['lasted_s'] / 60:.1f} minutes: {len(data['incidents'])} incidents struck. It ended "
        f"{data['ended']}, {health(data).lower()}. {words.percentage(data['availability']['value'])} of "
        f"{budget['of']:,} arrivals were good; {spent} of the day's error budget is spent."
    )
