"""The show-room: pages of the architectures and of stored results, on this machine alone and without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from harness.pages import show
from harness.pages.architecture import architecture_page
from harness.pages.generate import diagrams
from harness.pages.language import language_of
from harness.pages.measured import measured_of
from harness.pages.results import find, replay, shown
from harness.stored import Unreadable

OFFERED = ("summary.json", "report.html", "report.md", "manifest.json", "claims.json")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_pages(root: Path, committed: Path | None = None) -> FastAPI:
    """Return the app that shows what lies in `root`, the folder of results. It reads and never writes.

    Of versions that nothing was measured of there, it shows the campaigns below `committed` (`harness.kept`).
    """
    roots = (root, committed) if committed is not None else (root,)
    app = FastAPI(title="Chat SLA test bed", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/", response_class=HTMLResponse)
    def listed(request: Request) -> Response:
        return _page(show.list_page(shown(root, committed), language_of(request)))

    @app.get("/v1/chat/arquitetura", response_class=HTMLResponse)
    def architecture(request: Request) -> Response:
        language, drawn = language_of(request), diagrams()
        return _page(architecture_page(drawn, language, measured_of(drawn, shown(root, committed), language)))

    @app.get("/campaigns/{name}", response_class=HTMLResponse)
    def one(request: Request, name: str) -> Response:
        campaign = find(roots, name)
        if campaign is None:
            return _missing(request)
        return _page(show.campaign_page(campaign, language_of(request)))

    @app.get("/campaigns/{name}/{file}")
    def stored(request: Request, name: str, file: str) -> Response:
        campaign = find(roots, name)
        if campaign is None or file not in OFFERED or not (campaign.folder / file).is_file():
            return _missing(request)
        return FileResponse(campaign.folder / file, headers={"Content-Security-Policy": POLICY})

    @app.get("/compare", response_class=HTMLResponse)
    def two(request: Request, first: str = "", second: str = "") -> Response:
        found = find(roots, first), find(roots, second)
        if found[0] is None or found[1] is None:
            return _missing(request)
        return _page(show.compare_page(found[0], found[1], language_of(request)))

    @app.get("/api/replay/{name}/{run}")
    def again(name: str, run: str) -> Response:
        campaign = find(roots, name)
        if campaign is None:
            return _error(404, f"there is no campaign '{name}'")
        diagram = next((d for d in diagrams() if d.phase == campaign.summary["phase"]), None)
        try:
            return JSONResponse(replay(campaign, run, diagram))
        except KeyError:
            return _error(404, f"there is no run '{run}' in {name}")
        except Unreadable as error:
            return _error(422, error.problem)

    return app


def _page(text: str, status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": POLICY, "Vary": "Accept-Language", "Cache-Control": "no-cache"}
    return HTMLResponse(text, status, headers=headers)


def _missing(request: Request) -> HTMLResponse:
    return _page(show.missing_page(language_of(request)), 404)


def _error(status: int, why: str) -> JSONResponse:
    body: dict[str, Any] = {"error": why}
    return JSONResponse(body, status)
