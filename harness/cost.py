"""What a run cost: processor time and memory of each component of the target, and of the harness itself.

`cost.jsonl` in a run's folder begins with {"roles": {component: role}}; then comes a row each second:

    {"t_s": 12.003, "busy_s": 24.1,
     "components": {"app": [3.214, 104857600], ...},    all instances of a component together
     "harness": {"harness": [1.02, 81788928], "generator": [...], "toxiproxy": [...]}}

The first figure is the processor time (s) used since the first row, the second the memory (bytes) in use at that
moment, null where nobody says. `busy_s` is the time that all processors of the machine together were busy since then,
whoever kept them busy. Instances that came later are counted from their start, those that ended up to the last look at
them: at most a second of each is lost.

Rows cover warm-up and drain, too; reported and shown is the counted window, as of all other figures (`counted`).
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

FILE = "cost.jsonl"
HARNESS, GENERATOR, PROXIES = "harness", "generator", "toxiproxy"
"""The harness's own parts: itself, its load generator, and the proxies that it put on the target's links."""


@dataclass(frozen=True)
class Meter:
    """How one container stands. `cpu_s` is what it has used since it started; None where that is not known now."""

    key: str
    part: str
    cpu_s: float | None
    memory_bytes: int | None
    ours: bool = False  # part of the harness, and not of the target


class Meters(Protocol):
    """Reads the meters of everything that runs for the target."""

    every_s: float

    def roles(self) -> Mapping[str, str]:
        """The role of each component."""
        ...

    def read(self) -> Sequence[Meter]:
        """Read them all. Raises nothing: what cannot be read now is left out."""
        ...

    def close(self) -> None:
        """Give back what reading needed."""
        ...


@dataclass(frozen=True)
class PartCost:
    """What one part used: processor time (s), and memory (bytes, all instances together), null where nobody says."""

    name: str
    role: str
    cpu_s: float
    memory_max_bytes: int | None
    memory_mean_bytes: int | None


@dataclass(frozen=True)
class Cost:
    """What a run cost in its counted window, of which rows cover `seconds`.

    `busy_s` is the processor time of everything on the machine, of which `processors` x `seconds` were to be had.
    """

    seconds: float
    processors: int
    busy_s: float | None
    components: list[PartCost]
    harness: list[PartCost]


class Totals:
    """Adds up counters that appear, begin anew and vanish, by part. What is there at first counts from there on."""

    def __init__(self) -> None:
        self._last: dict[Hashable, float] = {}
        self._sums: dict[str, float] = {}
        self._begun = False

    def add(self, readings: Iterable[tuple[Hashable, str, float]]) -> None:
        """Take in one look: (which counter, of which part, how it stands)."""
        for key, part, value in readings:
            before = self._last.get(key, value if not self._begun else 0.0)
            used = value - before if value >= before else value  # a container that was started again counts from 0
            self._sums[part] = self._sums.get(part, 0.0) + used
            self._last[key] = value
        self._begun = True

    @property
    def sums(self) -> Mapping[str, float]:
        """What each part has used since the first look."""
        return self._sums


def read_cost(path: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the roles and the rows of `cost.jsonl`; a last line that was cut off is left out, a missing file empty."""
    if not path.is_file():
        return {}, []
    whole = path.read_bytes()
    lines = [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]
    return (lines[0]["roles"], lines[1:]) if lines else ({}, [])


def counted(rows: Sequence[Mapping[str, Any]], duration_s: float) -> list[dict[str, Any]]:
    """Return the rows of the counted window, with what was used before it taken off.

    They begin with the last row before it and end with the first one after it, or with what there is.
    """
    if not rows:
        return []
    begin, end = window(rows, duration_s)
    base = rows[begin]
    return [
        {
            "t_s": row["t_s"],
            "busy_s": None if row["busy_s"] is None or base["busy_s"] is None else row["busy_s"] - base["busy_s"],
            "components": _since(base["components"], row["components"]),
            "harness": _since(base["harness"], row["harness"]),
        }
        for row in rows[begin : end + 1]
    ]


def window(rows: Sequence[Mapping[str, Any]], duration_s: float) -> tuple[int, int]:
    """Return the numbers of the first row and the last one of the counted window; of no rows, none are right."""
    begin = max((k for k, row in enumerate(rows) if row["t_s"] <= 0), default=0)
    return begin, next((k for k, row in enumerate(rows) if row["t_s"] >= duration_s), len(rows) - 1)


def _since(base: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, list[Any]]:
    return {part: [cpu_s - base.get(part, [0.0])[0], memory] for part, (cpu_s, memory) in used.items()}


def summarised(
    roles: Mapping[str, str], rows: Sequence[Mapping[str, Any]], *, duration_s: float, processors: int
) -> Cost | None:
    """Return what the rows of `cost.jsonl` come to; None of fewer than two, between which no time lies."""
    rows = counted(rows, duration_s)
    if len(rows) < 2:
        return None
    last = rows[-1]
    return Cost(
        seconds=round(last["t_s"] - rows[0]["t_s"], 3),
        processors=processors,
        busy_s=None if last["busy_s"] is None else round(last["busy_s"], 3),
        components=_parts([row["components"] for row in rows], roles),
        harness=_parts([row["harness"] for row in rows], dict.fromkeys((HARNESS, GENERATOR, PROXIES), HARNESS)),
    )


def _parts(rows: Sequence[Mapping[str, Sequence[Any]]], roles: Mapping[str, str]) -> list[PartCost]:
    """The parts in the order in which they appeared; one that is not in a row had no memory in use then."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [_part(name, roles.get(name, name), rows) for name in names]


def _part(name: str, role: str, rows: Sequence[Mapping[str, Sequence[Any]]]) -> PartCost:
    memory = [row[name][1] for row in rows if name in row and row[name][1] is not None]
    return PartCost(
        name=name,
        role=role,
        cpu_s=round(next(row[name][0] for row in reversed(rows) if name in row), 3),
        memory_max_bytes=max(memory, default=None),
        memory_mean_bytes=round(sum(memory) / len(memory)) if memory else None,
    )


def together(costs: Sequence[Cost]) -> Cost | None:
    """Return what several runs cost together: sums, the largest memory, and the mean memory over all of their time."""
    if not costs:
        return None
    busy = [each.busy_s for each in costs]
    return Cost(
        seconds=round(sum(each.seconds for each in costs), 3),
        processors=costs[0].processors,
        busy_s=None if None in busy else round(sum(each for each in busy if each is not None), 3),
        components=_added([(each.seconds, part) for each in costs for part in each.components]),
        harness=_added([(each.seconds, part) for each in costs for part in each.harness]),
    )


def _added(parts: Sequence[tuple[float, PartCost]]) -> list[PartCost]:
    by_name: dict[str, list[tuple[float, PartCost]]] = {}
    for seconds, part in parts:
        by_name.setdefault(part.name, []).append((seconds, part))
    return [_one(name, same) for name, same in by_name.items()]


def _one(name: str, same: Sequence[tuple[float, PartCost]]) -> PartCost:
    mean = [(seconds, part.memory_mean_bytes) for seconds, part in same if part.memory_mean_bytes is not None]
    over_s = sum(seconds for seconds, _ in mean)
    return PartCost(
        name=name,
        role=same[0][1].role,
        cpu_s=round(sum(part.cpu_s for _, part in same), 3),
        memory_max_bytes=max((p.memory_max_bytes for _, p in same if p.memory_max_bytes is not None), default=None),
        memory_mean_bytes=round(sum(seconds * value for seconds, value in mean) / over_s) if over_s else None,
    )
