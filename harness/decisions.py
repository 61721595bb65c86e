"""What a target decided about its own size, and why: asked of the component that decides, on the run's time axis.

The command `decisions` of target.toml runs inside the component's containers and prints JSON: an object whose
`decisions` are objects with

    time      s since 1970
    service   what it is about
    current   how many instances it had, desired  how many it is to have
    reason    a word for why; optional: why  the same as a sentence
    metric    the load that was measured, target  what it should be (numbers or null; optional)
    applied   false where the order could not be carried out (optional)

and whatever else they like. `{since}` in the command becomes the moment (s since 1970) from which on they are wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from pydantic import BaseModel, FiniteFloat, ValidationError

from harness.clock import RunClock
from harness.errors import HarnessError, InstrumentError, one_line
from harness.repeatedly import Repeatedly
from harness.scaling import Decision
from harness.target import Target

EVERY_S = 5.0
"""A component that dies takes along what it decided since it was last asked; asking costs 0.06 s of a processor."""

ANSWER_S = 5.0  # how long an answer may take


class Container(Protocol):
    """A container, as far as it is needed here."""

    @property
    def name(self) -> str:
        """Name of the container."""
        ...

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        """Run a command inside and return what it printed. Raises InstrumentError when it fails."""
        ...


class Stack(Protocol):
    """A running stack, as far as it is needed here."""

    def containers(self, component: str) -> Sequence[Container]:
        """The containers of a component as they are now; none when it has none."""
        ...


@dataclass
class Decider:
    """A component that says what it decided, and how: the command, and where its containers are found.

    `asked` counts the questions, `failed` holds the run times (s) of those without an answer, `error` says why.
    """

    component: str
    command: tuple[str, ...]
    stack: Stack
    asked: int = 0
    failed: list[float] = field(default_factory=list)
    error: str = ""

    def note(self) -> str | None:
        """Return what may be missing from what it told, as a sentence; None when nothing is."""
        if not self.failed:
            return None
        when = " to ".join(dict.fromkeys(f"{at_s:.1f}" for at_s in (self.failed[0], self.failed[-1])))
        questions = f"{len(self.failed)} of {self.asked} questions, {when} s"
        return f"{self.component} did not say what it had decided ({questions}): {self.error}"


def deciders(target: Target, stack: Stack) -> list[Decider]:
    """Return those components of the target that say what they decide."""
    return [Decider(c.name, c.decisions, stack) for c in target.components.values() if c.decisions is not None]


class DecisionWatch(Repeatedly):
    """Asks now and then while the block lasts, and once more at its end. What is not answered is noted, no doubt."""

    def __init__(self, deciders: Sequence[Decider], clock: RunClock, every_s: float = EVERY_S) -> None:
        super().__init__("decisions", every_s, anything=bool(deciders))
        self._deciders = deciders
        self._clock = clock
        self._since = clock.wall(clock.now()).timestamp()
        self._taken: dict[tuple[str, str, float], Decision] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is None and not self.going_on:
            self.look()

    def taken(self) -> list[Decision]:
        """Return what was decided since the watch was made, in order."""
        return sorted(self._taken.values(), key=lambda one: (one.t_s, one.component, one.of))

    def notes(self) -> list[str]:
        """Return what may be missing."""
        return [note for one in self._deciders if (note := one.note()) is not None]

    def look(self) -> None:
        """Ask every component once."""
        for decider in self._deciders:
            decider.asked += 1
            try:
                self._ask(decider)
            except HarnessError as error:
                decider.failed.append(max(0.0, self._clock.now()))
                decider.error = one_line(error.problem)

    def _ask(self, decider: Decider) -> None:
        command = tuple(word.replace("{since}", f"{self._since:.3f}") for word in decider.command)
        found = decider.stack.containers(decider.component)
        if not found:
            raise InstrumentError("no container of it is there.")
        for container in found:
            for said in _read(container, container.run(command, ANSWER_S)):
                if said.time >= self._since:
                    decision = said.on(self._clock, decider.component)
                    self._taken[decision.component, decision.of, decision.t_s] = decision


class _Said(BaseModel):
    """One decision as it is printed."""

    time: FiniteFloat
    service: str
    current: int
    desired: int
    reason: str
    why: str = ""
    metric: FiniteFloat | None = None
    target: FiniteFloat | None = None
    applied: bool = True

    def on(self, clock: RunClock, component: str) -> Decision:
        return Decision(
            round(self.time - clock.t0_wall, 3),
            component,
            self.service,
            before=self.current,
            after=self.desired,
            reason=one_line(self.reason, most=60),
            why=one_line(self.why),
            measured=self.metric,
            wanted=self.target,
            applied=self.applied,
        )


class _Page(BaseModel):
    decisions: list[_Said]


def _read(container: Container, printed: str) -> list[_Said]:
    try:
        return _Page.model_validate_json(printed).decisions
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InstrumentError(f"{container.name} printed something else: {place}: {first['msg']}.") from None
