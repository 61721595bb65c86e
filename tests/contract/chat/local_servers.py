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
import redis

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

    def __init__(self, standby_of: LocalPostgres | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chat-pg-"))
        self.port = free_port()
        self._user = _unprivileged() if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        if standby_of is None:
            self._run("initdb", "-D", str(self._data), "-U", "chat", "--auth=trust", "-E", "UTF8", "--no-sync")
        else:
            source = f"host=127.0.0.1 port={standby_of.port} user=chat application_name=standby"
            self._run("pg_basebackup", "-D", str(self._data), "-d", source, "-R", "-c", "fast", "--no-sync")

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

    def promote(self) -> None:
        """Make a standby the primary, and return when it is."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    def execute(self, statement: str) -> None:
        """Execute one statement outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def configure(self, setting: str, value: str) -> None:
        """Change a setting of the running server, given as `SHOW` prints it; return when every session goes by it.

        pg_reload_conf() only sends a signal. The server reads its files, tells its sessions, and serves new ones then:
        when a new one shows the value, the others have been told before their next statement.
        """
        self.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while (now := self._shown(setting)) != value:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{setting} is {now!r}, not {value!r}, 10 s after the reload")
            time.sleep(0.01)

    def _shown(self, setting: str) -> str:
        with psycopg.connect(self.url()) as connection:
            row = connection.execute(f"SHOW {setting}").fetchone()
            assert row is not None
            return str(row[0])

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
    """A Redis of our own on a free port, without persistence; a replica when it is told of whom."""

    def __init__(self, replica_of: int | None = None) -> None:
        self.port = free_port()
        self._more = ["--replicaof", "127.0.0.1", str(replica_of)] if replica_of else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        argv = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        argv += ["--repl-diskless-sync-delay", "0", *self._more]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        _wait_for_port(self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """As a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class LocalSentinels:
    """A primary, a replica and three sentinels that make the one the other a second after it is gone."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="chat-sentinels-"))
        self.primary = LocalRedis()
        self.replica = LocalRedis(replica_of=self.primary.port)
        self.ports = [free_port() for _ in range(3)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self.primary.start()
        self.replica.start()
        for port in self.ports:
            config = self._folder / f"{port}.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {self._folder}\n"
                f"sentinel monitor chat 127.0.0.1 {self.primary.port} 2\n"
                "sentinel down-after-milliseconds chat 1000\nsentinel failover-timeout chat 3000\n"
            )
            argv = ["redis-server", str(config), "--sentinel"]
            self._processes.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=self._folder))
        for port in self.ports:
            _wait_for_port(port)
        self._wait_until_they_know_each_other()

    def named_primary(self) -> int:
        """The port of the primary that the first sentinel names."""
        with redis.Redis(port=self.ports[0], socket_timeout=2, decode_responses=True) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name("chat")[1])

    def _wait_until_they_know_each_other(self) -> None:
        """A fail-over needs sentinels that have met, and a replica that is in step."""
        deadline = time.monotonic() + START_S
        while not all(self._is_ready(port) for port in self.ports):
            assert time.monotonic() < deadline, "the sentinels did not find each other"
            time.sleep(0.05)

    def _is_ready(self, port: int) -> bool:
        with redis.Redis(port=port, socket_timeout=2, decode_responses=True) as sentinel:
            state = sentinel.sentinel_masters()["chat"]
            replicas = sentinel.sentinel_slaves("chat")
            others = int(state["num-other-sentinels"])
            return others == 2 and len(replicas) == 1 and replicas[0]["master-link-status"] == "ok"

    def remove(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(10)
        self.replica.kill()
        self.primary.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, f"nobody listens on {port}"
        time.sleep(0.02)
