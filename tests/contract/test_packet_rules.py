"""Packets between two real containers: both ways of dropping them bite, count, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from harness.engine import packets
from harness.engine.host import connect
from harness.engine.images import ensure_images
from harness.engine.packets import PacketRules
from harness.errors import InstrumentError

pytestmark = pytest.mark.engine

ASK = "timeout 1 bash -c '</dev/tcp/{address}/6379' 2>/dev/null && echo heard || echo silent"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    ensure_images(client, ["redis", "netadmin"], lambda line: None)
    yield client
    client.close()


@pytest.fixture
def pair(client: docker.DockerClient) -> Iterator[tuple[Any, str]]:
    """A container, and the address of another one that it reaches."""
    made = [
        client.containers.run(
            "testbed/redis",
            ["--save", "", "--protected-mode", "no", "--dir", "/tmp"],
            detach=True,
            init=True,
            labels={"testbed.test": "contract"},
        )
        for _ in range(2)
    ]
    try:
        made[1].reload()
        yield made[0], made[1].attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    finally:
        for one in made:
            one.remove(force=True, v=True)


def knock(container: Any, address: str) -> str:
    return str(container.exec_run(["bash", "-c", ASK.format(address=address)]).output.decode().strip())


def ask(container: Any, address: str) -> str:
    said = ""
    for _ in range(20):  # the other one may still be starting
        said = knock(container, address)
        if said == "heard":
            break
    return said


def dropped(container: Any, address: str) -> bool:
    return knock(container, address) == "silent"


def helpers(client: docker.DockerClient) -> int:
    """How many helpers are still there."""
    return len(client.containers.list(all=True, filters={"ancestor": packets.IMAGE}))


@pytest.mark.parametrize("helper", [True, False], ids=["by a helper", "entered"])
def test_rules_bite_count_and_go(client: docker.DockerClient, pair: tuple[Any, str], helper: bool) -> None:
    if not helper and not packets._may_enter():
        pytest.skip("only root of the engine's machine enters a namespace")
    container, address = pair
    rules = PacketRules(client, "", helper=helper)
    assert ask(container, address) == "heard"
    rules.drop(container.id, "one", [address, "192.0.2.7"])
    assert (container.id in rules._entered) is not helper
    assert dropped(container, address)
    before = rules.dropped(container.id, "one")
    assert before > 0
    rules.drop(container.id, "one", [address])
    assert rules.dropped(container.id, "one") >= before, "what was counted stays counted"
    rules.drop(container.id, "other", [address])
    rules.restore(container.id, "one")
    assert dropped(container, address), "another owner's rules are left alone"
    rules.restore(container.id, "other")
    rules.restore(container.id, "other")
    assert rules.dropped(container.id, "one") == 0
    assert ask(container, address) == "heard"
    assert helpers(client) == 0


def test_where_the_short_way_fails_a_helper_does_it(
    client: docker.DockerClient, pair: tuple[Any, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    container, address = pair
    rules = PacketRules(client, "")
    assert ask(container, address) == "heard"
    with monkeypatch.context() as broken:
        broken.setattr(packets, "SCRIPT", tmp_path / "nothing.sh")
        rules.drop(container.id, "one", [address])
    assert container.id not in rules._entered
    assert dropped(container, address) and rules.dropped(container.id, "one") > 0
    rules.restore(container.id, "one")
    assert ask(container, address) == "heard"


def test_a_process_of_something_else_is_never_entered(
    client: docker.DockerClient, pair: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not packets._may_enter():
        pytest.skip("only root of the engine's machine enters a namespace")
    container, _ = pair
    rules = PacketRules(client, "")
    assert rules._enter(container.id, ["count", "testbed-0"]) == "0"
    monkeypatch.setattr(packets, "find_group", lambda pid, name: None)  # as where the engine's machine is another one
    assert rules._enter(container.id, ["count", "testbed-0"]) is None


def test_what_cannot_be_taken_back_is_an_error(client: docker.DockerClient, pair: tuple[Any, str]) -> None:
    container, address = pair
    rules = PacketRules(client, "")
    rules.drop(container.id, "one", [address])
    container.stop(timeout=1)
    with pytest.raises(InstrumentError, match="restore"):
        rules.restore(container.id, "one")
