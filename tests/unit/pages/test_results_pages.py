"""The show-room shows what is in the files of results, names them, and stays quick when there is much of it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from harness.pages.language import preferred
from harness.pages.model import diagram_of
from harness.pages.page_words import PAGE
from harness.pages.results import campaigns, newest_of, per_second, shown, struck
from harness.pages.server import create_pages
from harness.pages.show_words import SHOW
from harness.pages.words import LANGUAGES
from harness.target import find_target
from targets.chat.static import preferred as preferred_by_the_api
from tests.fakes.stored_for_pages import store

OLD, NEW = "v1-20261125-010000-aaaa", "v1-20261125-020000-bbbb"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store(tmp_path, OLD)
    store(tmp_path, NEW, started="2026-11-25T02:00:00+00:00", lost_s=7.75)
    (tmp_path / "latest").symlink_to(NEW)
    (tmp_path / "spoilt").mkdir()
    (tmp_path / "spoilt" / "summary.json").write_text("{")
    (tmp_path / "secret.json").write_text("secret")
    return tmp_path


@pytest.fixture
def pages(root: Path) -> TestClient:
    return TestClient(create_pages(root))


def test_campaigns_newest_first_each_once(root: Path) -> None:
    assert [c.name for c in campaigns(root)] == [NEW, OLD]


def test_the_newest_valid_run_speaks(root: Path) -> None:
    store(root, "v1-20261125-030000-cccc", started="2026-11-25T03:00:00+00:00", valid=False)
    store(root, "v2-20261125-040000-dddd", started="2026-11-25T04:00:00+00:00", phase="v2")
    assert {name: campaign.name for name, (campaign, _) in newest_of(campaigns(root), "v1").items()} == {
        "app_crash": NEW
    }


def test_list_and_campaign_in_both_languages(pages: TestClient) -> None:
    english, portuguese = (pages.get("/", params={"lang": lang}).text for lang in LANGUAGES)
    assert "Measured campaigns" in english
    assert "Campanhas medidas" in portuguese
    page = pages.get(f"/campaigns/{NEW}", headers={"Accept-Language": "pt-BR"}).text
    assert "79,51 % (73,25 % – 84,55 %)" in page
    assert f'href="/campaigns/{NEW}/summary.json"' in page
    assert "crash (role app)" in page
    assert "Se cair &lt;b&gt;" in page
    assert "159 boas e 41 ruins" in page
    assert "79.51 % (73.25 % – 84.55 %)" in pages.get(f"/campaigns/{NEW}").text


def test_a_component_says_what_hit_it_with_the_file(pages: TestClient) -> None:
    page = pages.get("/v1/chat/arquitetura").text
    article = re.search(
        r'<section class="version" data-phase="v1".*?<article data-of="app">(.*?)</article>', page, re.S
    )
    assert article is not None
    said = " ".join(article[1].split())
    assert "Available 79.51 % (73.25 % to 84.55 %). Lost 7.8 s of traffic. Recovered 2.5 s after the fault." in said
    assert f'<a href="/campaigns/{NEW}/summary.json">' in said
    assert OLD not in page
    cache = re.search(r'<article data-of="cache">(.*?)</article>', page, re.S)
    assert cache is not None
    assert "No stored experiment of this version hit it." in cache[1]
    assert page.count('class="replay') == 1  # v2 and v3 have no results here, and say so
    assert page.count("No results of this version are stored here yet") == page.count('class="version"') - 1


def test_no_share_is_shown_that_is_in_no_file(pages: TestClient, root: Path) -> None:
    summary = json.loads((root / NEW / "summary.json").read_text())
    known = {f"{100 * value:.2f} %" for value in summary["runs"][0]["availability"].values()}
    page = pages.get("/v1/chat/arquitetura").text
    shown = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page, flags=re.S)
    assert set(re.findall(r"[\d.]+ %", shown)) == known


def test_a_run_is_replayed_from_its_events_and_arrivals(pages: TestClient) -> None:
    played = pages.get(f"/api/replay/{NEW}/01-app_crash-1").json()
    assert played["faults"] == [
        {"name": "crash", "aimed_at": "role app", "on_s": 8.25, "off_s": 12.5, "parts": ["app"]}
    ]
    assert len(played["seconds"]) == 20
    assert played["seconds"][0] == {"t": 0, "good": 10, "bad": 0}
    assert played["seconds"][9] == {"t": 9, "good": 0, "bad": 10}
    assert sum(s["good"] + s["bad"] for s in played["seconds"]) == 200
    assert played["files"][0] == f"{NEW}/runs/01-app_crash-1/arrivals.parquet"


def test_two_campaigns_beside_each_other(pages: TestClient) -> None:
    page = pages.get("/compare", params={"first": OLD, "second": NEW})
    assert page.status_code == 200
    assert page.text.count("<b>79.51 % (73.25 % – 84.55 %)</b>") == 2


@pytest.mark.parametrize(
    "path",
    [
        "/campaigns/nothing",
        "/campaigns/spoilt",
        "/campaigns/..%2f" + NEW,
        f"/campaigns/{NEW}/../secret.json",
        f"/campaigns/{NEW}/runs",
        f"/campaigns/{NEW}/..%2fsecret.json",
        f"/compare?first={NEW}&second=..",
        "/api/replay/nothing/01-app_crash-1",
        f"/api/replay/{NEW}/..",
        f"/api/replay/{NEW}/02-other-1",
    ],
)
def test_what_is_not_there_is_not_found(pages: TestClient, path: str) -> None:
    answer = pages.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_without_results_the_pages_say_so(tmp_path: Path) -> None:
    pages = TestClient(create_pages(tmp_path / "none"))
    assert "make experiment" in pages.get("/").text
    assert pages.get("/v1/chat/arquitetura").status_code == 200


def test_versions_that_were_not_measured_here_are_shown_as_they_came_with_the_code(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed, theirs, of_v2 = tmp_path / "committed", "v1-20261124-010000-cccc", "v2-20261124-010000-dddd"
    monkeypatch.setattr("harness.kept.KEPT", committed)
    store(committed, theirs, started="2026-11-24T01:00:00+00:00")
    store(committed, of_v2, started="2026-11-24T02:00:00+00:00", phase="v2")
    assert [c.name for c in shown(root, committed)] == [NEW, OLD, of_v2]
    pages = TestClient(create_pages(root, committed))
    listed = pages.get("/", params={"lang": "en"}).text
    assert listed.count("came with the code") == 1 and theirs not in listed
    assert pages.get(f"/campaigns/{of_v2}").status_code == 200
    assert pages.get(f"/api/replay/{of_v2}/01-app_crash-1").status_code == 200
    architecture = pages.get("/v1/chat/arquitetura", params={"lang": "en"}).text
    assert f"{of_v2}/summary.json" in architecture and f"{NEW}/summary.json" in architecture


def test_a_run_whose_files_are_gone_is_still_listed(pages: TestClient, root: Path) -> None:
    (root / NEW / "runs" / "01-app_crash-1" / "arrivals.parquet").unlink()
    assert "no stored arrivals" in pages.get(f"/campaigns/{NEW}").text
    assert pages.get(f"/api/replay/{NEW}/01-app_crash-1").status_code == 422


def test_a_million_arrivals_open_in_two_seconds(tmp_path: Path) -> None:
    store(tmp_path, NEW, arrivals=1_000_000)
    pages = TestClient(create_pages(tmp_path))
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        assert "good and" in pages.get(f"/campaigns/{NEW}").text
        took.append(time.perf_counter() - begun)
    assert min(took) < 2.0, took


def test_an_abuser_is_no_user(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect() as database:
        database.execute(
            "copy (select * from (values (0.1, 0.2, true, 'ok', 'users'), (0.2, 0.3, true, 'limited', 'abuser'),"
            " (0.3, 99.0, true, 'ok', 'users'), (-1.0, -0.5, false, 'ok', 'users'))"
            " t(due_s, ended_s, counted, outcome, class)) to '"
            + str(tmp_path / "arrivals.parquet")
            + "' (format parquet)"
        )
    assert per_second(tmp_path, 10.0) == [{"t": 0, "good": 1, "bad": 1}]


@pytest.mark.parametrize(
    ("phase", "aimed_at", "evidence", "parts"),
    [
        ("v1", "role app", ["testbed-v1-app-1: killed"], ["app"]),
        ("v2", "role app", ["testbed-v2_app-a.1: killed"], ["app-a"]),
        ("v2", "primary of role database", ["testbed-v2_database-b-upstream.1: killed"], ["database-b"]),
        (
            "v2",
            "link database",
            ["database-a, before: answered", "database-b, before: answered"],
            ["database-a", "database-b"],
        ),
        ("v2", "link openai", [], ["openai"]),
        ("v2", "role provider", ["openai: 58 of 58 requests"], ["openai"]),
        ("v2", "role provider", [], ["openai"]),
        ("v2", "role cache, zone a", [], ["cache-a"]),
        ("v2", "between zones witness and edge", [], ["edge", "etcd-w", "sentinel-w", "autoscaler", "engine-door"]),
        ("v2", "something new", ["It never struck."], []),
        ("v2", "zone of the primary of role database", ["It never struck."], ["database-a", "database-b"]),
    ],
)
def test_which_components_a_fault_struck(phase: str, aimed_at: str, evidence: list[str], parts: list[str]) -> None:
    assert struck(diagram_of(find_target(phase)), aimed_at, evidence) == parts


def test_every_word_of_the_pages_is_there_in_both_languages() -> None:
    for said in (*PAGE.values(), *SHOW.values()):
        assert set(said) == set(LANGUAGES)
        assert len({tuple(sorted(re.findall(r"{\w+}", text))) for text in said.values()}) == 1, said


@pytest.mark.parametrize(
    "header", ["", "de", "pt", "PT-br", "en;q=0.5, pt;q=0.7", "pt;q=0, en;q=0.1", "pt;q=nan", "pt;q=x"]
)
def test_both_servers_choose_the_same_language(header: str) -> None:
    assert preferred(header) == preferred_by_the_api(header)
