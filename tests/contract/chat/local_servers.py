"""Real servers on loopback for the contract tests: PostgreSQL and Redis, from the binaries of this machine."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

START_S = 30.0  # generous: the machine may be busy


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def postgres_binaries() -> Path | None:
    """The newest installed PostgreSQL's bin folder, None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def postgres_missing_because() -> str:
    """'' when a local PostgreSQL can be started, otherwise the reason."""
    if postgres_binaries() is None:
        return "no PostgreSQL server binaries here (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "PostgreSQL refuses to run as root, and there is no user 'postgres' to run it as"
    return ""


def _unprivileged() -> str | None:
    """Whom to run PostgreSQL as when we are root."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


class LocalPostgres:
    """A PostgreSQL server of our own on a free port, that can be killed and started again."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chat-pg-"))
        self.port = free_port()
        self._user = _unprivileged() if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "chat", "--auth=trust", "-E", "UTF8", "--no-sync")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://chat:secret@127.0.0.1:{self.port}/{database}"

    def _argv(self, program: str, *arguments: str) -> list[str]:
        binaries = postgres_binaries()
        assert binaries is not None
        return [str(binaries / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        argv = self._argv(program, *arguments)
        subprocess.run(argv, user=self._user, cwd=self._folder, check=True, capture_output=True, timeout=120)

    def start(self, *, wait: bool = True) -> None:
        argv = self._argv("postgres", "-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1", "-k", "")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, user=self._user, cwd=self._folder, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while wait:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=2):
                return
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """As a crash: no goodbye to anyone. The postmaster's children notice that it is gone, and end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        deadline = time.monotonic() + START_S
        while self._has_children() and time.monotonic() < deadline:
            time.sleep(0.02)

    def _has_children(self) -> bool:
        """Whether a backend of the killed server still holds its shared memory."""
        mine = str(self._data).encode()
        for entry in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if os.fsencode(entry.readlink()) == mine:
                    return True
        return False

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # smart shutdown waits for clients: make it fast after a while
            try:
                self._process.wait(0.5)
            except subprocess.TimeoutExpired:
                self._process.send_signal(2)
                self._process.wait(30)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


class LocalRedis:
    """A Redis of our own on a free port, without persistence."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        argv = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None
