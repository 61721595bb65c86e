"""The pages of results as text: functions of what is stored and the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import duckdb

from harness.pages.architecture import environment
from harness.pages.measured import number, share
from harness.pages.page_words import page_words
from harness.pages.results import MOST_BARS, Campaign, per_second
from harness.pages.show_words import show_words
from harness.pages.words import Language
from harness.stored import Unreadable


def list_page(stored: Sequence[Campaign], language: Language) -> str:
    """Return the page that lists campaigns."""
    return _render("list.html.j2", language, "list_title", "/?", campaigns=stored)


def missing_page(language: Language) -> str:
    """Return the page for what is not there."""
    return _render("missing.html.j2", language, "missing_title", "/?")


def campaign_page(campaign: Campaign, language: Language) -> str:
    """Return the page of one campaign; its arrivals are counted, never loaded."""
    with duckdb.connect() as database:
        runs = [_row(run, language) | _bars(campaign, run, language, database) for run in campaign.summary["runs"]]
    return _render(
        "campaign.html.j2",
        language,
        "campaign",
        f"/campaigns/{quote(campaign.name)}?",
        title_of=campaign.name,
        name=campaign.name,
        s=campaign.summary,
        runs=runs,
        has_report=(campaign.folder / "report.html").is_file(),
    )


def compare_page(first: Campaign, second: Campaign, language: Language) -> str:
    """Return the page of two campaigns, experiment by experiment."""
    both = (first, second)
    names = sorted({run["experiment"] for campaign in both for run in campaign.summary["runs"]})
    rows = [
        {
            "experiment": name,
            "cells": [[_row(r, language) for r in c.summary["runs"] if r["experiment"] == name] for c in both],
        }
        for name in names
    ]
    address = f"/compare?first={quote(first.name)}&second={quote(second.name)}&"
    return _render("compare.html.j2", language, "compare_title", address, both=both, rows=rows)


def _render(template: str, language: Language, title: str, address: str, title_of: str = "", **values: Any) -> str:
    words = page_words(language) | show_words(language)
    other = "pt" if language == "en" else "en"
    heading = f"{words[title]} {title_of}".strip()
    return (
        environment()
        .get_template(template)
        .render(t=words, lang=language, title=heading, other_address=f"{address}lang={other}", **values)
    )


def _row(run: dict[str, Any], language: Language) -> dict[str, Any]:
    available, durability = run["availability"], run["durability"]
    interval = available and f" ({share(available['low'], language)} – {share(available['high'], language)})"
    return {
        "run": run["run"],
        "valid": run["valid"],
        "arrivals": number(run["scheduled"], language),
        "available": share(available["value"], language) + interval if available else "–",
        "p95": number(run["latency_ms"]["p95"], language) if run["latency_ms"] else "–",
        "lost": "–" if durability is None else number(durability["lost"], language),
        "faults": [f"{f['name']} ({f['aimed_at']})" for f in run["faults"]],
    }


def _bars(
    campaign: Campaign, run: dict[str, Any], language: Language, database: duckdb.DuckDBPyConnection
) -> dict[str, Any]:
    """Heights of the bars in per cent of the busiest stretch."""
    try:
        counts = per_second(campaign.folder / "runs" / run["run"], run["deadline_s"], MOST_BARS, database)
    except Unreadable:
        return {"bars": [], "label": ""}
    most = max((c["good"] + c["bad"] for c in counts), default=1)
    bars = []
    for count in counts:
        good, ill = (round(100 * count[key] / most, 1) for key in ("good", "bad"))
        bars.append({"good": good, "ill": ill, "top": round(100 - good, 1), "ill_top": round(100 - good - ill, 1)})
    totals = {key: number(sum(c[key] for c in counts), language) for key in ("good", "bad")}
    return {"bars": bars, "label": show_words(language)["chart"].format(run=run["run"], **totals)}
