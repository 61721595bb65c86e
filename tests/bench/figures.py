"""What a benchmark is: what it measures, what it should reach, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path


class Skipped(Exception):
    """A benchmark cannot be carried out here; the message says why."""


@dataclass(frozen=True)
class Goal:
    """One figure of a benchmark: its name, its unit, and the range in which it should lie (None: no bound).

    `what` says in a few words what the number is; `peer` is the figure that the stock tool's value goes by, if any.
    """

    name: str
    what: str
    unit: str
    low: float | None = None
    high: float | None = None

    def met(self, value: float) -> bool:
        """Whether a value reaches the goal."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def text(self) -> str:
        """The goal in words: 'at most 3 s', '0.996 to 1.004'."""
        unit = f" {self.unit}".rstrip() if self.unit != "ratio" else ""
        if self.low is not None and self.high is not None:
            between = f"{self.low:g} to {self.high:g}" if self.low != self.high else f"{self.low:g} exactly"
            return f"{between}{unit}"
        if self.low is not None:
            return f"at least {self.low:g}{unit}"
        return f"at most {self.high:g}{unit}" if self.high is not None else "for comparison"


@dataclass(frozen=True)
class Bench:
    """A benchmark: `measure` does it once in an empty folder and returns one value per goal, by the goals' names.

    It raises Skipped where it cannot be done. `containers` says that it works with some. `within` surrounds each
    repeat: what waits for others there is not measured.
    """

    name: str
    measure: Callable[[Path], dict[str, float]]
    goals: tuple[Goal, ...]
    repeats: int = 3
    containers: bool = False
    within: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(frozen=True)
class Figure:
    """One line of `summary.json`: the median of the repeats that count, or of all where none was clean."""

    bench: str
    name: str
    what: str
    goal: str
    measured: float | None
    unit: str
    met: bool | None
    repeats: int
    contaminated: int
    values: list[float] = field(default_factory=list)
    at: str = ""
    because: str = ""
