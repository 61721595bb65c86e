"""What Prometheus' and Alertmanager's own tools say of the rules, their tests and the rendered configurations."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.monitoring.tools import PART, run

WATCHED = {
    "EDGES": "edge",
    "BALANCERS": "lb-a lb-b",
    "APPS": "app-a app-b",
    "GATEWAYS": "documents-a-peer",
    "DATABASES": "database-a-peer database-b-peer",
    "DATABASE_NODES": "database-a-peer",
    "ETCDS": "etcd-a etcd-b etcd-c",
    "CACHES": "cache-a-peer",
    "SENTINELS": "sentinel-a",
    "AUTOSCALERS": "autoscaler",
}


def render(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], "MONITORING_ETC": str(PART), "MONITORING_LIB": str(PART), **environment}
    command = ["sh", str(PART / "entrypoint.sh"), "render", str(folder)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=20, check=False)


def scraped(folder: Path) -> dict[str, Any]:
    jobs = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    return {job["job_name"]: job for job in jobs}


@pytest.mark.parametrize("path", sorted(PART.glob("rules/*.yml")), ids=lambda path: path.name)
def test_the_rules_are_right(path: Path) -> None:
    said = run("promtool", "check", "rules", str(path))
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("path", sorted(PART.glob("tests/*.test.yml")), ids=lambda path: path.name)
def test_every_alert_fires_when_it_must_and_only_then(path: Path) -> None:
    said = run("promtool", "test", "rules", str(path))
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("watched", [WATCHED, {}, {"APPS": "app-a-east app-a-west", "REGIONS": "east west"}])
def test_what_is_rendered_is_a_configuration(tmp_path: Path, watched: dict[str, str]) -> None:
    tmp_path.chmod(0o755)
    assert render(tmp_path, **watched).returncode == 0
    for program, command in (("promtool", "check config prometheus.yml"), ("amtool", "check-config alertmanager.yml")):
        said = run(program, *command.split(), folder=tmp_path)
        assert said.returncode == 0, said.stdout + said.stderr


def test_a_component_is_called_by_its_name_and_knows_its_place(tmp_path: Path) -> None:
    render(
        tmp_path, REGIONS="east west", DATABASES="database-a-west-peer", EDGES="edge-west", ETCDS="third=10.0.0.9:99"
    )
    jobs = scraped(tmp_path)
    assert jobs["database"]["static_configs"] == [
        {
            "targets": ["database-a-west-peer:8008"],
            "labels": {"component": "database-a-west", "region": "west", "zone": "a"},
        }
    ]
    assert jobs["edge"]["static_configs"][0]["labels"] == {"component": "edge-west", "region": "west"}
    assert jobs["consensus"]["static_configs"] == [
        {"targets": ["10.0.0.9:99"], "labels": {"component": "third", "region": "east"}}
    ]


def test_every_address_of_an_app_is_an_instance(tmp_path: Path) -> None:
    render(tmp_path, APPS="app-a", SCRAPE_S="5")
    job = scraped(tmp_path)["app/app-a"]
    assert job["dns_sd_configs"] == [{"names": ["app-a"], "type": "A", "port": 8000, "refresh_interval": "5s"}]
    labels = {each["target_label"]: each["replacement"] for each in job["relabel_configs"]}
    assert labels == {"job": "app", "component": "app-a", "region": "home", "zone": "a"}


def test_the_pager_is_where_the_environment_says(tmp_path: Path) -> None:
    render(tmp_path, PAGER_URL="https://calls.example/a", HEARTBEAT_URL="https://calls.example/b")
    receivers = yaml.safe_load((tmp_path / "alertmanager.yml").read_text(encoding="utf-8"))["receivers"]
    assert [each["webhook_configs"][0]["url"] for each in receivers] == [
        "https://calls.example/a",
        "https://calls.example/b",
    ]


def test_an_objective_without_rules_is_refused(tmp_path: Path) -> None:
    said = render(tmp_path, OBJECTIVE="99.5")
    assert said.returncode == 2
    assert "burn-rate-99.5-scale-30.yml" in said.stderr
