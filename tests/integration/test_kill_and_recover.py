"""kill -9 of a harness that had a stack up, in a test of its own process: `recover` leaves the engine clean."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.engine.host import connect
from harness.engine.journal import read_journal
from harness.engine.processes import start_mark
from harness.engine.recover import recover
from harness.engine.residue import dirty
from harness.engine.sweep import find_ours
from harness.errors import HarnessError
from tests.integration.deploying import build_images, engine_to_ourselves, eventually

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HARNESS = """
import subprocess, sys
from pathlib import Path
from harness.engine.host import connect
from harness.engine.journal import Journal
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.target import load_target
from tests.integration.deploying import TINY, deployer

state = Path(sys.argv[1])
client = connect()
EngineLock(engine_id(client), who="integration test").acquire()
journal = Journal.begin(state, campaign="killed", phase="tiny", project="testbed-tiny", results=state)
load = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
journal.process_started("load generator", load.pid)

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

def started(what, pid):
    journal.process_started(what, pid)
    if what == "compose up":
        say("starting", load.pid)

stack = deployer(client, state, started=started).up(load_target(TINY), "killed", lambda line: None)
journal.fault_on("pause", "role cache")
stack.containers("cache")[0].pause()
stack.links["sessions"].set_enabled(False)
say("up", load.pid)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    build_images(client)
    with engine_to_ourselves(client):
        if find_ours(client):
            pytest.skip(f"the engine is not clean: {dirty(client)}")
    yield client
    client.close()


@pytest.mark.parametrize("die_while", ["starting", "up"])
def test_everything_of_a_killed_harness_is_undone(client: docker.DockerClient, tmp_path: Path, die_while: str) -> None:
    command = [sys.executable, "-c", HARNESS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        for line in harness.stdout:
            what, load = line.split()
            if what == die_while:
                break
        if die_while == "starting":
            assert eventually(lambda: find_ours(client), within_s=30)
        else:
            with pytest.raises(HarnessError, match="Another harness"):
                recover(client, lambda line: None, state=tmp_path)
        os.kill(harness.pid, signal.SIGKILL)
    assert start_mark(int(load)), "the load generator lives in a session of its own, as the real one"
    assert any("did not end properly" in line for line in dirty(client, tmp_path))

    done = recover(client, lambda line: None, state=tmp_path)

    assert f"ended load generator (process {load})" in done
    assert not start_mark(int(load))
    if die_while == "up":
        assert "undone with the stack: pause on role cache" in done
    assert dirty(client, tmp_path) == []
    assert not read_journal(tmp_path).unfinished
    assert recover(client, lambda line: None, state=tmp_path) == []
    time.sleep(3)
    assert find_ours(client) == [], "a Compose that lived on would go on making things"
