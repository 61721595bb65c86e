"""What happened, on disk before anything is judged.

A run is a folder:

    run.json          RunRecord: what was asked for, the windows, validity, generator, durability, pressure
    run.begun.json    the same while it runs: what it would be if the harness died now; `recover` makes run.json of it
    raw.jsonl         what the load generator wrote while it ran, one line per finished arrival
    arrivals.parquet  one row per *scheduled* arrival, in the order of their due times (Arrivals)
    events.jsonl      the timeline: phases, faults with their receipts, notes; one JSON object per line
    pressure.jsonl    how busy the machine was, one line per second
    cost.jsonl        what everything has used, one line per second (`harness.cost`)

All times are seconds of run time (`harness.clock`): zero is the first counted arrival's window.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from harness.alerts import Alert, Listening
from harness.arrivals import ARRIVALS, Arrivals, Bools, Floats, Strings, read_arrivals
from harness.cost import Cost
from harness.outcome import Kind, Outcome
from harness.scaling import Decision, Running
from harness.stored import read_stored, write_whole

RECORD, BEGUN, EVENTS = "run.json", "run.begun.json", "events.jsonl"

__all__ = [
    "ARRIVALS",
    "Arrivals",
    "Bools",
    "Decision",
    "Floats",
    "Kind",
    "Outcome",
    "Running",
    "Strings",
    "read_arrivals",
]  # lent on from here


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
    """How well the instrument itself did. Lateness is sent minus due, in ms; lag is that of its event loop."""

    planned: int
    started: int
    recorded: int
    unsent: int
    lateness_ms_p50: float
    lateness_ms_p99: float
    lateness_ms_max: float
    in_flight_max: int
    cpu_share: float
    loop_lag_ms_p99: float | None = None
    loop_lag_ms_max: float | None = None


@dataclass(frozen=True)
class Pressure:
    """How busy the machine was, over the `seconds` rows of `pressure.jsonl`. Shares from 0 to 1, None if not known.

    `*_some_*` are PSI: the share of time in which somebody waited for it. `cpu_busy_share`, `steal_*` are of all
    processors together, `generator_cpu_share` is of one.
    """

    seconds: int
    cpu_some_avg: float | None
    cpu_some_max: float | None
    memory_some_avg: float | None
    io_some_avg: float | None
    cpu_busy_share: float | None
    steal_share: float | None
    steal_max: float | None
    generator_cpu_share: float | None


@dataclass(frozen=True)
class Stretch:
    """A part of a run's counted window with one planned rate (arrivals a second); times are run times (s)."""

    per_s: float
    from_s: float
    until_s: float


@dataclass(frozen=True)
class Way:
    """How users of a place came in: the round trip (ms) that was to be added, and what a probe found it to be.

    `added_ms` are the probes before and after the load, None where one was not answered.
    """

    place: str
    rtt_ms: float
    added_ms: list[float | None]


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` holds: everything about a run that is neither an arrival nor an event.

    `duration_s` is the counted window (warm-up before it and drain after it are not counted).
    `void_because` lists every reason why the run cannot be trusted; an empty list means that it is valid.

    `rate_per_s` is that of the users, on average. `clients` is to how many clients they belonged, none of whom sends
    more than any limit allows; None in older runs, which all came from one. `stretches` are given where the rate
    changes, `ways` where users come from places, `abuser_per_s` where there is an abuser, `replicas` where a
    component grows by itself, `decisions` where a component says what it decided, `claimed_users` where `users` are
    fewer than are claimed, for want of processors. `notes` is what is missing from the record and decides nothing.
    `cost` is None where nobody watched it. `overloaded` says in words how the machine was, and voids nothing.

    `alerts` are those that fired; None where nobody can say, because the target has no pager (`listening` is None, too)
    or because the run is blind (`listening` says why). `alerts_expected` are the names of the right ones.
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
    pressure: Pressure | None = None
    clients: int | None = None
    stretches: list[Stretch] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    abuser_per_s: float | None = None
    replicas: list[Running] = field(default_factory=list)
    claimed_users: int | None = None
    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    alerts: list[Alert] | None = None
    listening: Listening | None = None
    alerts_expected: list[str] = field(default_factory=list)
    cost: Cost | None = None
    overloaded: list[str] = field(default_factory=list)

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
        return self._counted

    @cached_property
    def _counted(self) -> Arrivals:
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
        """Close the file. What a full disk did not take is lost; whoever wrote it has been told."""
        with suppress(OSError):
            self._file.close()


def write_record(folder: Path, record: RunRecord, name: str = RECORD) -> None:
    """Write `run.json` (or `name`) so that a crash leaves either the old one or the new one."""
    write_whole(folder / name, json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n")


def read_record(folder: Path, name: str = RECORD) -> RunRecord:
    """Read `run.json` (or `name`) back. Raises Unreadable."""
    return read_stored(folder / name, RunRecord)


def read_history(folder: Path) -> History:
    """Read a run, without the ids of its arrivals. Raises Unreadable naming the file that is missing or spoilt."""
    return History(read_record(folder), read_arrivals(folder, ids=False))
