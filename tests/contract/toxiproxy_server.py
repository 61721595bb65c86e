"""A real Toxiproxy server on loopback, and something real behind it."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from harness.engine.ports import free_ports

VERSION = "2.12.0"
IMAGE = "testbed/toxiproxy"


def find_binary(folder: Path) -> Path:
    """The server's binary: from PATH, out of our image, or built with Go. Skips the test, with the reasons, if none."""
    reasons = ["no toxiproxy-server on PATH"]
    on_path = shutil.which("toxiproxy-server")
    if on_path:
        return Path(on_path)
    for find in (_out_of_the_image, _built_with_go):
        try:
            return find(folder)
        except (DockerException, OSError, subprocess.SubprocessError, LookupError) as error:
            reasons.append(str(error).splitlines()[0][:120])
    pytest.skip("; ".join(reasons))


def _out_of_the_image(folder: Path) -> Path:
    client = docker.from_env(timeout=10)
    try:
        container = client.containers.create(IMAGE)
        try:
            command = container.attrs["Config"]["Entrypoint"][0]
            path = command if command.startswith("/") else f"/usr/local/bin/{command}"
            chunks, _ = container.get_archive(path)
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
                archive.extractall(folder, filter="data")
        finally:
            container.remove(force=True, v=True)
    finally:
        client.close()
    return folder / Path(path).name


def _built_with_go(_: Path) -> Path:
    """Built once per machine: it takes half a minute."""
    if not shutil.which("go"):
        raise LookupError("no Go to build it with")
    folder = Path(tempfile.gettempdir()) / f"testbed-toxiproxy-{VERSION}-{os.getuid()}"
    if not (folder / "server").exists():
        source = f"github.com/Shopify/toxiproxy/v2/cmd/server@v{VERSION}"
        subprocess.run(
            ["go", "install", source],
            env={**os.environ, "GOBIN": str(folder)},
            check=True,
            timeout=300,
            capture_output=True,
        )
    return folder / "server"


@contextmanager
def running(binary: Path, *arguments: str) -> Iterator[int]:
    """A server; yields the port of its API."""
    port = next(free_ports())
    command = [str(binary), "-host=127.0.0.1", f"-port={port}", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 10
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < deadline, "Toxiproxy did not start"
                    time.sleep(0.02)
            yield port
        finally:
            process.kill()


@contextmanager
def redis_like(host: str = "127.0.0.1") -> Iterator[int]:
    """Answers each PING with +PONG; yields its port."""

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(4096):
                    connection.sendall(b"+PONG\r\n")
            except OSError:
                pass  # a fault cut the connection

    with socket.create_server((host, 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
