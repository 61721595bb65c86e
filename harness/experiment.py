"""The vocabulary of experiments: a question, a load, and a timeline of faults. No phase is ever named.

    EXPERIMENT = Experiment(
        load=Rate(20),
        timeline=(At(8, Stop(role="cache"), lasts_s=15),),
        duration_s=38,
    )

The module's docstring is the hypothesis, the file's name is the experiment's name.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import ConfigError, did_you_mean
from harness.faults.base import Fault
from harness.loads import (
    LONGEST_S,
    MANY_CLIENTS,
    MOST_PER_S,
    Abuser,
    ClaimedUsers,
    Load,
    Mix,
    Rate,
    Segment,
    Spike,
    Steps,
    within,
)

__all__ = [
    "MOST_PER_S",
    "Abuser",
    "At",
    "ClaimedUsers",
    "Every",
    "Experiment",
    "Mix",
    "Rate",
    "Segment",
    "Spike",
    "Steps",
    "experiments_root",
    "known_experiments",
    "load_experiment",
]  # the vocabulary, some of it lent on from `harness.loads`


@dataclass(frozen=True)
class At:
    """At `t_s` (s of run time) the fault strikes, and after `lasts_s` the harness heals it.

    Without `lasts_s` mending is left to the target itself; the harness helps only when it does not mend.
    """

    t_s: float
    fault: Fault
    lasts_s: float | None = None

    def __post_init__(self) -> None:
        within("a fault strikes at or after 0 s: t_s", self.t_s, least=0, most=LONGEST_S)
        if self.lasts_s is not None:
            within("how long a fault lasts (s)", self.lasts_s, above=0, most=LONGEST_S)
        if not all(hasattr(self.fault, word) for word in ("name", "aimed_at", "check_aim", "inject")):
            raise TypeError(f"a fault is needed, such as Stop(role='cache'), not {self.fault!r}")


@dataclass(frozen=True)
class Every:
    """The same fault `times` times, every `period_s` seconds, from `start_s` on."""

    period_s: float
    fault: Fault
    times: int
    start_s: float
    lasts_s: float | None = None

    def __post_init__(self) -> None:
        within("Every.period_s", self.period_s, above=0, most=LONGEST_S)
        within("Every.times", self.times, least=1, most=10_000)

    def expand(self) -> tuple[At, ...]:
        """Return the single strikes."""
        return tuple(At(self.start_s + k * self.period_s, self.fault, self.lasts_s) for k in range(self.times))


@dataclass(frozen=True)
class Experiment:
    """A question put to a target. `name` and `hypothesis` are filled in from the file that holds it.

    Times are seconds. The first fault ends the baseline; what follows the last one is recovery. With `places` the
    arrivals come, in equal shares, from all places of `harness.places`, each from as far away as it is. `clients` is
    how many different clients they belong to; an `abuser` is one more.
    """

    timeline: tuple[At | Every, ...] = ()
    load: Load = field(default_factory=lambda: Rate(20))
    mix: Mix = field(default_factory=Mix)
    duration_s: float = 38.0
    warmup_s: float = 3.0
    deadline_s: float = 10.0
    places: bool = False
    clients: int = MANY_CLIENTS
    abuser: Abuser | None = None
    name: str = ""
    hypothesis: str = ""

    def __post_init__(self) -> None:
        within("duration_s", self.duration_s, above=0, most=LONGEST_S)
        within("warmup_s", self.warmup_s, least=0, most=LONGEST_S)
        within("deadline_s", self.deadline_s, above=0, most=3600)
        if not isinstance(self.load, Load) or not isinstance(self.mix, Mix):
            raise TypeError("load is a Rate, ClaimedUsers, Spike or Steps, and mix a Mix")
        self.load.segments(1, 1.0, self.duration_s)
        self._check_clients()
        if not isinstance(self.timeline, tuple) or not all(isinstance(entry, At | Every) for entry in self.timeline):
            raise TypeError("timeline is a tuple of At and Every; a single one needs a comma behind it")
        for strike in self.strikes():
            end = strike.t_s + (strike.lasts_s or 0)
            if end > self.duration_s:
                raise ValueError(f"a fault ends at {end:g} s, after the experiment does ({self.duration_s:g} s)")

    def _check_clients(self) -> None:
        if not isinstance(self.places, bool):
            raise TypeError(f"places is True or False, not {self.places!r}")
        within("clients", self.clients, least=1, most=1_000_000)
        if not isinstance(self.clients, int):
            raise TypeError(f"clients is a whole number, not {self.clients!r}")
        if self.abuser is None:
            return
        if not isinstance(self.abuser, Abuser):
            raise TypeError(f"abuser is an Abuser, not {self.abuser!r}")
        end = self.abuser.at_s + (self.abuser.lasts_s or 0)
        if end > self.duration_s or self.abuser.at_s >= self.duration_s:
            raise ValueError(f"the abuser is there until {end:g} s, and the experiment ends at {self.duration_s:g} s")

    def strikes(self) -> tuple[At, ...]:
        """Return every single strike of the timeline, in time order."""
        flat: list[At] = []
        for entry in self.timeline:
            flat.extend(entry.expand() if isinstance(entry, Every) else (entry,))
        return tuple(sorted(flat, key=lambda at: at.t_s))


def experiments_root() -> Path:
    """Return the folder with one file per experiment."""
    return Path(__file__).resolve().parent.parent / "experiments"


def _own_root() -> list[Path]:
    """The folder with a user's own experiments (TESTBED_EXPERIMENTS): they come beside ours, and win by name."""
    named = os.environ.get("TESTBED_EXPERIMENTS", "")
    return [Path(named)] if named else []


def known_experiments(root: Path | None = None) -> list[str]:
    """Return the names of all experiments, the control first."""
    roots = [root] if root else [experiments_root(), *_own_root()]
    names = {p.stem for folder in roots for p in folder.glob("*.py") if not p.stem.startswith("_")}
    return sorted(names, key=lambda name: (name != "control", name))


def load_experiment(name: str, root: Path | None = None) -> Experiment:
    """Read `experiments/<name>.py`. Raises ConfigError that names the file and what to change."""
    known = known_experiments(root)
    if name not in known:
        raise ConfigError("EXPERIMENT", "", f"there is no experiment '{name}'.", did_you_mean(name, known))
    candidates = [folder / f"{name}.py" for folder in ([root] if root else [*_own_root(), experiments_root()])]
    path = next(candidate for candidate in candidates if candidate.exists())
    spec = importlib.util.spec_from_file_location(f"experiments.{name}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(str(path), "", "cannot be read as Python.", "Make it a readable .py file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a user's file raises becomes one clear message)
        line = _line_in(path, error)
        problem = f"{type(error).__name__}: {error}."
        raise ConfigError(str(path), line, problem, "Correct that line.") from None
    found = getattr(module, "EXPERIMENT", None)
    if not isinstance(found, Experiment):
        raise ConfigError(str(path), "", "defines no EXPERIMENT.", "Add EXPERIMENT = Experiment(...).")
    hypothesis = " ".join((module.__doc__ or "").split())
    if not hypothesis:
        raise ConfigError(str(path), "line 1", "has no docstring.", "Write the hypothesis as the module's docstring.")
    return replace(found, name=name, hypothesis=hypothesis)


def _line_in(path: Path, error: BaseException) -> str:
    """Return 'line N' for the last place in `path` that the error passed through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}"
    number, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            number = trace.tb_lineno
        trace = trace.tb_next
    return f"line {number}" if number else ""
