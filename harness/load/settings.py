"""What passes between the harness and the Locust process: a folder of small files, and nothing else.

plan.npz         the plan (harness.load.plan)
load.json        Settings
load.ready       written by Locust once the plan is read and the target's address is known
load.go          written by the harness: when the run's zero is
raw.jsonl        one line per finished arrival
generator.json   Summary, written by Locust when it ends
locust.log       what Locust has to say
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
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
    `deadline_s` counts from the due time; `harness_pid` is whose death ends the generator too.
    """

    host: str
    run: str
    deadline_s: float
    harness_pid: int


@dataclass(frozen=True)
class Summary:
    """What the generator says about itself. Seconds, kilobytes, milliseconds; counts of arrivals.

    `finished` is False when it was stopped before every arrival had ended. `loop_lag_ms_max` is the longest time
    that the event loop was late for a timer.
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


def write_settings(folder: Path, settings: Settings) -> None:
    """Write `load.json`."""
    _write_whole(folder / SETTINGS, json.dumps(asdict(settings)))


def read_settings(folder: Path) -> Settings:
    """Read `load.json` back."""
    return Settings(**json.loads((folder / SETTINGS).read_text(encoding="utf-8")))


def write_summary(folder: Path, summary: Summary) -> None:
    """Write `generator.json`."""
    _write_whole(folder / SUMMARY, json.dumps(asdict(summary), indent=2) + "\n")


def read_summary(folder: Path) -> Summary | None:
    """Read `generator.json` back; None when the generator never wrote it."""
    path = folder / SUMMARY
    return Summary(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


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
