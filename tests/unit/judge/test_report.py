"""Reports: complete, offline, the same bytes again, and small however many arrivals there were."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.claims import Claims
from harness.history import History, Outcome
from harness.judge import judge
from harness.report import words, write_reports
from harness.report.series import MOST_BINS, MOST_POINTS, binned, points, sparkline
from harness.summary import build_summary
from tests.fakes.histories import Trouble, campaign, claim, fault, history

NOTHING: dict[str, Any] = {"experiment": None, "check": None, "at_most": None}
CLAIMS = (
    claim(),
    claim(id="later", quote="Não aguenta", untested_because="No experiment yet.", **NOTHING),
    claim(id="cost", quote="<100 & | $150", not_testable_because="Bills do not occur here.", **NOTHING),
)


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(value) for key, value in attrs if key in ("href", "src", "xlink:href")]


@pytest.fixture(scope="module")
def runs() -> list[History]:
    return [
        history(),
        history(Trouble(8, 21), experiment="database_crash", faults=[fault(aimed_at="role <database>")]),
        history(
            Trouble(5, 9), experiment="late", faults=[fault(on_s=None, status="missing")], void_because=["it was late"]
        ),
    ]


@pytest.fixture(scope="module")
def written(runs: list[History], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("report")
    write_reports(folder, summarised(runs), runs)
    return (folder / "report.md").read_text(encoding="utf-8"), (folder / "report.html").read_text(encoding="utf-8")


def summarised(runs: list[History]) -> dict[str, Any]:
    verdicts = judge(Claims(schema=1, source="seed.md", claims=CLAIMS), runs)
    record = campaign(left_out={"zone_down": "it has one zone only"}, void_because=("the engine died",))
    return build_summary(record, runs, verdicts)


def test_both_say_what_was_claimed_measured_and_why(written: tuple[str, str]) -> None:
    for text in written:
        for wanted in ("tudo para", "HELD", "UNTESTED", "Bills do not occur here.", "database_crash-1", "at most 5 %"):
            assert wanted in text
        for wanted in ("make experiment PHASE=v1 SEED=7", "77594a0", "missing", "http_error"):
            assert wanted in text
        assert "VOID" in text
        for wanted in ("it was late", "zone_down was left out", "it has one zone only.", "the engine died."):
            assert wanted in text


def test_the_page_needs_nothing_from_outside(written: tuple[str, str]) -> None:
    page = Page(written[1])
    assert all(link.startswith("#") for link in page.links)
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "img", "object")]
    assert not re.search(r"@import|url\((?!#)", written[1])


def test_ids_are_unique_and_links_lead_somewhere(written: tuple[str, str]) -> None:
    page = Page(written[1])
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", written[1])) <= set(page.ids)


def test_the_page_is_accessible(written: tuple[str, str]) -> None:
    page = Page(written[1])
    assert ("html", {"lang": "en"}) in page.tags
    pictures = [found for tag, found in page.tags if tag == "svg"]
    assert len(pictures) == 3
    assert all(found["role"] == "img" and found["aria-label"] for found in pictures)
    assert all("scope" in found for tag, found in page.tags if tag == "th")
    assert re.search(r"8 s to 20 s: lost 12\.\d+ s", str(pictures[1]["aria-label"]))


def test_text_of_others_is_escaped(written: tuple[str, str]) -> None:
    markdown, page = written
    assert "&lt;100 &amp; | $150" in page
    assert "role &lt;database&gt;" in page
    assert "role <database>" not in page
    assert "<100 & \\| $150" in markdown


def test_the_same_campaign_gives_the_same_bytes(written: tuple[str, str], runs: list[History], tmp_path: Path) -> None:
    write_reports(tmp_path, summarised(runs), runs)
    assert ((tmp_path / "report.md").read_text(), (tmp_path / "report.html").read_text()) == written


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head(written: tuple[str, str]) -> None:
    width = 0
    for line in written[0].splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        width = width or cells
        assert cells == width, line


def test_an_unknown_run_is_an_error(runs: list[History], tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_reports(tmp_path, summarised(runs), runs[:1])


def test_a_campaign_without_runs_and_claims_still_gives_a_report(tmp_path: Path) -> None:
    write_reports(tmp_path, build_summary(campaign(runs=()), [], []), [])
    assert "There is no claim." in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_million_arrivals_stay_small(tmp_path: Path) -> None:
    big = history(Trouble(400, 450), rate=1000, duration_s=1000)
    assert len(big.arrivals) > 1_000_000
    write_reports(tmp_path, summarised([big]), [big])
    assert (tmp_path / "report.html").stat().st_size < 400_000


def test_bins_hold_every_arrival_and_break_where_nobody_was_served() -> None:
    run = history(Trouble(8, 21), duration_s=37.5, rate=20)
    bins = binned(run)
    assert sum(each.total for each in bins) == len(run.counted())
    assert (bins[0].start_s, bins[-1].end_s) == (0.0, 37.5)
    assert (bins[10].share, bins[10].p50_s) == (0.0, None)
    assert bins[30].share == 1.0


def test_long_runs_get_wider_bins_and_fewer_points() -> None:
    run = history(duration_s=2000, rate=5)
    assert len(binned(run)) <= MOST_BINS
    assert len(points(run)) <= MOST_POINTS


def test_the_sparkline_shows_the_outage_and_the_fault() -> None:
    line, marks, width_s = sparkline(history(Trouble(8, 21), faults=[fault()]))
    assert width_s == 1.0
    assert line == "█" * 8 + "▁" * 13 + "█" * 17
    assert marks == " " * 8 + "^" * 12


def test_a_second_without_arrivals_is_blank() -> None:
    run = history(Trouble(10, 12, Outcome.LIMITED))
    assert sparkline(run)[0][10:12] == "  "


@pytest.mark.parametrize(
    ("changes", "recovery", "mitigation"),
    [
        ({}, "after 2 s", "never while it was on"),
        ({"recovered_after_s": 0.0, "mitigated_after_s": 3.0, "mitigation_censored": False}, "at once", "after 3 s"),
        ({"recovery_censored": True}, "not within the 18 s that were watched", "never while it was on"),
        (
            {"recovery_censored": True, "watched_s": 0.0},
            "not watched: the fault lasted to the end of the run",
            "never while it was on",
        ),
        ({"first_harm_s": None}, "after 2 s", "nothing to mitigate"),
        ({"lost_s": None}, "–", "–"),
    ],
)
def test_the_anatomy_in_words(changes: dict[str, Any], recovery: str, mitigation: str) -> None:
    part = {
        "first_harm_s": 0.1,
        "lost_s": 14.0,
        "mitigated_after_s": None,
        "mitigation_censored": True,
        "recovered_after_s": 2.0,
        "recovery_censored": False,
        "watched_s": 18.0,
    }
    part.update(changes)
    assert words.recovery(part) == recovery
    assert words.mitigation(part) == mitigation


def test_arrivals_after_the_last_edge_are_kept() -> None:
    run = history(duration_s=10, rate=20)
    run.arrivals.due_s[-1] = 10.0
    assert sum(each.total for each in binned(replace(run))) == 200
