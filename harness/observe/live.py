"""Metrics of a campaign while it goes on, on 127.0.0.1:9464/metrics. Whatever goes wrong here harms no run.

`TESTBED_METRICS_PORT` is another port, 0 any free one, `off` none; `TESTBED_METRICS_ADDRESS` another address of this
machine, for a Prometheus in a container that cannot reach its loopback.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.metrics_core import Metric as Family

from harness.campaign_record import read_campaign
from harness.conclusion import stored_claims
from harness.errors import one_line
from harness.lab import Watched
from harness.observe.campaigns import read_summary, series_of_claims
from harness.observe.going_on import GoingOn
from harness.observe.points import Point, families, last_points
from harness.observe.runs import series_of_run
from harness.observe.scraped import note_scrapes
from harness.observe.server import MetricsServer

PORT, ADDRESS = "TESTBED_METRICS_PORT", "TESTBED_METRICS_ADDRESS"
DEFAULT_PORT = 9464
KEPT_RUNS = 2
"""How many runs that have ended are still shown: more would be scraped again and again without any news."""

LAST_LOOK_S = 6.0
"""How long the end of a campaign waits for a Prometheus that has asked lately, so that it sees how it ended."""


class LiveMetrics:
    """Watches the runs of a campaign in `folder`. A thread answers whoever asks; nothing is done for nobody."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._lock = threading.Lock()
        self._now: GoingOn | None = None
        self._ended: dict[str, list[Point]] = {}
        self._campaign: list[Point] = []
        self._told = False
        self._server: MetricsServer | None = None
        with self._harmless():
            self._server = self._serve()

    def _serve(self) -> MetricsServer | None:
        word = os.environ.get(PORT, "").strip() or str(DEFAULT_PORT)
        if word == "off":
            return None
        address = os.environ.get(ADDRESS, "").strip() or "127.0.0.1"
        if not word.isdecimal() or int(word) > 65535:
            self._failed(ValueError(f"{PORT} is '{word}', and that is no port"))
            return None
        try:
            server = MetricsServer(address, int(word), self._collect, self._failed)
        except OSError as error:
            self._failed(OSError(f"{address}:{word} cannot be listened on ({error.strerror})"))
            return None
        self._say(f"Live metrics: http://{address}:{server.port}/metrics")
        return server

    @property
    def port(self) -> int | None:
        """The port that is listened on; None where there is none."""
        return self._server.port if self._server else None

    def run_begins(self, watched: Watched) -> None:
        """Watch a run."""
        if self._server is None:
            return
        with self._harmless():
            begun = GoingOn(watched, self._folder.name)
            with self._lock:
                self._now = begun

    def run_ends(self, folder: Path) -> None:
        """Show how the run ended, with the figures that its record has: those counted on the way are close to them."""
        if self._server is None:
            return
        with self._harmless():
            with self._lock:
                ended, self._now = self._now, None
                if ended is not None:
                    self._ended[folder.name] = list(ended.points())
                while len(self._ended) > KEPT_RUNS:
                    del self._ended[next(iter(self._ended))]
            if ended is None:
                return
            ended.end()
            if self._server.asked:
                points = last_points(series_of_run(folder, self._folder.name))
                with self._lock:
                    self._ended[folder.name] = points

    def campaign_ends(self) -> None:
        """Show the verdicts, until a Prometheus that has asked lately has seen them."""
        server = self._server
        if server is None or not server.scraped:
            return
        with self._harmless():
            record, summary = read_campaign(self._folder), read_summary(self._folder)
            points = last_points(series_of_claims(record, summary, stored_claims(self._folder), time.time()))
            with self._lock:
                self._campaign = points
            known, give_up = time.monotonic(), time.monotonic() + LAST_LOOK_S
            lately = known - server.scraped_at < 10 * LAST_LOOK_S
            while lately and server.scraped_at < known and time.monotonic() < give_up:
                time.sleep(0.1)

    def close(self) -> None:
        """Stop answering, and write down that a Prometheus has it all."""
        server, self._server = self._server, None
        if server is None:
            return
        with self._harmless():
            server.close()
            if self._now is not None:
                self._now.end()
            if self._folder.is_dir():
                note_scrapes(self._folder, server.scraped)

    def __enter__(self) -> LiveMetrics:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _collect(self) -> Iterator[Family]:
        with self._lock:
            points = [point for run in self._ended.values() for point in run]
            points += [*(self._now.points() if self._now else ()), *self._campaign]
        yield from families(points)

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 (whoever watches must not harm what is watched)
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Say it once: a run has more important things to say."""
        if not self._told:
            self._told = True
            what = str(error) if isinstance(error, OSError | ValueError) else f"{type(error).__name__}: {error}"
            self._say(f"No live metrics, or not all of them: {one_line(what)}. The campaign does not mind.")
