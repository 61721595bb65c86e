"""The entry that users come in by while they are moved: HAProxy, told by its own control socket what to do.

While writes are stopped it holds them back instead of refusing them: whoever sends one waits for the end of the stop
and is then served by the other version. Only a stop longer than `HOLD_S` refuses (503 with Retry-After). Reads always
go on.
"""

from __future__ import annotations

import csv
import io
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import docker
from docker.errors import DockerException

from harness.engine import marks
from harness.engine.ports import free_ports
from harness.errors import InstrumentError

IMAGE = "testbed/edge"
HOLD_S = 8
"""How long a write is held at most (s): a user waits 10 s for an answer, and it still has to be made."""

START_S = 20.0
LOOK_EVERY_S = 0.05
ANSWER_S = 5.0
FOLDER = Path(__file__).parent


class Entry:
    """A running entry. Every method raises InstrumentError when HAProxy does not do as it is told."""

    def __init__(self, port: int, control_port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self._control_port = control_port

    def stop_writes(self) -> None:
        """Let no write begin from now on; those that have begun go on."""
        self._set("writes", "stopped")

    def open_writes(self) -> None:
        """Let writes in again, first of all those held back."""
        self._set("writes", "open")

    def switch(self) -> None:
        """Send every request that begins from now on to the other version."""
        self._set("side", "to")

    def drained(self, timeout_s: float) -> bool:
        """Wait until every write that had begun has ended; whether that was so within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self.writes_open():
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_EVERY_S)
        return True

    def writes_open(self) -> int:
        """How many writes the version that is left is at work on."""
        rows = csv.DictReader(io.StringIO(self.tell("show stat").lstrip("# ")))
        for row in rows:
            if (row["pxname"], row["svname"]) == ("from-writes", "BACKEND"):
                return int(row["scur"])
        raise InstrumentError("The entry does not say how many writes are open.")

    def wait(self, timeout_s: float = START_S) -> None:
        """Wait until it takes orders."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.writes_open()
                return
            except InstrumentError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_EVERY_S)

    def tell(self, order: str) -> str:
        """Give HAProxy an order and return what it says to that."""
        said = b""
        try:
            with socket.create_connection(("127.0.0.1", self._control_port), ANSWER_S) as control:
                control.sendall(f"{order}\n".encode())
                while part := control.recv(65536):
                    said += part
        except OSError as error:
            raise InstrumentError(f"The entry takes no orders: {error}.") from error
        return said.decode(errors="replace").strip()

    def _set(self, name: str, word: str) -> None:
        # HAProxy 3.0 counts setting variables from outside among its experiments; the answer is read back.
        said = self.tell(f"experimental-mode on; set var proc.{name} str({word})")
        if f"<{word}>" not in self.tell(f"get var proc.{name}"):
            raise InstrumentError(f"The entry did not set {name} to {word}; it said: {said or 'nothing'}.")


def configuration(*, port: int, control_port: int, from_port: int, to_port: int) -> dict[str, str]:
    """Return HAProxy's files by name."""
    values = {"port": port, "control_port": control_port, "from_port": from_port, "to_port": to_port, "hold_s": HOLD_S}
    return {name: Template((FOLDER / name).read_text()).substitute(values) for name in ("entry.cfg", "hold.lua")}


@contextmanager
def entry_before(client: docker.DockerClient, from_port: int, to_port: int, campaign: str) -> Iterator[Entry]:
    """Put an entry in front of two versions that listen on these ports of 127.0.0.1; it is gone after the block."""
    ports = free_ports()
    port, control_port = next(ports), next(ports)
    files = configuration(port=port, control_port=control_port, from_port=from_port, to_port=to_port)
    container: Any = None
    try:
        try:
            container = client.containers.create(
                IMAGE,
                entrypoint=["haproxy"],
                command=["-db", "-f", "/tmp/entry.cfg"],  # noqa: S108 (in a container of its own)
                network_mode="host",  # both versions are on the engine's loopback, and nowhere else
                init=True,
                labels=marks.labels(campaign, "entry"),
            )
            container.put_archive("/tmp", packed(files))  # noqa: S108
            container.start()
        except DockerException as error:
            raise InstrumentError(f"The entry cannot be started: {error}.") from error
        entry = Entry(port, control_port)
        try:
            entry.wait()
        except InstrumentError as error:
            words = container.logs(tail=5).decode(errors="replace").strip()
            raise InstrumentError(f"{error.problem} HAProxy says: {words}") from error
        yield entry
    finally:
        if container is not None:
            container.remove(force=True)


def packed(files: dict[str, str]) -> bytes:
    """Return the files as a tar archive that everybody may read."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()
