"""The page of a calibration: `calibration.md` and `calibration.html`, functions of their inputs alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from harness.calibration.result import CalibrationSummary
from harness.history import History
from harness.report.charts import run_chart
from harness.report.series import sparkline
from harness.wording import trimmed

NONE = "–"
REPORT_TEMPLATES = Path(__file__).resolve().parent.parent / "report" / "templates"


def write_pages(folder: Path, summary: CalibrationSummary, histories: Sequence[History]) -> None:
    """Write both pages into `folder`; `histories` are the runs in the summary's order."""
    (folder / "calibration.md").write_text(markdown(summary, histories), encoding="utf-8")
    (folder / "calibration.html").write_text(html(summary, histories), encoding="utf-8")


def markdown(summary: CalibrationSummary, histories: Sequence[History]) -> str:
    """Return the page as Markdown."""
    lines = [sparkline(history) for history in histories]
    return _environment().get_template("calibration.md.j2").render(**_common(summary), lines=lines)


def html(summary: CalibrationSummary, histories: Sequence[History]) -> str:
    """Return the page as one HTML file that needs nothing else."""
    charts = [
        run_chart(history, f"c{number}", f"Availability and latency of the run {history.record.run}.")
        for number, history in enumerate(histories, start=1)
    ]
    return _environment().get_template("calibration.html.j2").render(**_common(summary), charts=charts)


def _common(summary: CalibrationSummary) -> dict[str, Any]:
    biases = [form.bias for form in summary.forms if form.bias is not None]
    return {"s": summary.plain(), "largest": max(biases, key=abs, default=None)}


def share(value: float | None) -> str:
    """Return a share as a percentage with three decimals, so that an error of a thousandth of a point shows."""
    return NONE if value is None else f"{100 * value:.3f} %"


def points(value: float | None) -> str:
    """Return a difference of shares in percentage points, signed."""
    return NONE if value is None else f"{100 * value:+.3f}"


def ms(value: float | None) -> str:
    """Return milliseconds with at most one decimal."""
    return NONE if value is None else f"{trimmed(value, 1)} ms"


def signed_ms(value: float | None) -> str:
    """Return an error in milliseconds, with its sign."""
    return NONE if value is None else f"{value:+.1f} ms"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([Path(__file__).parent / "templates", REPORT_TEMPLATES]),
        autoescape=select_autoescape(("html.j2",), default=False),  # Markdown is not HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(share=share, points=points, ms=ms, signed_ms=signed_ms)
    return environment
