"""What becomes of the swarm: a stranger's is left as it was, and one of ours goes even after kill -9."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.recover import recover
from harness.engine.residue import dirty, residue, snapshot
from harness.engine.sweep import find_ours
from harness.errors import InstrumentError
from harness.target import load_target
from tests.integration.deploying import CAMPAIGN, TINY_SWARM, build_images, engine_to_ourselves, swarm_deployer

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HARNESS = """
import sys
from pathlib import Path
from harness.engine.host import connect
from harness.engine.journal import Journal
from harness.target import load_target
from tests.integration.deploying import TINY_SWARM, swarm_deployer

state, die_while = Path(sys.argv[1]), sys.argv[2]
journal = Journal.begin(state, campaign="killed", phase="tiny-swarm", project="testbed-tiny-swarm", results=state)

def say(word):
    if word == die_while:
        sys.stdout.write(word + "\\n")
        sys.stdout.flush()
        sys.stdin.read()

def started(what, pid):
    journal.process_started(what, pid)
    if what == "docker stack deploy":
        say("starting")

deployer = swarm_deployer(connect(), state, started=started, about_to_make=journal.swarm_begun)
stack = deployer.up(load_target(TINY_SWARM), "killed", lambda line: None)
journal.fault_on("crash", "zone a")
for component in ("store", "helper"):
    stack.holds.hold(component)
stack.containers("web")[0].pause()
say("up")
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    build_images(client)
    ensure_images(client, ["provider-sim"], lambda line: None)
    with engine_to_ourselves(client):
        if find_ours(client):
            pytest.skip(f"the engine is not clean: {dirty(client)}")
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
    yield client
    client.close()


@pytest.fixture
def somebodys_swarm(client: docker.DockerClient) -> Iterator[docker.DockerClient]:
    api: Any = client.api
    api.init_swarm(advertise_addr="127.0.0.1", listen_addr="127.0.0.1:2377")
    try:
        node = api.nodes()[0]
        api.update_node(node["ID"], node["Version"]["Index"], {**node["Spec"], "Labels": {"theirs": "yes"}})
        yield client
    finally:
        api.leave_swarm(force=True)
        api.remove_network("docker_gwbridge")


@pytest.mark.parametrize("die_while", ["starting", "up"])
def test_everything_of_a_killed_harness_is_undone(client: docker.DockerClient, tmp_path: Path, die_while: str) -> None:
    command = [sys.executable, "-c", HARNESS, str(tmp_path), die_while]
    before = snapshot(client)
    with engine_to_ourselves(client):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as harness:
            assert harness.stdout is not None
            assert harness.stdout.readline().strip() == die_while
            os.kill(harness.pid, signal.SIGKILL)
        assert any("swarm made by the harness" in line for line in dirty(client, tmp_path))
        if die_while == "up":
            assert {"node label testbed-hold-helper", "node label testbed-hold-store"} <= set(dirty(client, tmp_path))

    done = recover(client, lambda line: None, state=tmp_path)

    assert "the swarm was made for the campaign, and goes with it" in done
    assert "removed swarm made by the harness" in done
    assert dirty(client, tmp_path) == []
    assert residue(before, snapshot(client)) == []
    assert client.info()["Swarm"]["LocalNodeState"] == "inactive"
    assert recover(client, lambda line: None, state=tmp_path) == []


def test_somebodys_swarm_is_used_and_what_does_not_come_up_leaves_it_as_it_was(
    somebodys_swarm: docker.DockerClient, tmp_path: Path
) -> None:
    api: Any = somebodys_swarm.api
    before, swarm = snapshot(somebodys_swarm), api.inspect_swarm()["ID"]
    folder = tmp_path / "broken"
    shutil.copytree(TINY_SWARM, folder)
    text = (folder / "compose.yml").read_text()
    broken = text.replace('"-u", "/srv/server.py"', '"-c", "raise SystemExit(\'no licence found\')"')
    assert broken != text
    (folder / "compose.yml").write_text(broken)
    with engine_to_ourselves(somebodys_swarm), pytest.raises(InstrumentError, match=r"(?s)web.*no licence found"):
        swarm_deployer(somebodys_swarm, tmp_path, start_s=20.0).up(load_target(folder), CAMPAIGN, lambda line: None)
    assert residue(before, snapshot(somebodys_swarm)) == []
    assert api.inspect_swarm()["ID"] == swarm
    assert api.nodes()[0]["Spec"]["Labels"] == {"theirs": "yes"}
    assert api.services() == []
