"""Writes `report.md` and `report.html` from a summary and the histories it was made from.

Both are a function of their inputs alone: no clock, no random ids, so that the same campaign gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from harness.history import History
from harness.report import alerts, cost, words
from harness.report.charts import run_chart
from harness.report.series import sparkline
from harness.stored import write_whole

TEMPLATES = Path(__file__).parent / "templates"


def write_reports(folder: Path, summary: dict[str, Any], histories: Sequence[History]) -> None:
    """Write both reports into `folder`. `summary` is what `build_summary` made of `histories`.

    Raises KeyError when a run of the summary has no history.
    """
    write_whole(folder / "report.md", render_markdown(summary, histories))
    write_whole(folder / "report.html", render_html(summary, histories))


def render_markdown(summary: dict[str, Any], histories: Sequence[History]) -> str:
    """Return the Markdown report."""
    lines = {history.record.run: sparkline(history) for history in histories}
    runs = [{**run, "sparkline": lines[run["run"]]} for run in summary["runs"]]
    return _environment().get_template("report.md.j2").render(**_common(summary), runs=runs)


def render_html(summary: dict[str, Any], histories: Sequence[History]) -> str:
    """Return the HTML report: one file that needs nothing else, not even a network."""
    by_run = {history.record.run: history for history in histories}
    runs = []
    for number, run in enumerate(summary["runs"], start=1):
        chart = run_chart(by_run[run["run"]], f"c{number}", words.run_in_words(run))
        runs.append({**run, "chart": chart})
    return _environment().get_template("report.html.j2").render(**_common(summary), runs=runs)


def _common(summary: dict[str, Any]) -> dict[str, Any]:
    claims = summary["claims"]
    return {
        "s": summary,
        "judged": [claim for claim in claims if claim["standing"] != "not testable"],
        "not_testable": [claim for claim in claims if claim["standing"] == "not testable"],
        "tally": Counter(words.verdict_label(claim) for claim in claims),
        "void": [run for run in summary["runs"] if not run["valid"]],
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(words.FILTERS | alerts.FILTERS | cost.FILTERS)
    return environment
