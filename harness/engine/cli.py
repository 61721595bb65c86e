"""Runs the Compose command: bounded, in a session of its own, with nothing of what it rendered ever written down."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.engine.project import Project, read_project
from harness.errors import ConfigError, InstrumentError

Started = Callable[[str, int], None]
"""Told about each child process: what it is, and its number."""

STDIN = Path("-")

# Variables that would make Compose take other files or another project than it is told to.
_MISLEADING = ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PATH_SEPARATOR", "COMPOSE_ENV_FILES")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|DSN", re.IGNORECASE)


class ComposeCli:
    """`command` runs Compose; variables come from `env` and, where that has none, from `env_files`."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        env_files: Sequence[Path] = (),
        started: Started = lambda what, pid: None,
    ) -> None:
        self._command = list(command)
        for file in env_files:
            self._command += ["--env-file", str(file)]
        self._env = {key: value for key, value in env.items() if key not in _MISLEADING}
        self._started = started

    def project(self, file: Path) -> Project:
        """Read the facts of a plain Compose file. Raises ConfigError with Compose's own words when it is not valid."""
        return read_project(self.rendered(file), str(file))

    def rendered(self, file: Path) -> Mapping[str, Any]:
        """Return a plain Compose file as Compose understands it, with the value of every variable: it stays in memory.

        Raises ConfigError with Compose's own words when it is not valid.
        """
        done = self._run(["-f", str(file), "config", "--format", "json"], timeout_s=30)
        if done.returncode != 0:
            raise ConfigError(str(file), "", f"Compose cannot use it: {last_lines(done.stderr, 3)}.", "Correct it.")
        rendered: Mapping[str, Any] = json.loads(done.stdout)
        return rendered

    def variables(self, file: Path) -> dict[str, str]:
        """Return the variables that Compose puts into the file: this environment and the .env files."""
        done = self._run(["-f", str(file), "config", "--environment"], timeout_s=30)
        if done.returncode != 0:
            raise ConfigError(".env", "", f"Compose cannot use it: {last_lines(done.stderr, 3)}.", "Correct it.")
        pairs = (line.partition("=") for line in done.stdout.splitlines())
        return {key: value for key, equals, value in pairs if equals}

    def up(
        self, project: str, files: Sequence[Path], timeout_s: float, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Create and start everything in the order of `depends_on`; the caller reads the exit code.

        `text` is the file `STDIN`, where `files` has it: one that must not lie on the disk.
        """
        return self._run([*_project(project, files), "up", "-d", "--no-build", "--remove-orphans"], timeout_s, text)

    def down(
        self, project: str, files: Sequence[Path], timeout_s: float, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Stop and remove everything, volumes as well."""
        return self._run([*_project(project, files), "down", "-v", "--remove-orphans", "-t", "2"], timeout_s, text)

    def _run(self, arguments: Sequence[str], timeout_s: float, text: str = "") -> subprocess.CompletedProcess[str]:
        what = next((word for word in arguments if word in ("config", "up", "down")), "")
        command = [*self._command, *arguments]
        return run_child(f"compose {what}", command, self._env, self._started, timeout_s=timeout_s, text=text)


def run_child(
    what: str, command: Sequence[str], env: Mapping[str, str], started: Started, *, timeout_s: float, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with `text` as its input; `started` is told about it. The caller reads the exit code.

    A session of its own: Ctrl-C is for the harness, which then ends the child in its own time. Raises InstrumentError
    when it does not end within `timeout_s`.
    """
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.PIPE if text else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            started(what, process.pid)
            out, err = process.communicate(text or None, timeout=timeout_s)
        except BaseException as error:
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise InstrumentError(f"`{what}` did not end within {timeout_s:g} s.") from None
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _project(project: str, files: Sequence[Path]) -> list[str]:
    return ["-p", project, *(word for file in files for word in ("-f", str(file)))]


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            return


def last_lines(text: str, count: int) -> str:
    """Return the last non-empty lines of a program's complaint as one line, without Compose's time stamps."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and "level=warning" not in line]
    return " / ".join(lines[-count:]).rstrip(".")


def secrets(variables: Mapping[str, str], names: Sequence[str] = ()) -> list[str]:
    """Return the values that must never be written down: of variables whose names say so, and of `names`.

    Values under six characters are left alone: blotting out 'chat' would blot out half of a log.
    """
    found = {v for k, v in variables.items() if (_SECRET.search(k) or k in names) and len(v) >= 6}
    return sorted(found, key=lambda value: (-len(value), value))  # a longer one may hold a shorter one


_URL_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^@\s/]+@")


def without_passwords(text: str) -> str:
    """Return `text` without the passwords in its URLs, whoever wrote them there."""
    return _URL_PASSWORD.sub(r"\1***@", text)


def blot_out(text: str, values: Sequence[str]) -> str:
    """Return `text` with every one of `values` replaced by '***'."""
    for value in values:
        text = text.replace(value, "***")
    return text
