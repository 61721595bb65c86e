"""A stranger's Swarm target with no chaos in it, on a real engine: up on 127.0.0.1, and gone with its swarm."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from harness.engine import marks, plain_stack
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.ports import free_ports
from harness.engine.swarm_mode import GATEWAY
from harness.engine.sweep import find_ours, sweep
from harness.errors import HarnessError, InstrumentError
from harness.target import Target, load_target
from tests.integration.deploying import (
    CAMPAIGN,
    SECRET,
    TINY_SWARM,
    build_images,
    engine_to_ourselves,
    eventually,
    swarm_deployer,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]

BROKEN = '["python3", "-u", "-c", "raise SystemExit(\'no licence found\')"]'


def nothing(line: str) -> None:
    """Nobody listens."""


def inventory(client: docker.DockerClient) -> set[str]:
    """All that lies on the engine, whoever made it (but what a build goes through), and whether it is in a swarm."""
    api: Any = client.api
    found = {c["Id"] for c in api.containers(all=True) if marks.OWNER in c["Labels"] or marks.STACK in c["Labels"]}
    found |= {network["Name"] for network in api.networks()} | {v["Name"] for v in api.volumes()["Volumes"] or []}
    return found | {client.info()["Swarm"]["LocalNodeState"]}


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    build_images(client)
    ensure_images(client, ["provider-sim"], nothing)
    with engine_to_ourselves(client):
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
        yield client
        sweep(client, nothing, CAMPAIGN)
        plain_stack.remove(client, load_target(TINY_SWARM), nothing)
    client.close()


def broken(tmp_path: Path) -> Target:
    """The stranger's stack with an application that ends at once."""
    folder = tmp_path / "broken"
    shutil.copytree(TINY_SWARM, folder)
    text = (folder / "compose.yml").read_text()
    assert text.count('["python3", "-u", "/srv/server.py"]') == 1
    (folder / "compose.yml").write_text(text.replace('["python3", "-u", "/srv/server.py"]', BROKEN))
    return load_target(folder)


def test_it_answers_on_the_port_and_goes_without_a_trace(client: docker.DockerClient) -> None:
    before, target, port = inventory(client), load_target(TINY_SWARM), next(free_ports())
    plain_stack.start(client, target, port, nothing)
    url = f"http://127.0.0.1:{port}"
    said = httpx.get(url, timeout=10, trust_env=False).json()
    assert (said["store"], said["sim"], said["price"]) == (True, True, "5$")
    assert eventually(lambda: len({httpx.get(url, trust_env=False).json()["host"] for _ in range(8)}) == 2)
    api: Any = client.api
    published = [p for c in api.containers() for p in c["Ports"] if p.get("PublicPort") == port]
    assert {p["IP"] for p in published} == {"127.0.0.1"}
    mine = {item.kind for item in find_ours(client, f"{marks.RUN}{target.phase}")}
    assert {"service", "container", "network", "volume", "config"} <= mine
    assert find_ours(client) == [], "no campaign takes it for a leftover"
    with pytest.raises(HarnessError, match="is up already"):
        plain_stack.start(client, target, port, nothing)
    plain_stack.remove(client, target, nothing)
    # Where an engine would not give up the bridge of an earlier swarm of ours, it goes with this one.
    assert inventory(client) in (before, before - {GATEWAY})


def test_a_swarm_that_somebody_uses_by_now_stays(client: docker.DockerClient) -> None:
    before, target, said = inventory(client), load_target(TINY_SWARM), list[str]()
    api: Any = client.api
    plain_stack.start(client, target, next(free_ports()), nothing)
    theirs = api.create_network("somebodys-overlay", driver="overlay", attachable=True)
    try:
        plain_stack.remove(client, target, said.append)
        assert said == ["The swarm stays, because it is in use (network somebodys-overlay)."]
        assert client.info()["Swarm"]["LocalNodeState"] == "active"
    finally:
        api.remove_network(theirs["Id"])
    plain_stack.remove(client, target, nothing)
    # Where an engine would not give up the bridge of an earlier swarm of ours, it goes with this one.
    assert inventory(client) in (before, before - {GATEWAY})


def test_what_does_not_come_up_leaves_its_logs_and_nothing_else(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engine.swarm.SwarmDeployer.default_start_s", 12.0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = inventory(client)
    with pytest.raises(InstrumentError, match=r"(?s)no licence found.*The logs of all its services are in ") as raised:
        plain_stack.start(client, broken(tmp_path), next(free_ports()), nothing)
    folder = Path(str(raised.value).rpartition("services are in ")[2].rstrip("."))
    assert folder.parent.parent == tmp_path
    assert "no licence found" in (folder / "web.log").read_text()
    assert "Ready to accept connections" in (folder / "store.log").read_text()
    assert inventory(client) == before


def test_a_campaigns_stack_that_does_not_come_up_leaves_its_logs_too(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    before, folder = inventory(client), tmp_path / "campaign"
    with pytest.raises(InstrumentError, match=rf"(?s)no licence found.*The logs of all its services are in {folder}/"):
        swarm_deployer(client, folder, start_s=12.0).up(broken(tmp_path), CAMPAIGN, nothing)
    names = {file.name for file in (folder / "logs").iterdir()}
    assert {"web.log", "store.log", "sim.log", "toxiproxy-a.log"} <= names
    assert all(SECRET not in file.read_text() for file in (folder / "logs").iterdir())
    assert inventory(client) == before
    assert find_ours(client) == []
