"""`monitoring` without what no registry gives, and what a campaign does where the laboratory is up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import monitoring
from harness.errors import HarnessError
from harness.observe import laboratory
from harness.observe.backfill import Filled
from harness.observe.scraped import note_scrapes


@contextmanager
def answering(pages: dict[str, str]) -> Iterator[str]:
    """A server that has these pages and no others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_ours_is_told_from_anybody_elses() -> None:
    config = "/api/v1/status/config"
    home = f"/api/dashboards/uid/{laboratory.HOME}"
    with answering({config: json.dumps({"data": {"yaml": "- job_name: harness\n"}}), home: laboratory.HOME}) as url:
        assert laboratory.prometheus_is_up(url)
        assert laboratory.grafana_is_up(url)
    with answering({config: json.dumps({"data": {"yaml": "- job_name: node\n"}})}) as url:
        assert not laboratory.prometheus_is_up(url)
        assert not laboratory.grafana_is_up(url)
    assert not laboratory.prometheus_is_up("http://127.0.0.1:1")


def test_annotations_are_written_as_admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(laboratory.PASSWORD, raising=False)
    assert laboratory.grafana_for_us() == "http://admin:admin@127.0.0.1:3000"
    monkeypatch.setenv(laboratory.PASSWORD, "other")
    assert laboratory.grafana_for_us() == "http://admin:other@127.0.0.1:3000"


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The laboratory is up; what is back-filled is noted."""
    into: list[Path] = []

    def backfill(folder: Path, data: Path) -> Filled:
        into.append(data)
        return Filled("filled", there=True)

    monkeypatch.delenv(laboratory.DATA, raising=False)
    monkeypatch.setattr(laboratory, "prometheus_is_up", lambda: True)
    monkeypatch.setattr(laboratory, "grafana_is_up", lambda: False)
    monkeypatch.setattr(laboratory, "backfill", backfill)
    return into


def seen(folder: Path) -> list[str]:
    said: list[str] = []
    laboratory.see_to(folder, said.append)
    return said


def campaign(root: Path, *, scrapes: int) -> Path:
    (root / "v1-x").mkdir()
    note_scrapes(root / "v1-x", scrapes)
    return root / "v1-x"


def test_what_was_scraped_is_there(tmp_path: Path, filled: list[Path]) -> None:
    assert seen(campaign(tmp_path, scrapes=40)) == [f"series:     {laboratory.PROMETHEUS}"]
    assert filled == []


def test_what_nobody_scraped_is_back_filled(tmp_path: Path, filled: list[Path]) -> None:
    (tmp_path / "prometheus" / "wal").mkdir(parents=True)
    assert seen(campaign(tmp_path, scrapes=0))[0] == "filled"
    assert filled == [tmp_path / "prometheus"]


def test_another_prometheus_directory_is_left_alone(tmp_path: Path, filled: list[Path]) -> None:
    (said,) = seen(campaign(tmp_path, scrapes=0))
    assert "does not have this campaign" in said
    assert "`make observe` tries again" in said
    assert filled == []


def test_without_a_laboratory_nothing_is_said(
    tmp_path: Path, filled: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laboratory, "prometheus_is_up", lambda: False)
    assert seen(campaign(tmp_path, scrapes=0)) == []
    assert filled == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """An engine without Grafana's image and without a registry; what Compose is asked is noted."""
    asked: list[list[str]] = []
    monkeypatch.setattr(monitoring, "ensure_images", lambda *_: {})
    monkeypatch.setattr(monitoring, "find_image", lambda *_: None)
    monkeypatch.setattr(monitoring, "why_silent", lambda registry: f"{registry} does not answer")
    monkeypatch.setattr(monitoring, "find_ours", lambda *_: [])
    monkeypatch.setattr(monitoring, "can_bind", lambda _: True)
    monkeypatch.setattr(monitoring, "data_directory", lambda: tmp_path / "data")
    monkeypatch.setattr(monitoring, "compose", lambda arguments, settings: asked.append([*arguments, *settings]))
    monkeypatch.setattr(monitoring, "RESULTS", tmp_path / "results")
    for answers in ("prometheus_is_up", "pages_are_up"):
        monkeypatch.setattr(laboratory, answers, lambda: True)
    return asked


def test_without_a_registry_grafana_is_left_out_with_one_sentence(started: list[list[str]], tmp_path: Path) -> None:
    client: Any = SimpleNamespace()
    said: list[str] = []
    monitoring.start(client, said.append)
    (about,) = [line for line in said if "left out" in line]
    assert "registry-1.docker.io does not answer" in about
    assert any(laboratory.PROMETHEUS in line for line in said)
    assert any(f"{laboratory.PAGES}/v1/chat/arquitetura" in line for line in said)
    assert not any(laboratory.GRAFANA in line for line in said)
    (asked,) = started
    assert {"prometheus", "pages"} <= set(asked)
    assert "grafana" not in asked
    assert (tmp_path / "data").is_dir() and (tmp_path / "results").is_dir()


def test_with_its_image_grafana_is_there(started: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = SimpleNamespace()
    monkeypatch.setattr(monitoring, "find_image", lambda *_: object())
    monkeypatch.setattr(laboratory, "grafana_is_up", lambda: True)
    said: list[str] = []
    monitoring.start(client, said.append)
    assert "grafana" in started[0]
    assert any(laboratory.GRAFANA in line for line in said)


def test_a_port_that_is_taken_is_named(started: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = SimpleNamespace()
    monkeypatch.setattr(monitoring, "can_bind", lambda port: port != 9090)
    with pytest.raises(HarnessError, match="Port 9090"):
        monitoring.start(client, lambda _: None)
    assert started == []
