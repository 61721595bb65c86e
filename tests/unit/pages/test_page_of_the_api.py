"""Every version's API serves the page of the architectures, as it was drawn, in the language that is asked for."""

from __future__ import annotations

import importlib
import re

import pytest
from fastapi.testclient import TestClient

from harness.pages.generate import generated
from harness.target import known_phases
from targets.chat.static import preferred

PATH = "/v1/chat/arquitetura"
PAGES = {name.split(".")[-2]: text for name, text in generated() if name.endswith(".html")}


@pytest.fixture(params=known_phases())
def api(request: pytest.FixtureRequest) -> TestClient:
    """The app, not started: the page needs no database."""
    return TestClient(importlib.import_module(f"targets.{request.param}.app").app)


def test_it_is_served_in_both_languages(api: TestClient) -> None:
    assert api.get(PATH).text == PAGES["en"]
    assert api.get(PATH, params={"lang": "pt"}).text == PAGES["pt"]
    assert api.get(PATH, headers={"Accept-Language": "pt-BR,pt;q=0.9,en;q=0.8"}).text == PAGES["pt"]
    assert api.get(PATH, params={"lang": "en"}, headers={"Accept-Language": "pt"}).text == PAGES["en"]
    assert api.get(PATH, params={"lang": "<x>"}).text == PAGES["en"]


def test_it_may_be_kept_and_may_load_nothing(api: TestClient) -> None:
    answer = api.get(PATH, params={"lang": "pt"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == "pt-BR"
    assert answer.headers["vary"] == "Accept-Language"
    assert "public" in answer.headers["cache-control"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "en"),
        ("pt", "pt"),
        ("PT-br", "pt"),
        ("en;q=0.5, pt;q=0.7", "pt"),
        ("pt;q=0, en;q=0.1", "en"),
        ("pt;q=x, de", "en"),
        ("pt;q=nan", "en"),
        ("en,pt", "en"),
    ],
)
def test_the_language_that_a_browser_prefers(header: str, language: str) -> None:
    assert preferred(header) == language


@pytest.mark.parametrize("language", PAGES)
def test_it_holds_all_versions_needs_no_network_and_says_where_results_are(language: str) -> None:
    page = PAGES[language]
    for phase in known_phases():
        assert f'data-phase="{phase}"' in page
    assert "make pages" in page
    assert 'class="replay' not in page
    assert not re.search(r'(?:src|href)="(?!\?lang=|#)', page)
    shown = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page, flags=re.S)
    assert "%" not in shown  # no share of anything: that would be a result
