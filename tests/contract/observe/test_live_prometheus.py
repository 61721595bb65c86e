"""A real Prometheus scrapes a campaign while it runs, and ends up with the figures of its summary."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.observe.names import BY_NAME, METRICS, SERIES
from tests.contract.observe.real_prometheus import Prometheus, free_port, running

EVERY_S = 0.25
PATIENCE_S = 120.0
Scraped = tuple[Prometheus, Path, dict[str, Any], str]


def start(results: Path, port: int | str) -> subprocess.Popen[str]:
    """Start a whole campaign without an engine: real load, a real timeline, a fake stack."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.lab", str(results), "judging", "go on"],
        env={**os.environ, "TESTBED_METRICS_PORT": str(port)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def scrape(port: int) -> str:
    """Return what a curious person sees, '' where nobody answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    except httpx.HTTPError:
        return ""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    root, port = tmp_path_factory.mktemp("live"), free_port()
    results, data = root / "results", root / "data"
    results.mkdir()
    config = (
        f"global: {{scrape_interval: {round(EVERY_S * 1000)}ms, scrape_timeout: {round(EVERY_S * 1000)}ms}}\n"
        f"scrape_configs: [{{job_name: harness, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    with running(data, config) as server:
        process, seen = start(results, port), ""
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end:
            seen = max(seen, scrape(port), key=len)
            time.sleep(EVERY_S)
        said, _ = process.communicate(timeout=10)
        assert process.returncode == 0, said
        (campaign,) = results.glob("v1-*")
        yield server, campaign, json.loads((campaign / "summary.json").read_text(encoding="utf-8")), seen


def test_the_last_figures_are_those_of_the_summary(scraped: Scraped) -> None:
    server, campaign, summary, _ = scraped
    (part,) = summary["runs"]
    mine, now_s = f'{{run="{campaign.name}/{part["run"]}"}}', time.time()
    every = server.ask(f"sum by (outcome) (last_over_time(chaos_arrivals_total{mine}[5m]))", now_s)
    outcomes = {dict(labels)["outcome"]: count for labels, count in every.items() if count}
    assert outcomes == part["outcomes"]
    ratio = server.number(f"last_over_time(chaos_availability_ratio{mine}[5m])", now_s)
    assert ratio == part["availability"]["value"]
    verdicts = server.ask("last_over_time(chaos_claim_verdict[5m])", now_s)
    found = {(dict(labels)["claim"], dict(labels)["verdict"]) for labels in verdicts}
    assert found == {(claim["id"], claim["verdict"]) for claim in summary["claims"]}


def test_the_cost_is_that_of_the_summary(scraped: Scraped) -> None:
    server, campaign, summary, _ = scraped
    (part,) = summary["runs"]
    mine, now_s = f'{{run="{campaign.name}/{part["run"]}"}}', time.time()
    for metric, key, label in (("component", "components", "component"), ("harness", "harness", "process")):
        told = server.ask(f"last_over_time(chaos_{metric}_cpu_seconds_total{mine}[5m])", now_s)
        used = {dict(labels)[label]: value for labels, value in told.items()}
        assert used == {one["name"]: pytest.approx(one["cpu_s"], abs=0.002) for one in part["cost"][key]}
    assert used.keys() == {"harness", "generator", "toxiproxy"}


def test_the_fault_is_where_the_events_say(scraped: Scraped) -> None:
    server, campaign, _, _ = scraped
    events = (next((campaign / "runs").iterdir()) / "events.jsonl").read_text(encoding="utf-8").splitlines()
    logged = {event["event"]: event for event in map(json.loads, events)}
    zero_s = datetime.fromisoformat(logged["run_started"]["t0"]).timestamp()
    (samples,) = server.ask('chaos_fault_active{fault="marking",target="role app"}[5m]', time.time()).values()
    on = [at for at, value in samples if value == 1]
    off = next(at for at, value in samples if value == 0 and at > on[-1])
    assert on[0] - zero_s == pytest.approx(logged["fault_on"]["t_s"], abs=1.0)
    assert off - zero_s == pytest.approx(logged["fault_off"]["t_s"], abs=1.0)


def test_it_is_written_down_that_it_was_scraped(scraped: Scraped) -> None:
    _, campaign, _, _ = scraped
    assert json.loads((campaign / "scraped.json").read_text(encoding="utf-8"))["scrapes"] > 4


def test_what_is_served_parses_and_has_our_names_types_and_labels(scraped: Scraped) -> None:
    *_, seen = scraped
    families = {family.name: family for family in text_string_to_metric_families(seen)}
    ours = {metric.family: metric for metric in METRICS}
    assert families.keys() <= ours.keys()
    assert {"chaos_arrivals", "chaos_fault_active", "chaos_arrival_duration_seconds"} <= families.keys()
    for name, family in families.items():
        assert family.type == ours[name].kind
        assert family.documentation == ours[name].help
        for sample in family.samples:
            assert sample.name in SERIES
            assert set(sample.labels) - {"le"} == set(ours[name].labels)
    assert "chaos_arrivals_total" in BY_NAME
    if shutil.which("promtool"):
        lint = ["promtool", "check", "metrics"]
        checked = subprocess.run(lint, input=seen, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_a_port_that_is_taken_costs_a_sentence_and_nothing_else(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, taken.getsockname()[1])
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert said.count("No live metrics") == 1
    assert "Address already in use" in said
    (campaign,) = tmp_path.glob("v1-*")
    assert json.loads((campaign / "summary.json").read_text(encoding="utf-8"))["valid"]
    assert not (campaign / "scraped.json").exists()
