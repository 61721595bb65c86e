"""Installing an engine: where it is allowed, what is said elsewhere, and stopping only what is ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine import apt, doctor, install
from harness.engine.install import EngineProcess, noted_engine, process_started, start_engine, stop_engine
from harness.errors import HarnessError


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A Linux machine without an engine, where nothing may be installed."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(install, "can_install", lambda: False)
    monkeypatch.setattr(install, "is_root", lambda: False)
    monkeypatch.setattr(install, "is_debian", lambda: False)
    monkeypatch.setattr(install, "connect", _no_engine)
    return monkeypatch


def _no_engine(*_: object) -> None:
    raise HarnessError("No Docker engine answers.", install.START_REMEDY)


@pytest.mark.parametrize(
    ("release", "debian"),
    [
        ("ID=debian\n", True),
        ("NAME=x\nID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ("ID=fedora\n", False),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION="debian-free"\n', False),
    ],
)
def test_debian_and_its_relatives_are_told_by_os_release(tmp_path: Path, release: str, debian: bool) -> None:
    file = tmp_path / "os-release"
    file.write_text(release)
    assert apt.is_debian(file) is debian
    assert not apt.is_debian(tmp_path / "absent")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.setattr(sys, "platform", "darwin"), "Install Docker Desktop"),
        (lambda m: m.setattr(sys, "platform", "win32"), "Install Docker Desktop"),
        (lambda m: m.setattr(install, "is_debian", lambda: True), "sudo make setup"),
        (lambda m: None, "Install Docker Engine for your distribution"),
        (lambda m: m.setenv("DOCKER_HOST", "tcp://elsewhere:2375"), "DOCKER_HOST"),
    ],
)
def test_each_platform_is_told_what_to_do(bare: pytest.MonkeyPatch, change: object, words: str) -> None:
    change(bare)  # type: ignore[operator]
    with pytest.raises(HarnessError, match=words):
        install.ensure_engine(lambda line: None)


def test_an_engine_that_may_not_be_reached_is_not_installed_again(bare: pytest.MonkeyPatch) -> None:
    def denied() -> None:
        raise HarnessError("Permission denied.", "Join the group docker.")

    bare.setattr(install, "connect", denied)
    bare.setattr(install, "can_install", lambda: True)
    bare.setattr(install, "apt_install", lambda packages, log: pytest.fail("it would have installed an engine"))
    with pytest.raises(HarnessError, match="Join the group docker"):
        install.ensure_engine(lambda line: None)


def test_on_debian_as_root_an_engine_is_installed_started_and_waited_for(
    bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[object] = []
    bare.setattr(install, "can_install", lambda: True)
    bare.setattr(install.shutil, "which", lambda name: None)
    bare.setattr(install, "has_package", lambda name: False)
    bare.setattr(install, "apt_update", lambda log: done.append("update"))
    bare.setattr(install, "apt_install", lambda packages, log: done.append(packages))
    bare.setattr(install, "_systemctl", lambda verb, unit: done.append(verb))
    bare.setattr(install, "start_engine", lambda command, *files: done.append(command[0]) or EngineProcess(1, 1))
    bare.setattr(install, "wait_for_engine", lambda *_: "client")
    assert install.ensure_engine(lambda line: None) == "client"
    assert done[:2] == ["update", ["docker.io", "iptables", "ca-certificates"]]
    assert done[2] in {"dockerd", "start"}  # in the background, or by systemd where this machine has it


def test_an_engine_that_ends_at_once_is_reported_with_its_log(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("failed to mount overlay: operation not permitted\n")
    with pytest.raises(HarnessError, match=r"(?s)ended as soon as it was started.*failed to mount overlay"):
        install.wait_for_engine(60, lambda: False, log)


def test_an_engine_that_never_answers_is_waited_for_only_so_long(bare: pytest.MonkeyPatch) -> None:
    with pytest.raises(HarnessError, match="0 s were waited"):
        install.wait_for_engine(0)


def test_what_was_started_is_noted_and_stopped(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    engine = start_engine([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "log", note)
    assert engine.alive()
    assert os.getsid(engine.pid) == engine.pid
    assert noted_engine(note) == engine
    assert stop_engine(note)
    assert not engine.alive()
    assert not stop_engine(note)


def test_a_process_that_got_the_noted_pid_later_is_left_alone(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as stranger:
        started = process_started(stranger.pid)
        assert started is not None
        note.write_text(json.dumps({"pid": stranger.pid, "started": started - 1}))
        assert not stop_engine(note)
        assert stranger.poll() is None
        stranger.kill()
    assert not note.exists()


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_note_that_cannot_be_read_names_no_engine(tmp_path: Path, text: str) -> None:
    note = tmp_path / "note.json"
    note.write_text(text)
    assert noted_engine(note) is None
    assert not stop_engine(note)


def test_the_doctor_says_what_to_do_about_an_absent_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("TESTBED_REGISTRY", "127.0.0.1:1")
    monkeypatch.setattr("harness.engine.base_image.why_not_debootstrap", lambda: "debootstrap needs root")
    found = {finding.name: finding for finding in doctor.diagnose()}
    engine, base = found["Docker engine"], found["Base image"]
    assert not engine.ok
    assert engine.severity == "error"
    assert engine.remedy == "Start the engine that DOCKER_HOST names, or unset that variable."
    assert not base.ok
    assert "127.0.0.1:1 does not answer" in base.found
    assert "debootstrap needs root" in base.found
    assert {"Compose", "Disk", "Memory", "Cores", "Root", "Kernel"} <= set(found)


@pytest.mark.parametrize(
    ("look", "facts", "ok"),
    [
        (doctor._memory, {"MemTotal": 8 * doctor.GIB}, True),
        (doctor._memory, {"MemTotal": 2 * doctor.GIB}, False),
        (doctor._cores, {"NCPU": 2}, True),
        (doctor._cores, {"NCPU": 1}, False),
    ],
)
def test_a_small_machine_is_a_warning(look: object, facts: dict[str, int], ok: bool) -> None:
    finding = look(facts)  # type: ignore[operator]
    assert finding.ok is ok
    assert finding.severity == "warning"


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = doctor.GIB

    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: Usage)
    finding = doctor._disk({"DockerRootDir": str(tmp_path / "not" / "there")})
    assert not finding.ok
    assert finding.severity == "error"
    assert finding.found == f"1.0 GiB free at {tmp_path}"
