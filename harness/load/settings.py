"""What passes between the harness and the Locust process: a folder of small files, and nothing else.

plan.npz         the plan (harness.load.plan)
load.json        Settings
load.ready       written by Locust once the plan is read and the target's address is known
load.go          written by the harness: when the run's zero is
raw.jsonl        one line per finished arrival
generator.json   Summary, written by Locust when it ends
locust.log       what Locust has to say

With several processes each worker has its own load.<worker>.ready, raw.<worker>.jsonl and generator.<worker>.json.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.clock import RunClock

PLAN, SETTINGS, READY, GO = "plan.npz", "load.json", "load.ready", "load.go"
RAW, SUMMARY, LOG = "raw.jsonl", "generator.json", "locust.log"
LOCUST_STATISTICS = "locust_statistics"  # Locust adds the .json

FOLDER_VARIABLE = "HARNESS_LOAD_FOLDER"
"""Environment variable that tells the locustfile where its folder is."""


@dataclass(frozen=True)
class Settings:
    """What the generator must know beside the plan.

    `host` is the base URL of the target; `run` makes keys and tokens unique among all runs on one store;
    `deadline_s` counts from the due time; `harness_pid` is whose death ends the generator too; of `processes` more
    than one are Locust workers under a master, each with its own share of the plan. `clients` is to how many clients
    the arrivals belong. `doors` are the base URLs by which the places come in, in the order of their numbers in the
    plan; empty where everybody comes in at `host`.
    """

    host: str
    run: str
    deadline_s: float
    harness_pid: int
    processes: int = 1
    clients: int = 1
    doors: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Summary:
    """What the generator says about itself. Seconds, kilobytes, milliseconds; counts of arrivals.

    `finished` is False when it was stopped before every arrival had ended. `loop_lag_ms_*` is how late the event loop
    was for a timer that is due every 50 ms.
    """

    finished: bool
    planned: int
    started: int
    recorded: int
    in_flight_max: int
    wall_s: float
    cpu_s: float
    max_rss_kb: int
    loop_lag_ms_max: float
    loop_lag_ms_p99: float = 0.0


def part(name: str, worker: int, processes: int) -> str:
    """Return the name of a worker's own file: 'raw.jsonl' is 'raw.1.jsonl' for worker 1 of several."""
    if processes == 1:
        return name
    stem, _, ending = name.partition(".")
    return f"{stem}.{worker}.{ending}"


def parts(folder: Path, name: str) -> list[Path]:
    """Return the paths of all workers' files of that name, whether they exist or not."""
    known = (folder / SETTINGS).is_file()
    processes = read_settings(folder).processes if known else 1
    return [folder / part(name, worker, processes) for worker in range(processes)]


def write_settings(folder: Path, settings: Settings) -> None:
    """Write `load.json`."""
    _write_whole(folder / SETTINGS, json.dumps(asdict(settings)))


def read_settings(folder: Path) -> Settings:
    """Read `load.json` back."""
    return Settings(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))


def write_summary(folder: Path, summary: Summary, name: str = SUMMARY) -> None:
    """Write `generator.json`, or a worker's own file."""
    _write_whole(folder / name, json.dumps(asdict(summary), indent=2) + "\n")


def read_summary(folder: Path) -> Summary | None:
    """Read what the generator says about itself, all workers together; None when none of them wrote anything.

    Counts and processor time are sums; `in_flight_max` too, which is then an upper bound; the rest is the worst of all.
    It is only finished when every worker is.
    """
    expected = parts(folder, SUMMARY)
    found = [Summary(**json.loads(path.read_text(encoding="utf-8"))) for path in expected if path.is_file()]
    return _merged(found, len(expected)) if found else None


def _merged(found: Sequence[Summary], processes: int) -> Summary:
    return Summary(
        finished=len(found) == processes and all(one.finished for one in found),
        planned=sum(one.planned for one in found),
        started=sum(one.started for one in found),
        recorded=sum(one.recorded for one in found),
        in_flight_max=sum(one.in_flight_max for one in found),
        wall_s=max(one.wall_s for one in found),
        cpu_s=round(sum(one.cpu_s for one in found), 3),
        max_rss_kb=max(one.max_rss_kb for one in found),
        loop_lag_ms_max=max(one.loop_lag_ms_max for one in found),
        loop_lag_ms_p99=max(one.loop_lag_ms_p99 for one in found),
    )


def write_go(folder: Path, clock: RunClock) -> None:
    """Hand over the run's zero."""
    _write_whole(folder / GO, json.dumps(asdict(clock)))


def read_go(folder: Path) -> RunClock | None:
    """Return the run's clock once the harness has handed it over, else None."""
    path = folder / GO
    return RunClock(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _write_whole(path: Path, text: str) -> None:
    """Write so that a reader sees the whole file or none."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
