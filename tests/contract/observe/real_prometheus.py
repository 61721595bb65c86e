"""A real Prometheus (Debian's) on a free port of this machine, with a data directory of the test's."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

READY_S = 30.0


def skip_without(*programs: str) -> None:
    """Skip the test, with the reason, where a program is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install prometheus)")


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Prometheus:
    """A server that answers queries."""

    url: str

    def ask(self, query: str, at_s: float) -> dict[frozenset[tuple[str, str]], Any]:
        """Return what an instant query says, by labels: a number, or a list of (moment, number) for a range."""
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": query, "time": f"{at_s:.3f}"}, trust_env=False)
        found = answer.json()
        assert found["status"] == "success", found
        return {
            frozenset(each["metric"].items()): _values(each["values"]) if "values" in each else float(each["value"][1])
            for each in found["data"]["result"]
        }

    def number(self, query: str, at_s: float) -> float:
        """Return what a query says that has exactly one answer."""
        (value,) = self.ask(query, at_s).values()
        return float(value)

    def names(self) -> set[str]:
        """Return the names of all series that it holds."""
        found = httpx.get(f"{self.url}/api/v1/label/__name__/values", trust_env=False).json()
        return set(found["data"])


def _values(pairs: list[list[Any]]) -> list[tuple[float, float]]:
    return [(float(at), float(value)) for at, value in pairs]


@contextmanager
def running(data: Path, config: str = "") -> Iterator[Prometheus]:
    """Run it on `data` until the block ends; the test is skipped where there is none."""
    skip_without("prometheus")
    port = free_port()
    file = data.parent / "prometheus.yml"
    file.write_text(config, encoding="utf-8")
    log = data.parent / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                "prometheus", f"--config.file={file}", f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y", f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait(server: Prometheus, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(encoding="utf-8")
        try:
            if httpx.get(f"{server.url}/-/ready", trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
