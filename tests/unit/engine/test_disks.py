"""Disks with a bound: when none can be made, what of ours is found, and how they are woven."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine import disks
from harness.engine.disks import find_disks, make_disks, remove_disk, why_not
from harness.engine.swarm_weave import weave_swarm
from tests.unit.engine.projects import project, rendered, target

DISK = {"volume": "data", "path": "/data", "mb": 64}
AIM = target([], settings={"app": {"disk": DISK}})


def client(kernel: str = "") -> Any:
    return SimpleNamespace(info=lambda: {"ID": "E1", "KernelVersion": kernel or os.uname().release})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(disks.marks.state_folder, "__defaults__", (os.environ,))
    monkeypatch.setattr(disks.os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda tool: f"/sbin/{tool}")
    return tmp_path / "testbed" / "E1" / "disks"


def test_what_stands_in_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_not(client("1.2-elsewhere")) == "the engine runs on another kernel than the harness"
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool == "mkfs.ext4" else tool)
    assert why_not(client()) == "this machine has no mkfs.ext4"
    monkeypatch.setattr(disks.os, "geteuid", lambda: 1000)
    assert why_not(client()) == "loop devices need root"
    assert make_disks(client(), AIM, "c7") == {}


def test_only_declared_disks_are_made_and_they_are_found_and_removed(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []

    def run(*command: str) -> Any:
        ran.append(command)
        return SimpleNamespace(returncode=0, stdout="/dev/loop99\n", stderr="")

    monkeypatch.setattr(disks, "_run", run)
    monkeypatch.setattr(disks, "why_not", lambda client: "")
    assert make_disks(client(), target([]), "c7") == {}
    assert make_disks(client(), AIM, "c7") == {"data": "/dev/loop99"}
    file = here / "c7" / "data.img"
    assert file.stat().st_size == 64 * 1024 * 1024
    assert [command[0] for command in ran] == ["mkfs.ext4", "debugfs", "losetup"]
    # Nothing is really behind a device here, so what is found is the file alone.
    assert find_disks(client()) == find_disks(client(), "c7") == {str(file): file}
    assert find_disks(client(), "c8") == {}
    assert remove_disk(str(file), file)
    assert find_disks(client()) == {}
    assert not file.parent.exists()


def test_a_volume_with_a_disk_is_woven_onto_it() -> None:
    services = {"app": {"volumes": [{"type": "volume", "source": "data", "target": "/data"}]}}
    plain = rendered(services, volumes={"data": {"name": "shop_data"}, "other": {"name": "shop_other"}})
    woven = weave_swarm(
        AIM,
        plain,
        project(services, volumes=plain["volumes"]),
        ports=iter(count(20000)),
        env={},
        campaign="c7",
        resolve=str,
        node="n1",
        images={},
        disks={"data": "/dev/loop99"},
    )
    volumes = woven.stack["volumes"]
    assert volumes["data"]["driver_opts"] == {"type": "ext4", "device": "/dev/loop99"}
    assert volumes["data"]["labels"]["testbed.campaign"] == "c7"
    assert "driver_opts" not in volumes["other"]


def test_two_components_cannot_share_a_disk() -> None:
    with pytest.raises(ValueError, match="a disk for the same volume"):
        target([], "db", settings={"app": {"disk": DISK}, "db": {"disk": DISK}})
