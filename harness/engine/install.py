"""Brings a Docker engine to a machine that has none: Debian or Ubuntu as root; elsewhere it says what to do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import docker

from harness.engine.apt import apt_install, apt_update, can_install, has_package, is_debian, is_root
from harness.engine.host import START_REMEDY, connect, engine_url
from harness.errors import HarnessError

Log = Callable[[str], None]

LOG_FILE = Path("/var/log/testbed-dockerd.log")
NOTE_FILE = Path("/run/testbed-dockerd.json")
"""Which engine process is ours; in /run, so that it does not outlive the machine's uptime."""

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class EngineProcess:
    """An engine that the harness started. `started` (clock ticks since boot) tells it from a later owner of its pid."""

    pid: int
    started: int

    def alive(self) -> bool:
        """Whether that very process still runs."""
        return process_started(self.pid) == self.started


def ensure_engine(log: Log) -> docker.DockerClient:
    """Return a client of a running engine; install and start one where there is none and this machine lets us.

    Idempotent. Raises HarnessError that says, for this platform, exactly what to install or start.
    """
    try:
        return connect()
    except HarnessError as error:
        if error.remedy != START_REMEDY:  # an engine is there, and this user may not reach it
            raise
        obstacle = why_not_install()
        if obstacle:
            raise HarnessError(error.problem, obstacle) from None
    if shutil.which("dockerd") is None:
        apt_update(log)
        # Where the client program is a package of its own (Debian 13), people want it for `docker ps`.
        extra = ["docker-cli"] if has_package("docker-cli") else []
        apt_install(["docker.io", "iptables", "ca-certificates", *extra], log)
    if Path("/run/systemd/system").is_dir():
        log("Starting Docker with systemd.")
        _systemctl("start", "docker")
        return wait_for_engine(START_TIMEOUT_S)
    log(f"Starting Docker in the background; its log is {LOG_FILE}, `make engine-stop` stops it.")
    process = start_engine(("dockerd",), LOG_FILE, NOTE_FILE)
    return wait_for_engine(START_TIMEOUT_S, process.alive, LOG_FILE)


def why_not_install() -> str:
    """Return '' where `ensure_engine` may install and start an engine, else what the user should do instead."""
    if os.environ.get("DOCKER_HOST", "").strip():
        return "Start the engine that DOCKER_HOST names, or unset that variable."
    if sys.platform in {"darwin", "win32", "cygwin"}:
        return "Install Docker Desktop (https://docs.docker.com/desktop/), start it, and run the command again."
    if can_install() or (is_root() and shutil.which("dockerd")):
        return ""
    if is_debian():
        return (
            "Run `sudo make setup`; or install it by hand: `sudo apt-get install docker.io`, "
            "`sudo usermod -aG docker $USER`, log in again."
        )
    return (
        "Install Docker Engine for your distribution (https://docs.docker.com/engine/install/), "
        "start it (`sudo systemctl start docker`), and run the command again."
    )


def start_engine(command: Sequence[str], log_file: Path, note_file: Path) -> EngineProcess:
    """Start `command` in a session of its own, its output appended to `log_file`; note the process in `note_file`."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, cwd="/"
        )
    engine = EngineProcess(process.pid, process_started(process.pid) or 0)
    # It outlives this process on purpose; without this, Python warns that nobody waited for it.
    process.returncode = 0
    note_file.write_text(json.dumps(asdict(engine)), encoding="utf-8")
    return engine


def wait_for_engine(
    timeout_s: float, alive: Callable[[], bool] = lambda: True, log_file: Path | None = None
) -> docker.DockerClient:
    """Return a client as soon as the engine answers. Raises HarnessError when it ends, or takes longer than that."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return connect()
        except HarnessError as error:
            last = f"\n{tail(log_file)}\n" if log_file else ""
            if not alive():
                raise HarnessError(f"The Docker engine ended as soon as it was started.{last}", _log_remedy()) from None
            if time.monotonic() > deadline:
                raise HarnessError(f"{error.problem} {timeout_s:g} s were waited.{last}", _log_remedy()) from None
        time.sleep(0.25)


def _log_remedy() -> str:
    return f"Read its log ({LOG_FILE}, or `journalctl -u docker`); containers without privileges cannot run an engine."


def tail(file: Path, lines: int = 8) -> str:
    """Return the last lines of a log, indented; '' when it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def stop_engine(note_file: Path = NOTE_FILE, timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop the engine that the harness started and return True; False when there is none of ours.

    Its containers end with it. Raises HarnessError when it does not end in time.
    """
    engine = noted_engine(note_file)
    if engine is None or not engine.alive():
        note_file.unlink(missing_ok=True)
        return False
    os.kill(engine.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while engine.alive():
        if time.monotonic() > deadline:
            raise HarnessError(
                f"The Docker engine (pid {engine.pid}) did not end within {timeout_s:g} s.", f"`kill -9 {engine.pid}`."
            )
        time.sleep(0.1)
    note_file.unlink(missing_ok=True)
    return True


def noted_engine(note_file: Path = NOTE_FILE) -> EngineProcess | None:
    """Return the engine that was noted, None when there is no readable note."""
    try:
        noted = json.loads(note_file.read_text(encoding="utf-8"))
        return EngineProcess(int(noted["pid"]), int(noted["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def process_started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot (proc(5), stat, field 22); None when it is gone.

    A zombie counts as gone.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name may hold spaces and brackets; what follows it does not
    return None if fields[0] == "Z" else int(fields[19])


def _systemctl(verb: str, unit: str) -> None:
    try:
        done = subprocess.run(["systemctl", verb, unit], capture_output=True, text=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        raise HarnessError(f"`systemctl {verb} {unit}` did not end within 90 s.", _log_remedy()) from None
    if done.returncode != 0:
        raise HarnessError(f"`systemctl {verb} {unit}` failed: {done.stderr.strip()}.", _log_remedy())


def engine_is_ours(note_file: Path = NOTE_FILE) -> bool:
    """Whether the engine that answers here was started by the harness (and may be stopped by it)."""
    engine = noted_engine(note_file)
    return engine is not None and engine.alive() and engine_url().startswith("unix://")
