"""How the harness itself does over a long run: its memory, handles, threads and children (Linux: proc(5))."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FILE = "vitals.jsonl"


@dataclass(frozen=True)
class Vitals:
    """The process of the harness at one moment. `rss_kb`: resident memory; `handles`: open file descriptors;
    `children`: processes that it has started and that are there. `at`: what the harness was doing.
    """

    at: str
    time: str
    rss_kb: int
    handles: int
    threads: int
    children: int


def look(at: str) -> Vitals:
    """Look at this process."""
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if ":" in line
    )
    handles = len(list(Path("/proc/self/fd").iterdir())) - 1  # without the one that lists them
    # Every thread lists the children that it has started itself.
    tasks = Path("/proc/self/task")
    children = sum(len(_words(task / "children")) for task in tasks.iterdir())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Vitals(at, now, int(status["VmRSS"].split()[0]), handles, int(status["Threads"]), children)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:  # a thread that has ended, or a kernel that does not list them
        return []


def note(folder: Path, at: str) -> None:
    """Append a look to the folder's `vitals.jsonl`."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(look(at))) + "\n")


def noted(folder: Path) -> list[Vitals]:
    """Return all looks, oldest first; a line that was cut off is left out."""
    found = []
    path = folder / FILE
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            found.append(Vitals(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found
