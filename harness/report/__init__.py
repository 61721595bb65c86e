"""From histories and verdicts to what people read: `report.md` for terminals and GitHub, `report.html` for the rest."""

from harness.report.write import write_reports

__all__ = ["write_reports"]
