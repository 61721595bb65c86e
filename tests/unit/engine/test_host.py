"""Finding the engine and Compose: the order, the oldest version, and messages that say what to do."""

import sys
from pathlib import Path

import pytest

from harness.engine import host
from harness.errors import HarnessError


def program(path: Path, prints: str, code: int = 0) -> Path:
    """A program that prints one line, whatever its arguments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH (`path/`) and an empty Python environment (`venv/`)."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin")
    monkeypatch.setattr(host.shutil, "which", lambda name: _which(tmp_path / "path", name))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    return tmp_path


def _which(folder: Path, name: str) -> str | None:
    return str(folder / name) if (folder / name).is_file() else None


@pytest.mark.parametrize(
    ("text", "version"),
    [("v2.24.1", (2, 24)), ("5.6.1", (5, 6)), ("2.40.3-desktop.1", (2, 40)), ("", (0, 0)), ("unknown command", (0, 0))],
)
def test_versions_are_read_with_their_decoration(text: str, version: tuple[int, int]) -> None:
    assert host.parse_version(text) == version


def test_the_plugin_comes_before_the_binary_of_the_environment(machine: Path) -> None:
    program(machine / "path" / "docker", "2.24.0")
    program(machine / "venv" / "bin" / "docker-compose", "5.6.1")
    assert host.compose_command() == ["docker", "compose"]
    assert host.find_compose().version == "2.24.0"


@pytest.mark.parametrize(("prints", "code"), [("2.23.9", 0), ("docker: unknown command: docker compose", 1)])
def test_a_plugin_that_is_too_old_or_missing_is_passed_over(machine: Path, prints: str, code: int) -> None:
    program(machine / "path" / "docker", prints, code)
    own = program(machine / "venv" / "bin" / "docker-compose", "5.6.1")
    assert host.compose_command() == [str(own)]


def test_a_binary_elsewhere_on_the_path_is_the_last_resort(machine: Path) -> None:
    binary = program(machine / "path" / "docker-compose", "v2.30.0")
    assert host.compose_command() == [str(binary)]


def test_what_is_too_old_is_named_with_the_version_that_is_needed(machine: Path) -> None:
    program(machine / "path" / "docker", "2.3.4")
    with pytest.raises(
        HarnessError, match=r"2\.24 or newer is needed, and `docker compose` is 2\.3\.4\..*make install"
    ):
        host.compose_command()


def test_no_compose_at_all_is_said(machine: Path) -> None:
    with pytest.raises(HarnessError, match="and there is none"):
        host.compose_command()


def test_the_environment_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.example:2375")
    assert host.engine_url() == "tcp://engine.example:2375"


def test_without_a_context_it_is_the_usual_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert host.engine_url() == "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("url", "reason"),
    [("tcp://127.0.0.1:1", "Connection refused"), ("unix:///nowhere.sock", "No such file or directory")],
)
def test_an_absent_engine_is_one_message_with_a_remedy(monkeypatch: pytest.MonkeyPatch, url: str, reason: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", url)
    with pytest.raises(HarnessError) as caught:
        host.connect()
    assert str(caught.value) == f"No Docker engine answers at {url}: {reason}. {host.START_REMEDY}"


def test_a_socket_that_may_not_be_opened_has_another_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**options: object) -> None:
        raise host.DockerException("('Connection aborted.', PermissionError(13, 'Permission denied'))")

    monkeypatch.setattr(host.docker, "DockerClient", denied)
    with pytest.raises(HarnessError, match=r": Permission denied\. Run as root, or join the group docker"):
        host.connect()


def test_a_longer_time_out_lasts_only_as_long_as_its_block() -> None:
    class Api:
        timeout = 30

    class Client:
        api = Api()

    with pytest.raises(ValueError, match="inside"), host.call_timeout(Client(), 900):
        assert Client.api.timeout == 900
        raise ValueError("inside")
    assert Client.api.timeout == 30
