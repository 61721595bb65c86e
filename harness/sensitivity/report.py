"""`results/sensitivity/<phase>.json` and `.md`: what the loss of each mechanism changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.judge import ClaimVerdict
from harness.provenance import git_state
from harness.sensitivity.compare import Finding, Watched
from harness.summary import finite


@dataclass(frozen=True)
class Report:
    """One sensitivity test. `folders` are campaigns by the mechanism they ran without ('': with all of them).

    `void` says by mechanism why its campaign is not valid; nothing in it means that all of them are.
    """

    phase: str
    started: datetime
    command: str
    seed: int
    repeats: int
    folders: Mapping[str, Path]
    void: Mapping[str, str]
    findings: tuple[Finding, ...]


def write_report(folder: Path, report: Report) -> Path:
    """Write both files, each whole or not at all; return the Markdown file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(finite(as_data(report)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    for ending, text in (("json", data), ("md", as_markdown(report))):
        temporary = folder / f".{report.phase}.{ending}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / f"{report.phase}.{ending}")
    return folder / f"{report.phase}.md"


def as_data(report: Report) -> dict[str, Any]:
    """Return the report as what `json.dumps` takes; docs/sensitivity.md says what each key means."""
    git = git_state()
    return {
        "schema": 1,
        "phase": report.phase,
        "started": report.started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": {"sha": git.sha, "dirty": git.dirty},
        "command": report.command,
        "seed": report.seed,
        "repeats": report.repeats,
        "valid": not report.void,
        "void_because": dict(report.void),
        "campaign": report.folders[""].name,
        "mechanisms": [_mechanism(finding, report.folders[finding.name].name) for finding in report.findings],
    }


def as_markdown(report: Report) -> str:
    """Return the report for people."""
    lines = [
        f"# What shows when {report.phase} loses a mechanism",
        "",
        f"`{report.command}`, {report.started:%Y-%m-%d %H:%M} UTC. Each mechanism was switched off by its environment, "
        "alone, and the experiment that should notice was run with it and without it. A change is one where the two "
        "95 % intervals do not meet. *Untested* means that nothing measured here got worse: a red light that never "
        "comes on proves nothing.",
        "",
        "| mechanism | result | experiment |",
        "|---|---|---|",
    ]
    lines += [f"| {each.name} | **{each.status}** | {each.mechanism.experiment} |" for each in report.findings]
    for finding in report.findings:
        switch = ", ".join(f"`{key}={value}`" for key, value in finding.mechanism.env.items())
        lines += ["", f"## {finding.name}: {finding.status}", "", f"{finding.mechanism.description} Off: {switch}.", ""]
        lines += [finding.because, "", "| what is measured | with it | without it | change |", "|---|---|---|---|"]
        lines += [_row(each) for each in finding.watched]
    if report.void:
        lines += ["", "## Not valid", "", *(f"- {name}: {why}" for name, why in report.void.items())]
    return "\n".join(lines) + "\n"


def _row(each: Watched) -> str:
    return f"| {_cell(each.says)} | {_judged(each.kept)} | {_judged(each.lost)} | {each.change} |"


def _judged(judged: ClaimVerdict) -> str:
    return f"{judged.verdict.value}: {_cell(judged.measured or judged.because)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _mechanism(finding: Finding, campaign: str) -> dict[str, Any]:
    mechanism = finding.mechanism
    return {
        "name": finding.name,
        "description": mechanism.description,
        "service": mechanism.service,
        "env": dict(mechanism.env),
        "experiment": mechanism.experiment,
        "status": finding.status,
        "because": finding.because,
        "campaign": campaign,
        "watched": [
            {
                "id": each.id,
                "says": each.says,
                "expected": each.expected,
                "with": _figures(each.kept),
                "without": _figures(each.lost),
                "change": each.change,
            }
            for each in finding.watched
        ],
    }


def _figures(judged: ClaimVerdict) -> dict[str, Any]:
    measured = judged.measurement
    figures = (
        {key: getattr(measured, key) for key in ("value", "low", "high", "unit", "count", "of")} if measured else {}
    )
    return {"verdict": judged.verdict.value, "text": judged.measured, "because": judged.because, **figures}
