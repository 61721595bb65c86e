"""The report of a migration: `report.md` and `report.html`, functions of their inputs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from harness.history import History
from harness.migration.result import MigrationSummary
from harness.report.charts import run_chart
from harness.report.series import sparkline

NONE = "–"
REPORT_TEMPLATES = Path(__file__).resolve().parent.parent / "report" / "templates"
BADGES = {"HELD": "✔ HELD", "REFUTED": "✖ REFUTED", "INCONCLUSIVE": "? INCONCLUSIVE"}


def write_pages(folder: Path, summary: MigrationSummary, history: History) -> None:
    """Write both pages into `folder`."""
    (folder / "report.md").write_text(markdown(summary, history), encoding="utf-8")
    (folder / "report.html").write_text(html(summary, history), encoding="utf-8")


def markdown(summary: MigrationSummary, history: History) -> str:
    """Return the report as Markdown."""
    return _environment().get_template("migration.md.j2").render(s=summary.plain(), lines=sparkline(history))


def html(summary: MigrationSummary, history: History) -> str:
    """Return the report as one HTML file that needs nothing else."""
    chart = run_chart(history, "m", "Availability and latency; shaded: writes stopped.")
    return _environment().get_template("migration.html.j2").render(s=summary.plain(), chart=chart, badges=BADGES)


def share(part: dict[str, Any]) -> str:
    """Return a share as a percentage with its 95 % interval."""
    if part["value"] is None:
        return NONE
    return f"{100 * part['value']:.2f} % ({100 * part['low']:.2f} to {100 * part['high']:.2f})"


def seconds(value: float | None) -> str:
    """Return seconds with two decimals."""
    return NONE if value is None else f"{value:.2f} s"


def ms(value: float | None) -> str:
    """Return whole milliseconds."""
    return NONE if value is None else f"{value:.0f} ms"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", REPORT_TEMPLATES]),
        autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(share=share, seconds=seconds, ms=ms)
    return environment
