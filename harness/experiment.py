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
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import ConfigError, did_you_mean
from harness.faults.base import Fault


@dataclass(frozen=True)
class Rate:
    """An open model: `per_s` arrivals a second, whatever the target does."""

    per_s: float

    def __post_init__(self) -> None:
        if not 0 < self.per_s <= 5000:
            raise ValueError(f"a rate is more than 0 and at most 5000 arrivals a second, not {self.per_s}")


@dataclass(frozen=True)
class ClaimedUsers:
    """As many simultaneous users as the phase claims, turned into arrivals by Little's law.

    N users with think time Z and response time R send N / (Z + R) requests a second; `response_s` is R.
    """

    times: float = 1.0
    response_s: float = 1.0

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
        if self.t_s < 0:
            raise ValueError(f"a fault strikes at or after 0 s, not at {self.t_s}")
        if self.lasts_s is not None and self.lasts_s <= 0:
            raise ValueError(f"a fault lasts more than 0 s, not {self.lasts_s}")


@dataclass(frozen=True)
class Every:
    """The same fault `times` times, every `period_s` seconds, from `start_s` on."""

    period_s: float
    fault: Fault
    times: int
    start_s: float
    lasts_s: float | None = None

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


def experiments_root() -> Path:
    """Return the folder with one file per experiment."""
    return Path(__file__).resolve().parent.parent / "experiments"


def known_experiments(root: Path | None = None) -> list[str]:
    """Return the names of all experiments, the control first."""
    names = {p.stem for p in (root or experiments_root()).glob("*.py") if not p.stem.startswith("_")}
    return sorted(names, key=lambda name: (name != "control", name))


def load_experiment(name: str, root: Path | None = None) -> Experiment:
    """Read `experiments/<name>.py`. Raises ConfigError that names the file and what to change."""
    base = root or experiments_root()
    if name not in known_experiments(base):
        raise ConfigError(
            "EXPERIMENT", "", f"there is no experiment '{name}'.", did_you_mean(name, known_experiments(base))
        )
    path = base / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"experiments.{name}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(str(path), "", "cannot be read as Python.", "Make it a readable .py file.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 (whatever a user's file raises becomes one clear message)
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


def _line_in(path: Path, error: Exception) -> str:
    """Return 'line N' for the last place in `path` that the error passed through."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"line {error.lineno}"
    number, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            number = trace.tb_lineno
        trace = trace.tb_next
    return f"line {number}" if number else ""
