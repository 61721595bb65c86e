"""The Compose command: what it is told, what is read from it, and that it never outlives its time."""

import stat
from pathlib import Path

import pytest

from harness.engine.cli import ComposeCli, blot_out, last_lines, secrets
from harness.errors import ConfigError, InstrumentError

ECHO = """#!/bin/sh
case "$*" in
  *--environment*) printf 'KEY=value=with=equals\\nFILE=%s\\n' "$COMPOSE_FILE" ;;
  *broken.yml*config*) echo 'services.app.image must be a string' >&2; exit 15 ;;
  *config*) printf '{"name": "shop", "services": {"app": {}}}' ;;
  *up*) printf '%s\\n' "$@" >"$0.up"; echo 'port is already allocated' >&2; exit 1 ;;
  *down*) sleep 60 & wait ;;
esac
"""


@pytest.fixture
def command(tmp_path: Path) -> Path:
    script = tmp_path / "compose"
    script.write_text(ECHO)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_facts_are_read_and_mistakes_are_the_users(command: Path) -> None:
    cli = ComposeCli([str(command)], {"PATH": "/usr/bin:/bin"})
    assert set(cli.project(Path("compose.yml")).services) == {"app"}
    with pytest.raises(ConfigError, match=r"broken.yml: Compose cannot use it: services.app.image must be a string"):
        cli.project(Path("broken.yml"))


def test_variables_and_no_misleading_ones(command: Path) -> None:
    cli = ComposeCli([str(command)], {"PATH": "/usr/bin:/bin", "COMPOSE_FILE": "other.yml"})
    assert cli.variables(Path("compose.yml")) == {"KEY": "value=with=equals", "FILE": ""}


def test_env_files_files_and_project_are_passed_on_and_children_reported(command: Path) -> None:
    started: list[str] = []
    cli = ComposeCli(
        [str(command)], {"PATH": "/usr/bin:/bin"}, [Path("a.env")], started=lambda what, pid: started.append(what)
    )
    done = cli.up("testbed-v1", [Path("compose.yml"), Path("woven.yml")], timeout_s=10)
    assert done.returncode == 1
    assert "already allocated" in done.stderr
    told = (command.parent / "compose.up").read_text().split()
    assert told == [
        *("--env-file", "a.env", "-p", "testbed-v1", "-f", "compose.yml", "-f", "woven.yml"),
        *("up", "-d", "--no-build", "--remove-orphans"),
    ]
    assert started == ["compose up"]


def test_it_is_ended_with_all_its_children_when_its_time_is_over(command: Path) -> None:
    cli = ComposeCli([str(command)], {"PATH": "/usr/bin:/bin"})
    with pytest.raises(InstrumentError, match=r"`compose down` did not end within 0.2 s"):
        cli.down("testbed-v1", [], timeout_s=0.2)


def test_secrets_are_known_by_their_names_and_blotted_out_longest_first() -> None:
    variables = {"AI_KEY": "sk-12345", "DB_PASSWORD": "sk-12345-long", "POSTGRES_PASSWORD": "chat", "HOME": "/root/x"}
    values = secrets({**variables, "WHEN": "odd-name"}, ["WHEN"])
    assert values == ["sk-12345-long", "odd-name", "sk-12345"]
    assert blot_out("chat sk-12345-long sk-12345 /root/x odd-name", values) == "chat *** *** /root/x ***"


def test_the_last_lines_leave_warnings_out() -> None:
    text = 'Network x Creating\n\ntime="..." level=warning msg="mode"\nError response from daemon: no such image.\n'
    assert last_lines(text, 2) == "Network x Creating / Error response from daemon: no such image"
