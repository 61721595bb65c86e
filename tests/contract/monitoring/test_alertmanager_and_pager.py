"""A real Alertmanager with the image's configuration calls a real pager: firing, resolved, and the heartbeat apart."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from targets.parts.kit.http import serve
from targets.parts.pager.__main__ import MAX_NOTIFICATION
from targets.parts.pager.record import Record
from targets.parts.pager.server import wire
from tests.contract.monitoring.tools import PART

pytestmark = pytest.mark.slow


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Calls:
    """An Alertmanager, and what its pager was told."""

    def __init__(self, base: str, record: Record) -> None:
        self.base = base
        self.record = record

    async def alert(self, name: str, *, ends_in_s: float, text: str = "") -> None:
        """Tell Alertmanager of an alert, as Prometheus does."""
        now = datetime.now(UTC)
        alert = {
            "labels": {"alertname": name, "severity": "page", "component": "edge"},
            "annotations": {"summary": text},
            "startsAt": (now - timedelta(seconds=1)).isoformat(),
            "endsAt": (now + timedelta(seconds=ends_in_s)).isoformat(),
        }
        async with httpx.AsyncClient(trust_env=False) as web:
            (await web.post(f"{self.base}/api/v2/alerts", json=[alert])).raise_for_status()

    def told(self) -> list[tuple[str, str]]:
        """Name and status of everything that the pager was told."""
        every = (alert for one in self.record.notifications() for alert in one["body"]["alerts"])
        return [(alert["labels"]["alertname"], alert["status"]) for alert in every]

    async def until_told(self, expected: list[tuple[str, str]], within_s: float = 15) -> None:
        """Wait until the pager was told exactly that."""
        async with asyncio.timeout(within_s):
            while self.told() != expected:  # noqa: ASYNC110 (a process of its own is waited for)
                await asyncio.sleep(0.1)


def _start(program: str, folder: Path, port: int, pager: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "MONITORING_ETC": str(PART), "MONITORING_LIB": str(PART)}
    environment |= {"PAGER_URL": f"{pager}/alerts", "HEARTBEAT_URL": f"{pager}/heartbeat"}
    subprocess.run(["sh", str(PART / "entrypoint.sh"), "render", str(folder)], env=environment, check=True)
    return subprocess.Popen(
        [program, f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}",
         "--cluster.listen-address=", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
    )  # fmt: skip


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("prometheus-alertmanager is not installed (Debian's package of that name)")
    record, port = Record(), _free_port()
    async with await serve(wire(record), "127.0.0.1", 0, max_body=MAX_NOTIFICATION) as pager:
        url = f"http://127.0.0.1:{pager.sockets[0].getsockname()[1]}"
        running = _start(program, tmp_path, port, url)
        try:
            await _answers(f"http://127.0.0.1:{port}/-/ready")
            yield Calls(f"http://127.0.0.1:{port}", record)
        finally:
            running.terminate()
            running.wait(10)


async def _answers(url: str) -> None:
    async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as web:
        while True:
            try:
                if (await web.get(url)).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def test_a_person_is_called_within_3_s_and_told_when_it_is_over(calls: Calls) -> None:
    # More than a request to the kit's server may have otherwise.
    await calls.alert("EdgeDown", ends_in_s=4, text="x" * 20_000)
    before = datetime.now(UTC).timestamp()
    await calls.until_told([("EdgeDown", "firing")])
    assert calls.record.notifications()[0]["received"] - before < 3
    await calls.until_told([("EdgeDown", "firing"), ("EdgeDown", "resolved")])


async def test_the_heartbeat_comes_again_and_again_and_calls_nobody(calls: Calls) -> None:
    await calls.alert("Watchdog", ends_in_s=60)
    async with asyncio.timeout(20):
        while len(calls.record.heartbeats()) < 3:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.1)
    beats = calls.record.heartbeats()
    assert max(later - earlier for earlier, later in itertools.pairwise(beats)) < 8
    assert calls.told() == []
