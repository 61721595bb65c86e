"""What the harness is in the middle of, on disk before it is done, so that `recover` can undo it after a kill -9."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.engine.processes import start_mark
from harness.errors import HarnessError

FILE = "journal.jsonl"


class Journal:
    """Append-only lines of one campaign; each is on the disk before the method returns. `state` is its folder."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    @classmethod
    def begin(cls, state: Path, *, campaign: str, phase: str, project: str, results: Path) -> Journal:
        """Start the journal of a campaign. Raises HarnessError when the last one never came to its end."""
        before = read_journal(state)
        if before.unfinished:
            raise HarnessError(f"{before.sentence()}.", "Run `make recover` first.")
        state.mkdir(parents=True, exist_ok=True)
        (state / FILE).unlink(missing_ok=True)
        journal = cls(state)
        journal._write(
            "campaign",
            campaign=campaign,
            phase=phase,
            project=project,
            results=str(results),
            pid=os.getpid(),
            mark=start_mark(os.getpid()) or "",
        )
        _sync_folder(state)
        return journal

    def process_started(self, what: str, pid: int) -> None:
        """A child process that must not outlive the campaign."""
        self._write("process", what=what, pid=pid, mark=start_mark(pid) or "")

    def swarm_begun(self) -> None:
        """The engine is about to be made the manager of a swarm, which must be left again."""
        self._write("swarm")

    def fault_on(self, name: str, aimed_at: str) -> None:
        """A fault is about to bite: written before it does."""
        self._write("fault_on", name=name, aimed_at=aimed_at)

    def fault_off(self, name: str, aimed_at: str) -> None:
        """The fault is healed: written after it is."""
        self._write("fault_off", name=name, aimed_at=aimed_at)

    def finished(self) -> None:
        """Nothing of the campaign is left."""
        self._write("finished")

    def _write(self, event: str, **details: Any) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **details}, ensure_ascii=False)
        # Opened each time: there are few lines, and nothing is left open when the harness dies.
        with self._path.open("a+b") as file:
            # A harness that was killed in mid-write left half a line; what follows must not become part of it.
            torn = file.tell() > 0 and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n"
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True)
class JournalRead:
    """A journal as found: its lines, oldest first."""

    entries: tuple[dict[str, Any], ...]

    @property
    def unfinished(self) -> bool:
        """Whether a campaign was begun and never came to its end."""
        return bool(self.entries) and self.entries[-1]["event"] != "finished"

    def sentence(self) -> str:
        """Say which campaign it was."""
        first = next((e for e in self.entries if e["event"] == "campaign"), {})
        return f"The campaign {first.get('campaign', '?')} ({first.get('phase', '?')}) did not end properly"

    @property
    def results(self) -> str:
        """The folder of its results; '' when there is none."""
        return str(next((e.get("results", "") for e in self.entries if e["event"] == "campaign"), ""))

    def processes(self) -> list[tuple[str, int, str]]:
        """(what, pid, start mark) of every child process, oldest first."""
        return [(e["what"], int(e["pid"]), e["mark"]) for e in self.entries if e["event"] == "process"]

    @property
    def made_swarm(self) -> bool:
        """Whether the engine was no part of a swarm before the campaign."""
        return any(e["event"] == "swarm" for e in self.entries)

    def open_faults(self) -> list[tuple[str, str]]:
        """(name, aimed at) of the faults that were never healed."""
        on = [(e["name"], e["aimed_at"]) for e in self.entries if e["event"] == "fault_on"]
        for e in self.entries:
            if e["event"] == "fault_off" and (e["name"], e["aimed_at"]) in on:
                on.remove((e["name"], e["aimed_at"]))
        return on


def read_journal(state: Path) -> JournalRead:
    """Read the journal in `state`; empty when there is none. A last line that was cut off in mid-write is left out."""
    try:
        text = (state / FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return JournalRead(())
    entries = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry:
            entries.append(entry)
    return JournalRead(tuple(entries))


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
