"""An engine of our own is started in the background, noted, and stopped: a second one, beside the machine's."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.apt import is_root
from harness.engine.host import connect
from harness.engine.install import EngineProcess, noted_engine, start_engine, stop_engine, wait_for_engine
from harness.errors import HarnessError

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_root() or shutil.which("dockerd") is None, reason="needs root and dockerd"),
]


def own_bridge() -> list[int]:
    """The index of docker0, the bridge of the machine's own engine; removed and made again, it has another."""
    return [index for index, name in socket.if_nameindex() if name == "docker0"]


@pytest.fixture
def bridge() -> list[int]:
    return own_bridge()


@pytest.fixture
def second(bridge: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[EngineProcess, Path]]:
    """A second engine with folders and a network of its own, which DOCKER_HOST names; and its note."""
    address, note, log = f"unix://{tmp_path / 'docker.sock'}", tmp_path / "note.json", tmp_path / "dockerd.log"
    # In a network namespace of its own: a second engine removes or claims the bridge docker0 of the namespace it is in.
    command = [
        "unshare", "--net", "dockerd", "--host", address, "--pidfile", str(tmp_path / "pid"),
        "--data-root", str(tmp_path / "data"), "--exec-root", str(tmp_path / "x"),
        "--bridge", "none", "--iptables=false", "--storage-driver", "vfs",
    ]  # fmt: skip
    monkeypatch.setenv("DOCKER_HOST", address)
    engine = start_engine(command, log, note)
    try:
        wait_for_engine(60, engine.alive, log).close()
        yield engine, note
    finally:
        stop_engine(note)


def test_it_answers_survives_its_parent_and_stops_when_told(
    bridge: list[int], second: tuple[EngineProcess, Path]
) -> None:
    engine, note = second
    assert noted_engine(note) == engine
    # Its own session: Ctrl-C in the terminal that started it does not reach it.
    session = subprocess.run(["ps", "-o", "sid=", "-p", str(engine.pid)], capture_output=True, text=True, check=True)
    assert int(session.stdout) == engine.pid
    client = connect()
    assert client.containers.list(all=True) == []
    client.close()
    assert stop_engine(note)
    assert not engine.alive()
    assert not note.exists()
    with pytest.raises(HarnessError, match="No Docker engine answers"):
        connect()
    assert not stop_engine(note)
    # The machine's own engine kept its bridge.
    assert own_bridge() == bridge
