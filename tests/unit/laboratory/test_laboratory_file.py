"""docker-compose.yml is the laboratory: nothing of a target, on loopback only, and nobody's leftover."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness import monitoring
from harness.engine import marks
from harness.engine.images import known_parts
from harness.engine.recover import recover
from harness.engine.residue import dirty
from harness.engine.sweep import find_ours
from harness.observe import laboratory
from harness.observe.live import DEFAULT_PORT
from tests.unit.engine.fake_engine import FakeEngine

ROOT = Path(__file__).resolve().parents[3]
IMPORTED = """
import sys
import harness.pages.serve
print(*{name.partition(".")[0] for name in sys.modules})
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def test_it_needs_no_target(file: dict[str, Any]) -> None:
    assert "include" not in file
    assert file["services"].keys() == {"prometheus", "grafana", "pages"}
    for ours in ("prometheus", "pages"):
        part = file["services"][ours]["image"].removeprefix("testbed/")
        assert part in known_parts()
        assert (ROOT / file["services"][ours]["build"]["dockerfile"]).is_file()
    assert file["services"]["grafana"]["image"] == monitoring.GRAFANA_IMAGE
    assert re.fullmatch(r"grafana/grafana-oss:\d+\.\d+\.\d+", monitoring.GRAFANA_IMAGE)


def test_nobody_but_this_machine_sees_it(file: dict[str, Any]) -> None:
    for service in file["services"].values():
        assert service["network_mode"] == "host"
        assert "ports" not in service
    port = monitoring.PORTS["prometheus"]
    assert f"--web.listen-address=127.0.0.1:{port}" in file["services"]["prometheus"]["command"]
    grafana = file["services"]["grafana"]["environment"]
    assert grafana["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert laboratory.PROMETHEUS.endswith(f":{port}")
    assert laboratory.GRAFANA.endswith(f":{grafana['GF_SERVER_HTTP_PORT']}")


def test_what_it_mounts_is_there_and_read_only(file: dict[str, Any]) -> None:
    mounts = [mount for service in file["services"].values() for mount in service["volumes"] if mount.startswith("./")]
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).is_dir()
        assert mode == "ro"
    pages = file["services"]["pages"]
    assert pages["read_only"] and all(mount.endswith(":ro") for mount in pages["volumes"])
    home = file["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    dashboard = (ROOT / "dashboards" / "generated" / Path(home).name).read_text(encoding="utf-8")
    assert f'"uid": "{laboratory.HOME}"' in dashboard


def test_data_sources_lead_to_it(file: dict[str, Any]) -> None:
    hosts = {line.partition(":")[0] for line in file["services"]["grafana"]["extra_hosts"]}
    provisioned = (ROOT / "dashboards/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"url: http://([^:/]+):", provisioned))
    assert asked <= hosts
    assert "http://prometheus:9090" in provisioned


def test_prometheus_watches_the_harness() -> None:
    config = yaml.safe_load((ROOT / "dashboards/prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "harness"
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{DEFAULT_PORT}"]}]
    assert config["global"]["scrape_interval"] == "1s"


def test_the_pages_need_no_more_than_their_image_has() -> None:
    """What the group `pages` of uv.lock installs is all that importing them may need."""
    exported = subprocess.run(
        [sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    text = (ROOT / "uv.lock").read_text(encoding="utf-8")
    locked = {package["name"]: package for package in tomllib.loads(text)["package"]}
    groups = locked["chat-sla-testbed"]["dev-dependencies"]
    wanted, open_ = set[str](), [one["name"] for one in groups["pages"]]
    while open_:
        name = open_.pop()
        if name not in wanted:
            wanted.add(name)
            open_ += [one["name"] for one in locked[name].get("dependencies", [])]
    distributions = metadata.packages_distributions()
    needed = {normal(distributions[module][0]) for module in exported if module in distributions}
    assert "duckdb" in needed
    assert needed - {"chat-sla-testbed", "sniffio"} <= wanted  # anyio takes sniffio only where it happens to be


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_takes_the_configuration() -> None:
    command = ["promtool", "check", "config", str(ROOT / "dashboards/prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1 rule files found" in done.stdout


def test_no_audit_and_no_recover_touches_it(file: dict[str, Any], tmp_path: Path) -> None:
    engine: Any = FakeEngine()
    for name, service in file["services"].items():
        engine.add("container", name, service["labels"])
    engine.add("volume", "grafana", file["volumes"]["grafana"]["labels"])
    assert dirty(engine, tmp_path) == []
    assert find_ours(engine) == []
    assert recover(engine, lambda _: None, state=tmp_path, lock_folder=tmp_path) == []
    assert engine.names("container") == {"prometheus", "grafana", "pages"}
    assert {item.name for item in find_ours(engine, monitoring.CAMPAIGN)} == {"prometheus", "grafana", "pages"}
    assert monitoring.CAMPAIGN.startswith(marks.RUN)
