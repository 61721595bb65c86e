"""`raw.jsonl`: one line per finished arrival, written while the run goes on and readable after any death."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.outcome import Kind, Outcome


@dataclass(frozen=True)
class Record:
    """What became of one arrival. Times are run times (s), None where the thing did not happen.

    `kind` is what was really asked, `sent_s` the moment the attempt began (connecting is part of it), `first_byte_s`
    when the head of the answer was there. `status` is 0 where no status line came, strings are '' where there is none.
    """

    seq: int
    kind: Kind
    sent_s: float | None
    first_byte_s: float | None
    ended_s: float | None
    outcome: Outcome
    status: int = 0
    conversation_id: str = ""
    user_message_id: str = ""
    assistant_message_id: str = ""
    provider: str = ""
    detail: str = ""


class RawLog:
    """Collects records and appends them to the file whenever it is told to flush."""

    def __init__(self, path: Path) -> None:
        # Unbuffered: a flush is one write, so that a killed process leaves whole lines, or one cut off at the end.
        self._file = path.open("ab", buffering=0)
        self._lines: list[str] = []
        self.recorded = 0

    def add(self, record: Record) -> None:
        """Take a record; it is on disk after the next `flush`."""
        self._lines.append(json.dumps(asdict(record), separators=(",", ":")))
        self.recorded += 1

    def flush(self) -> None:
        """Append what was taken since the last flush; what comes after `close` is left out."""
        if self._lines and not self._file.closed:
            whole, self._lines = "\n".join(self._lines) + "\n", []
            left = memoryview(whole.encode())
            while left:
                left = left[self._file.write(left) :]

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()
