"""Fault windows as annotations of a Grafana: a region for each time that a fault bit, with tags to find it by.

    GRAFANA_URL    where Grafana is (http://127.0.0.1:3000); without it nothing is written
    GRAFANA_TOKEN  a service account's token that may write annotations; without it name and password may be in the URL

Best effort: a Grafana that fails, hangs or is not there costs a run nothing, and the user one sentence. All of the
talking is done by a thread in the background, and nobody waits for it for longer than TIMEOUT_S.
API: https://grafana.com/docs/grafana/v11.6/developers/http_api/annotations/
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import quote, urlsplit

from grafana_client import GrafanaApi  # type: ignore[import-untyped]  # it has no types

from harness.errors import one_line
from harness.history import read_record
from harness.lab import Watched
from harness.observe.events import fault_windows, read_began

URL, TOKEN = "GRAFANA_URL", "GRAFANA_TOKEN"  # names of variables
TIMEOUT_S = 2.0
TAG = "chaos"
"""Every annotation of ours has it; the dashboards show annotations by it."""

MOST_FOUND = 1000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Region:
    """When a fault bit, in ms since 1970, with what Grafana shows about it."""

    from_ms: int
    until_ms: int
    tags: tuple[str, ...]
    text: str


def regions(folder: Path) -> Iterator[Region]:
    """Yield a region for each fault of the run in `folder`, a folder `<campaign>/runs/<run>`, that bit.

    Its edges are those of the receipt, as everywhere. Raises Unreadable naming what is missing or spoilt.
    """
    record, began = read_record(folder), read_began(folder)
    if began is None:
        return
    campaign = folder.resolve().parent.parent.name
    run = f"{campaign}/{record.run}"
    for fault, window in zip(record.faults, fault_windows(record, began.events), strict=True):
        if window is None:
            continue
        from_ms, until_ms = (round((began.t0_s + edge) * 1000) for edge in window)
        tags = (TAG, f"phase:{record.phase}", f"experiment:{record.experiment}", f"run:{run}", f"fault:{fault.name}")
        yield Region(from_ms, until_ms, tags, f"{fault.name}: {fault.aimed_at} ({record.phase}, {record.experiment})")


class Annotations:
    """Looks on at runs, and writes the faults of each into Grafana when it is over.

    Raises nothing, keeps nobody waiting. `say` is told at most once what went wrong, from any thread.
    """

    def __init__(self, url: str, token: str | None, say: Say, timeout_s: float = TIMEOUT_S) -> None:
        self._url, self._token, self._say, self._timeout_s = url, token, say, timeout_s
        self._runs: SimpleQueue[Path | None] = SimpleQueue()
        self._told = False
        self._thread = threading.Thread(target=self._work, name="grafana annotations", daemon=True)
        self._thread.start()

    def run_begins(self, watched: Watched) -> None:
        """Do nothing: what a fault's receipt says is known at the end."""

    def run_ends(self, folder: Path) -> None:
        """Have the faults of the run in `folder` written down, some time soon."""
        self._runs.put(folder)

    def close(self) -> None:
        """Wait until everything is written, but no longer than the time-out; what is left then is given up."""
        self._runs.put(None)
        self._thread.join(self._timeout_s)
        if self._thread.is_alive():
            self._tell(f"it did not answer within {self._timeout_s:g} s")

    def _work(self) -> None:
        while (folder := self._runs.get()) is not None:
            try:
                write(self._url, self._token, list(regions(folder)), self._timeout_s)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is no run's business
                self._tell(one_line(str(error) or type(error).__name__, most=160))

    def _tell(self, why: str) -> None:
        if not self._told:
            self._told = True
            self._say(f"Grafana at {shown(self._url)} got no annotations ({why}); runs are not affected.")


def from_environment(say: Say, environment: Mapping[str, str] = os.environ) -> Annotations | None:
    """Return who writes annotations; None when nobody asked for it."""
    url = environment.get(URL, "").strip()
    return Annotations(url, environment.get(TOKEN) or None, say) if url else None


def write(url: str, token: str | None, wanted: list[Region], timeout_s: float = TIMEOUT_S) -> int:
    """Write the regions that Grafana does not have yet, and return how many those were.

    Raises what grafana-client raises: GrafanaException, requests.RequestException, ValueError for what is no address.
    """
    if not wanted:
        return 0
    grafana = connected(url, token, timeout_s)
    run = next(tag for tag in wanted[0].tags if tag.startswith("run:"))
    # The client puts parameters into the URL as they are.
    asked = [quote(tag, safe="") for tag in (TAG, run)]
    found = grafana.annotations.get_annotation(tags=asked, limit=MOST_FOUND)
    there = {(each["time"], each["timeEnd"], each["text"]) for each in found}
    missing = [region for region in wanted if (region.from_ms, region.until_ms, region.text) not in there]
    for region in missing:
        grafana.annotations.add_annotation(
            time_from=region.from_ms, time_to=region.until_ms, tags=list(region.tags), text=region.text
        )
    return len(missing)


def connected(url: str, token: str | None, timeout_s: float = TIMEOUT_S) -> GrafanaApi:
    """Return the client for a Grafana, also one below a path; nothing is sent yet. Raises ValueError for no address."""
    url = url if "://" in url else f"http://{url}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{URL} is no address of a Grafana: {shown(url)}")
    # The client glues the path and `api` together.
    whole = parts._replace(path=parts.path.rstrip("/") + "/").geturl()
    grafana = GrafanaApi.from_url(whole, credential=token, timeout=timeout_s)
    if parts.hostname in LOOPBACK:
        grafana.client.s.trust_env = False  # a proxy of this machine's knows another loopback
    return grafana


def shown(url: str) -> str:
    """Return the address without name and password, for messages."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
