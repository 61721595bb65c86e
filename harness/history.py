"""What happened, on disk before anything is judged.

A run is a folder:

    run.json          RunRecord: what was asked for, the windows, validity, generator, durability
    raw.jsonl         what the load generator wrote while it ran, one line per finished arrival
    arrivals.parquet  one row per *scheduled* arrival, in the order of their due times (Arrivals)
    events.jsonl      the timeline: phases, faults with their receipts, notes; one JSON object per line

All times are seconds of run time (`harness.clock`): zero is the first counted arrival's window.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

import duckdb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.object_]


class Kind(StrEnum):
    """What a scheduled arrival asks for."""

    CHAT = "chat"
    STREAM = "stream"
    READ = "read"


class Outcome(StrEnum):
    """How a scheduled arrival ended, from the user's side. Only OK can be good."""

    OK = "ok"
    UNSENT = "unsent"  # it was due and never sent: the instrument's fault, and still not good
    DEADLINE = "deadline"  # no complete answer inside the deadline
    REFUSED = "refused"  # no connection could be made
    RESET = "reset"  # the connection broke before the answer was complete
    HTTP_ERROR = "http_error"  # a wrong status
    LIMITED = "limited"  # 429: counted apart
    TRUNCATED = "truncated"  # the answer ended without its end
    MALFORMED = "malformed"  # the answer cannot be read
    WRONG = "wrong"  # well-formed, but of another conversation, or an acknowledged message is missing


@dataclass(frozen=True)
class Arrivals:
    """One row per scheduled arrival, as columns of equal length, sorted by `due_s`.

    Times are run times in seconds, NaN where the thing did not happen. `counted` is False for warm-up.
    Strings are '' where there is none. `status` is 0 where no status line came.
    """

    seq: npt.NDArray[np.int64]
    kind: Strings
    counted: Bools
    due_s: Floats
    sent_s: Floats
    first_byte_s: Floats
    ended_s: Floats
    outcome: Strings
    status: npt.NDArray[np.int64]
    conversation_id: Strings
    user_message_id: Strings
    assistant_message_id: Strings
    provider: Strings
    detail: Strings

    def __len__(self) -> int:
        return len(self.seq)

    def select(self, mask: Bools) -> Arrivals:
        """Return the rows where `mask` is true."""
        return Arrivals(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def good(self, deadline_s: float) -> Bools:
        """True where the answer was right, complete and inside `deadline_s` counted from the due time."""
        latency = self.ended_s - self.due_s
        return np.asarray((self.outcome == Outcome.OK.value) & (latency <= deadline_s), dtype=np.bool_)

    def acknowledged(self) -> Bools:
        """True where the target said that a message was taken: it must be found again."""
        return np.asarray((self.outcome == Outcome.OK.value) & (self.assistant_message_id != ""), dtype=np.bool_)


@dataclass(frozen=True)
class Receipt:
    """The proof, from a side channel, that a fault really had the effect it asked for.

    `status` is 'confirmed', 'mismatch' (something else happened) or 'missing' (no proof). `requested` and
    `delivered` hold the dose in the same keys and units; `evidence` are sentences for people.
    `on_s` and `off_s` are measured run times (s), None where the moment was not seen.
    """

    status: str
    requested: dict[str, Any]
    delivered: dict[str, Any]
    on_s: float | None
    off_s: float | None
    evidence: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FaultRecord:
    """One fault of a run: what it was, what it was aimed at, when it was planned, and its receipt."""

    name: str
    aimed_at: str
    planned_on_s: float
    planned_off_s: float | None
    healed: bool
    receipt: Receipt


@dataclass(frozen=True)
class Durability:
    """Every acknowledged message, looked for again through the API after the run. Counts of messages."""

    acknowledged: int
    lost: int
    duplicated: int
    reordered: int
    unchecked: int  # could not be looked for, because the conversation could not be read


@dataclass(frozen=True)
class Generator:
    """How well the instrument itself did. Lateness is sent minus due, in milliseconds."""

    planned: int
    started: int
    recorded: int
    unsent: int
    lateness_ms_p50: float
    lateness_ms_p99: float
    lateness_ms_max: float
    in_flight_max: int
    cpu_share: float


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` holds: everything about a run that is neither an arrival nor an event.

    `duration_s` is the counted window (warm-up before it and drain after it are not counted).
    `void_because` lists every reason why the run cannot be trusted; an empty list means that it is valid.
    """

    schema: int
    run: str
    phase: str
    experiment: str
    hypothesis: str
    repeat: int
    seed: int
    started: str
    rate_per_s: float
    users: int | None
    think_s: float | None
    deadline_s: float
    warmup_s: float
    duration_s: float
    shares: dict[str, float]
    faults: list[FaultRecord]
    durability: Durability | None
    generator: Generator | None
    void_because: list[str]

    @property
    def valid(self) -> bool:
        """Whether the run may be judged."""
        return not self.void_because


@dataclass(frozen=True)
class History:
    """A finished run, read back from its folder: the only thing that checks ever see."""

    record: RunRecord
    arrivals: Arrivals

    def counted(self) -> Arrivals:
        """Return the arrivals without the warm-up."""
        return self.arrivals.select(self.arrivals.counted)


class EventLog:
    """Appends events to `events.jsonl`; each is flushed to the disk before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, t_s: float, event: str, **details: Any) -> None:
        """Append one event at run time `t_s` (s)."""
        line = json.dumps({"t_s": round(t_s, 6), "event": event, **details}, ensure_ascii=False)
        self._file.write(line + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `run.json` so that a crash leaves either the old one or the new one."""
    text = json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n"
    temporary = folder / "run.json.new"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / "run.json")


def read_record(folder: Path) -> RunRecord:
    """Read `run.json` back."""
    data = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    data["faults"] = [FaultRecord(**{**f, "receipt": Receipt(**f["receipt"])}) for f in data["faults"]]
    data["durability"] = Durability(**data["durability"]) if data["durability"] else None
    data["generator"] = Generator(**data["generator"]) if data["generator"] else None
    return RunRecord(**data)


def read_arrivals(folder: Path) -> Arrivals:
    """Read `arrivals.parquet`, sorted by due time."""
    names = [f.name for f in fields(Arrivals)]
    with duckdb.connect() as database:
        columns = database.execute(
            f"select {', '.join(names)} from read_parquet(?) order by due_s, seq",  # noqa: S608 (field names)
            [str(folder / "arrivals.parquet")],
        ).fetchnumpy()
    return Arrivals(**{name: _plain(columns[name]) for name in names})


def read_history(folder: Path) -> History:
    """Read a run's folder."""
    return History(read_record(folder), read_arrivals(folder))


def _plain(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """DuckDB gives masked arrays where a column may be null; checks see NaN instead."""
    if isinstance(column, np.ma.MaskedArray):
        return np.asarray(column.filled(np.nan if column.dtype.kind == "f" else column.fill_value))
    return column
