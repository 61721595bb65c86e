"""The pages in a real browser: by keyboard, on a phone, without a network, in both languages; axe finds nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from harness.pages.server import create_pages
from harness.target import known_phases
from targets.v2.app import app as api
from tests.fakes.stored_for_pages import store

CHROMIUM = Path("/usr/bin/chromium")
CAMPAIGN = "v1-20261125-020000-bbbb"
ARCHITECTURE = "/v1/chat/arquitetura"
PATIENCE_MS = 60_000

pytestmark = pytest.mark.skipif(not CHROMIUM.is_file(), reason=f"there is no Chromium at {CHROMIUM}")


def serve(app: FastAPI) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture(scope="module")
def show_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("results")
    store(root, CAMPAIGN)
    store(root, "v1-20261125-010000-aaaa", started="2026-11-24T00:00:00+00:00")
    yield from serve(create_pages(root))


@pytest.fixture(scope="module")
def the_api() -> Iterator[str]:
    yield from serve(api)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser: Browser, address: str, *, width: int = 1280, locale: str = "en-GB", scheme: str = "light") -> Page:
    """A page whose every request to elsewhere is refused, and whose every error fails the test when it is closed."""
    dark = "dark" if scheme == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=locale, color_scheme=dark)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    elsewhere: list[str] = []
    here = "/".join(address.split("/")[:3])
    page.on("request", lambda request: None if request.url.startswith(here) else elsewhere.append(request.url))
    page.on("pageerror", lambda error: elsewhere.append(str(error)))
    page.goto(address)
    assert elsewhere == []
    return page


def axe_finds(page: Page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {node['html'][:160]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    [
        f"{ARCHITECTURE}?lang=en#v1",
        f"{ARCHITECTURE}?lang=pt#all",
        "/?lang=pt",
        f"/campaigns/{CAMPAIGN}?lang=en",
        f"/compare?first={CAMPAIGN}&second=v1-20261125-010000-aaaa",
        "/campaigns/nothing",
    ],
)
def test_axe_finds_nothing(browser: Browser, show_room: str, path: str, scheme: str) -> None:
    page = opened(browser, show_room + path, scheme=scheme)
    if "v1" in path.partition("#")[2]:
        page.locator(".version[data-phase=v1] [data-part=app]").click()
    assert axe_finds(page) == []
    page.context.close()


def test_axe_finds_nothing_on_the_page_of_the_api(browser: Browser, the_api: str) -> None:
    for width in (1280, 390):
        page = opened(browser, f"{the_api}{ARCHITECTURE}#v2", width=width, locale="pt-BR")
        assert page.locator("html").get_attribute("lang") == "pt-BR"
        page.locator(".version[data-phase=v2] [data-part=app-a]").click()
        assert axe_finds(page) == []
        page.context.close()


@pytest.mark.parametrize(
    "path", [f"{ARCHITECTURE}#v3", f"{ARCHITECTURE}#all", "/", f"/campaigns/{CAMPAIGN}", "/compare?first=x&second=y"]
)
def test_a_phone_is_wide_enough(browser: Browser, show_room: str, path: str) -> None:
    page = opened(browser, show_room + path, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_by_keyboard_alone(browser: Browser, the_api: str) -> None:
    page = opened(browser, the_api + ARCHITECTURE)
    reached: list[str] = []
    for _ in range(30):
        page.keyboard.press("Tab")
        part = page.evaluate("document.activeElement.dataset.part || ''")
        reached += [part] if part else []
        if part == "database":
            break
    assert reached[0] == "app"
    assert reached[-1] == "database"
    focused = page.locator(".version[data-phase=v1] [data-part=database]")
    outline = "getComputedStyle(document.activeElement.querySelector('.d-box')).strokeWidth"
    assert page.evaluate(outline) == "5px"
    page.keyboard.press("Enter")
    assert focused.get_attribute("aria-pressed") == "true"
    article = page.locator(".version[data-phase=v1] article[data-of=database]")
    assert article.is_visible()
    assert "it is the only one of its role" in article.inner_text()
    assert page.locator(".version[data-phase=v1] article:visible").count() == 1
    page.keyboard.press("Escape")
    assert not article.is_visible()
    page.keyboard.press("Space")
    assert article.is_visible()
    page.context.close()


def test_versions_one_at_a_time_or_side_by_side(browser: Browser, the_api: str) -> None:
    page = opened(browser, the_api + ARCHITECTURE)
    assert page.locator(".version:visible").count() == 1
    page.get_by_label("v3", exact=False).first.check()
    assert page.locator(".version:visible").get_attribute("data-phase") == "v3"
    assert page.url.endswith("#v3")
    page.get_by_label("all, side by side").check()
    tops = page.locator(".version:visible").evaluate_all("all => all.map(v => v.getBoundingClientRect().top)")
    assert len(tops) == len(known_phases())
    assert len(set(tops)) == 1
    page.context.close()


def test_a_run_is_seen_again(browser: Browser, show_room: str) -> None:
    page = opened(browser, show_room + ARCHITECTURE + "?lang=en")
    version = page.locator(".version[data-phase=v1]")
    said = version.locator(".said")
    version.locator("select").dispatch_event("change")
    said.filter(has_text="Second 0: 10 of 10 requests answered well; no fault.").wait_for()
    version.get_by_role("button", name="Play").click()
    said.filter(has_text="Second 19: 10 of 10 requests answered well; no fault.").wait_for()  # it plays to the end
    slider = version.locator(".when")

    def at(second: int) -> tuple[str, bool]:
        slider.evaluate("(e, s) => { e.value = s; e.dispatchEvent(new Event('input')); }", second)
        line = version.locator("path[data-to=database]").evaluate("e => getComputedStyle(e).stroke")
        return line, "d-hit" in (version.locator("[data-part=app]").get_attribute("class") or "")

    calm, struck = at(2), at(10)
    assert said.inner_text() == "Second 10: 0 of 10 requests answered well; crash (role app)."
    after = at(18)
    assert not calm[1]
    assert struck[1]
    assert not after[1]
    assert calm[0] == after[0] != struck[0]
    page.context.close()


def test_without_a_network_the_page_of_the_api_still_works(browser: Browser) -> None:
    page_file = Path(__file__).resolve().parents[3] / "targets" / "chat" / "static" / "arquitetura.pt.html"
    context = browser.new_context(offline=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(page_file.as_uri() + "#v2")
    page.locator(".version[data-phase=v2] [data-part=edge]").click()
    assert "as requisições não chegam" in page.locator(".version[data-phase=v2] article[data-of=edge]").inner_text()
    context.close()


def test_without_scripts_everything_can_be_read(browser: Browser, the_api: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(the_api + ARCHITECTURE)
    assert page.locator(".version:visible").count() == len(known_phases())
    assert page.locator("article:visible").count() == page.locator("article").count()
    context.close()
