"""The reference server as the harness sees it: a process that is started, asked what it did, and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from harness.calibration.script import Script
from harness.calibration.server import READY, REPORT, SCRIPT
from harness.errors import InstrumentError

LOG = "reference.log"
POLL_S = 0.02
END_S = 10.0


@dataclass(frozen=True)
class Served:
    """What the server did. `requests` are (run time in s, arrival, index of the episode that decided or -1).

    `switches` are, by index of a `refused` episode, when the socket was closed and opened again (run time, s).
    """

    requests: list[tuple[float, int, int]]
    switches: dict[int, list[float]]


class ReferenceServer:
    """Runs the server for one script in a run's folder; leaving the block ends it, whatever happened."""

    def __init__(self, folder: Path, script: Script) -> None:
        self._folder, self._script = folder, script
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its base URL, once it listens."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> ReferenceServer:
        for name in (READY, REPORT):
            (self._folder / name).unlink(missing_ok=True)
        text = self._script.model_dump_json(by_alias=True)
        (self._folder / SCRIPT).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "harness.calibration.server", str(self._folder), str(os.getpid())]
        with (self._folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ready(self, timeout_s: float = 20.0) -> None:
        """Wait until it listens. Raises InstrumentError with the end of its log."""
        end = time.monotonic() + timeout_s
        while not (self._folder / READY).is_file():
            self.check()
            if time.monotonic() > end:
                raise InstrumentError(
                    f"The reference server did not listen within {timeout_s:g} s.", self._last_words()
                )
            time.sleep(POLL_S)
        self._port = int((self._folder / READY).read_text(encoding="utf-8"))

    def check(self) -> None:
        """Raise InstrumentError when it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise InstrumentError("The reference server ended early.", self._last_words())

    def finish(self) -> Served:
        """End it and return what it did. Raises InstrumentError when it does not say."""
        self.check()
        assert self._process is not None  # noqa: S101 (check has seen it)
        self._process.terminate()
        try:
            self._process.wait(END_S)
            report = json.loads((self._folder / REPORT).read_text(encoding="utf-8"))
        except (subprocess.TimeoutExpired, OSError, ValueError):
            raise InstrumentError("The reference server did not say what it did.", self._last_words()) from None
        switches = {int(index): moments for index, moments in report["switches"].items()}
        return Served([(t, seq, index) for t, seq, index in report["requests"]], switches)

    def _last_words(self) -> str:
        path = self._folder / LOG
        text = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
        return f"Its log, {path}, ends with: {text[-500:]}" if text else f"Its log, {path}, is empty."
