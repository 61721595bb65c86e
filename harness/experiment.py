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
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import ConfigError, did_you_mean
from harness.faults.base import Fault

MOST_PER_S = 5000.0
LONGEST_S = 86400.0


@dataclass(frozen=True)
class Rate:
    """An open model: `per_s` arrivals a second, whatever the target does."""

    per_s: float

    def __post_init__(self) -> None:
        _within("a rate (arrivals a second)", self.per_s, above=0, most=MOST_PER_S)


@dataclass(frozen=True)
class ClaimedUsers:
    """As many simultaneous users as the phase claims, turned into arrivals by Little's law.

    N users with think time Z and response time R send N / (Z + R) requests a second; `response_s` is R.
    """

    times: float = 1.0
    response_s: float = 1.0

    def __post_init__(self) -> None:
        _within("ClaimedUsers.times", self.times, above=0, most=1000)
        _within("ClaimedUsers.response_s", self.response_s, least=0, most=3600)

    def per_s(self, users: int, think_s: float) -> float:
        """Return the arrivals per second of `users` who think for `think_s` seconds."""
        return self.times * users / (think_s + self.response_s)


@dataclass(frozen=True)
class Mix:
    """Shares of what users do: plain chats, streamed chats, reads of a conversation. They add up to 1.

    `turns` is the mean number of turns of a conversation.
    """

    chat: float = 0.5
    stream: float = 0.3
    read: float = 0.2
    turns: float = 4.0

    def __post_init__(self) -> None:
        for name in ("chat", "stream", "read", "turns"):
            _within(f"Mix.{name}", getattr(self, name), least=0)
        total = self.chat + self.stream + self.read
        if min(self.chat, self.stream, self.read) < 0 or abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of chat, stream and read must add up to 1, not {total}")
        if self.turns < 1:
            raise ValueError(f"a conversation has at least one turn, not {self.turns}")


@dataclass(frozen=True)
class At:
    """At `t_s` (s of run time) the fault strikes, and after `lasts_s` the harness heals it.

    Without `lasts_s` mending is left to the target itself; the harness helps only when it does not mend.
    """

    t_s: float
    fault: Fault
    lasts_s: float | None = None

    def __post_init__(self) -> None:
        _within("a fault strikes at or after 0 s: t_s", self.t_s, least=0, most=LONGEST_S)
        if self.lasts_s is not None:
            _within("how long a fault lasts (s)", self.lasts_s, above=0, most=LONGEST_S)
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
        _within("Every.period_s", self.period_s, above=0, most=LONGEST_S)
        _within("Every.times", self.times, least=1, most=10_000)

    def expand(self) -> tuple[At, ...]:
        """Return the single strikes."""
        return tuple(At(self.start_s + k * self.period_s, self.fault, self.lasts_s) for k in range(self.times))


@dataclass(frozen=True)
class Experiment:
    """A question put to a target. `name` and `hypothesis` are filled in from the file that holds it.

    Times are seconds. The first fault ends the baseline; what follows the last one is recovery.
    """

    timeline: tuple[At | Every, ...] = ()
    load: Rate | ClaimedUsers = field(default_factory=lambda: Rate(20))
    mix: Mix = field(default_factory=Mix)
    duration_s: float = 38.0
    warmup_s: float = 3.0
    deadline_s: float = 10.0
    name: str = ""
    hypothesis: str = ""

    def __post_init__(self) -> None:
        _within("duration_s", self.duration_s, above=0, most=LONGEST_S)
        _within("warmup_s", self.warmup_s, least=0, most=LONGEST_S)
        _within("deadline_s", self.deadline_s, above=0, most=3600)
        if not isinstance(self.load, Rate | ClaimedUsers) or not isinstance(self.mix, Mix):
            raise TypeError("load is a Rate or ClaimedUsers, and mix a Mix")
        if not isinstance(self.timeline, tuple) or not all(isinstance(entry, At | Every) for entry in self.timeline):
            raise TypeError("timeline is a tuple of At and Every; a single one needs a comma behind it")
        for strike in self.strikes():
            end = strike.t_s + (strike.lasts_s or 0)
            if end > self.duration_s:
                raise ValueError(f"a fault ends at {end:g} s, after the experiment does ({self.duration_s:g} s)")

    def strikes(self) -> tuple[At, ...]:
        """Return every single strike of the timeline, in time order."""
        flat: list[At] = []
        for entry in self.timeline:
            flat.extend(entry.expand() if isinstance(entry, Every) else (entry,))
        return tuple(sorted(flat, key=lambda at: at.t_s))


def _within(
    name: str, value: float, *, least: float = -math.inf, above: float = -math.inf, most: float = math.inf
) -> None:
    """Raise TypeError for what is no number, ValueError for one that is out of bounds or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number, not {value!r}")
    if not (least <= value <= most and value > above):
        low = f"more than {above:g}" if above > -math.inf else f"at least {least:g}"
        raise ValueError(f"{name} must be {low} and at most {most:g}, not {value}")


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
