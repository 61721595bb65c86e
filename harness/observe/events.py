"""When a run was on the wall clock, and when its faults bit: read from `events.jsonl` and the receipts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.history import EVENTS, FaultRecord, RunRecord
from harness.stored import Unreadable


@dataclass(frozen=True)
class Began:
    """The run's zero (s since 1970), and everything that was written down while it went on."""

    t0_s: float
    events: tuple[dict[str, Any], ...]


def read_began(folder: Path) -> Began | None:
    """Read a run's `events.jsonl`; a last line that was cut off is left out. None: the run ended before it began.

    Raises Unreadable.
    """
    path = folder / EVENTS
    try:
        whole = path.read_bytes()
        events = [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]
        began = next((event["t0"] for event in events if event["event"] == "run_started"), None)
        return None if began is None else Began(datetime.fromisoformat(began).timestamp(), tuple(events))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(path, f"it cannot be read ({error})") from None


def fault_windows(record: RunRecord, events: Sequence[dict[str, Any]]) -> list[tuple[float, float] | None]:
    """Return when each fault bit (run times, s), in the record's order: by its receipt, which saw it from outside.

    What the receipt does not say is taken from the events, and a fault of which nobody saw the end lasts until the
    run's. None: it never struck.
    """
    logged: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for event in events:
        if event["event"] in ("fault_on", "fault_off"):
            logged[event["event"], event["fault"], event["aimed_at"]].append(event["t_s"])
    return [_window(record, fault, logged) for fault in record.faults]


def _window(
    record: RunRecord, fault: FaultRecord, logged: dict[tuple[str, str, str], list[float]]
) -> tuple[float, float] | None:
    asked = (fault.name, fault.aimed_at)
    on_s, off_s = _next(logged["fault_on", *asked]), _next(logged["fault_off", *asked])
    on_s = on_s if fault.receipt.on_s is None else fault.receipt.on_s
    off_s = off_s if fault.receipt.off_s is None else fault.receipt.off_s
    if on_s is None:
        return None
    return on_s, max(on_s, record.duration_s if off_s is None else off_s)


def _next(moments: list[float]) -> float | None:
    return moments.pop(0) if moments else None
