"""The reference server: a process of its own that carries out a truth script on the run's clock.

    python -m harness.calibration.server FOLDER PARENT_PID

It reads FOLDER/script.json, listens on loopback, writes its port to reference.ready, learns the run's zero from the
same file as the load generator (load.go), and, when it is told to end (SIGTERM) or its parent is gone, writes down
what it did: reference.json. HTTP is spoken by hand because no framework can be made to misbehave on purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path

from harness.calibration.script import Form, Script
from harness.calibration.wire import Store, answer
from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.load.settings import read_go

SCRIPT, READY, REPORT = "script.json", "reference.ready", "reference.json"

PORTS = range(20000, 30000)
"""Below the ports that Linux gives to outgoing connections: while the socket is closed, nobody may take its port."""

LOOK_S = 0.02
"""How often (s) it looks for the run's zero, and for its parent."""


class Reference:
    """The server and what it did: `requests` are (run time in s, arrival, index of the episode or -1)."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._store: Store = {}
        self._clock: RunClock | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0
        self.requests: list[tuple[float, int, int]] = []
        self.switches: dict[int, list[float]] = {}

    async def listen(self) -> int:
        """Open the listening socket, always on the same port, and return the port."""
        if not self._port:
            self._port = _free_port()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=4096)
        return self._port

    def begin(self, clock: RunClock) -> None:
        """Take the run's zero: from here on the script is carried out."""
        self._clock = clock
        loop = asyncio.get_running_loop()  # its time is CLOCK_MONOTONIC, as the run's clock is
        for index, episode in enumerate(self._script.episodes):
            if episode.form is Form.REFUSED:
                loop.call_at(clock.t0_monotonic + episode.start_s, self._close, index)
                loop.call_at(clock.t0_monotonic + episode.end_s, self._open, index)

    def _close(self, index: int) -> None:
        """Stop listening and break off every connection, as a dying process does."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self.switches[index] = [self._now()]

    def _open(self, index: int) -> None:
        async def again() -> None:
            await self.listen()
            self.switches[index].append(self._now())

        self._opening = asyncio.ensure_future(again())

    def _now(self) -> float:
        return self._clock.now() if self._clock else float("-inf")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left, as it does at its deadline
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; return whether the connection may be used again."""
        head = await reader.readuntil(b"\r\n\r\n")
        now = self._now()
        line, *rest = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        headers = {key.lower(): value.strip() for key, _, value in (one.partition(":") for one in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        seq = int(headers.get("x-arrival-id", "-1").rpartition("-")[2])
        index = self._script.fate(now, seq)
        self.requests.append((round(now, 6), seq, -1 if index is None else index))
        form = None if index is None else self._script.episodes[index].form
        if form is Form.HANG:
            await reader.read(1)  # until the client leaves
            return False
        whole = answer(method, path, body, self._store, form)
        after_s = self._script.answered_after_s(index)
        if after_s:
            await asyncio.sleep(after_s)
        writer.write(whole[: len(whole) - 20] if form is Form.CUT else whole)
        await writer.drain()
        return form is not Form.CUT


def _free_port() -> int:
    start = os.getpid() * 7 % len(PORTS)
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
        return port
    raise InstrumentError(f"No port from {PORTS.start} to {PORTS.stop} is free.", "Stop what uses them.")


async def _run(folder: Path, parent: int) -> None:
    script = Script.model_validate_json((folder / SCRIPT).read_text(encoding="utf-8"))
    reference, over = Reference(script), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    port = await reference.listen()
    gc.collect()
    gc.freeze()  # a full collection would make it late
    temporary = folder / f"{READY}.new"
    temporary.write_text(str(port), encoding="utf-8")
    temporary.replace(folder / READY)
    begun = False
    while not over.is_set() and os.getppid() == parent:
        if not begun and (clock := read_go(folder)) is not None:
            reference.begin(clock)
            begun = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LOOK_S if not begun else 0.5)
    report = {"requests": reference.requests, "switches": reference.switches}
    (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")


def main() -> None:
    """Serve until told to end."""
    # asyncio.run would wait for requests that hang for ever; what they were asked is written down, and that is all.
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.suppress(OSError):  # only root may; the truth must be on time as the generator is
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(_run(folder, parent))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
