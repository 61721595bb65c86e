"""A campaign and the laboratory beside it: its Prometheus and its Grafana, if they are up (`make monitoring`).

    Prometheus   scrapes the live metrics while the campaign goes on. Those series stay: at the end they have the very
                 figures of the summary. Only a campaign that it has never asked for is back-filled when it is over.
    Grafana      gets the faults of each run as annotations.

Both are looked for once, when the campaign begins or ends. Whatever goes wrong here costs one sentence and no run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

from harness.errors import HarnessError, one_line
from harness.lab import Watched
from harness.observe.annotations import Annotations, from_environment
from harness.observe.backfill import backfill
from harness.observe.command import DATA, data_directory
from harness.observe.live import LiveMetrics
from harness.observe.scraped import scrapes_of

PROMETHEUS, GRAFANA, PAGES = "http://127.0.0.1:9090", "http://127.0.0.1:3000", "http://127.0.0.1:8080"
HOME = "chaos-experiment"
"""The dashboard by which our Grafana is told from another one."""

PASSWORD = "GRAFANA_PASSWORD"  # noqa: S105 (the name of a variable)
ANSWER_S = 1.0
Say = Callable[[str], None]


def prometheus_is_up(url: str = PROMETHEUS) -> bool:
    """Whether the laboratory's Prometheus answers: one that watches the harness."""
    return "job_name: harness" in _asked(f"{url}/api/v1/status/config")


def grafana_is_up(url: str = GRAFANA) -> bool:
    """Whether the laboratory's Grafana answers: one that has our dashboards, and shows them to anybody."""
    return HOME in _asked(f"{url}/api/dashboards/uid/{HOME}")


def pages_are_up(url: str = PAGES) -> bool:
    """Whether the laboratory's pages answer."""
    return "/v1/chat/arquitetura" in _asked(url)


def _asked(url: str) -> str:
    """What is answered with 200, and '' for anything else. A proxy of this machine's knows another loopback."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=ANSWER_S)
    except (requests.RequestException, OSError, ValueError):
        return ""
    return answer.text if answer.status_code == requests.codes.ok else ""


def grafana_for_us(url: str = GRAFANA) -> str:
    """Return the address with the name and the password under which the laboratory's Grafana lets us write."""
    return url.replace("://", f"://admin:{os.environ.get(PASSWORD, '').strip() or 'admin'}@")


class Watchers:
    """Everybody who looks on at a campaign: live metrics, and annotations where there is a Grafana for them."""

    def __init__(self, folder: Path, say: Say) -> None:
        self._metrics = LiveMetrics(folder, say)
        notes = from_environment(say)
        self._notes = notes or (Annotations(grafana_for_us(), None, say) if grafana_is_up() else None)

    def run_begins(self, watched: Watched) -> None:
        """Watch a run."""
        self._metrics.run_begins(watched)
        if self._notes is not None:
            self._notes.run_begins(watched)

    def run_ends(self, folder: Path) -> None:
        """Show how it ended."""
        self._metrics.run_ends(folder)
        if self._notes is not None:
            self._notes.run_ends(folder)

    def campaign_ends(self) -> None:
        """Show the verdicts, until a Prometheus that has asked lately has seen them."""
        self._metrics.campaign_ends()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._metrics.close()
        if self._notes is not None:
            self._notes.close()


def see_to(folder: Path, say: Say) -> None:
    """See that the laboratory, if it is up, has a campaign that is over; say where it can be looked at."""
    if not prometheus_is_up():
        return
    data = data_directory() if os.environ.get(DATA) else folder.parent / "prometheus"
    try:
        if not scrapes_of(folder):
            if not (data / "wal").is_dir():
                raise HarnessError(f"{data} is not its directory.")
            say(backfill(folder, data).sentence)
    except (HarnessError, OSError) as error:
        say(f"The laboratory does not have this campaign ({one_line(str(error))}); `make observe` tries again.")
        return
    say(f"dashboards: {GRAFANA}" if grafana_is_up() else f"series:     {PROMETHEUS}")
