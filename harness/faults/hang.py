"""Hang: the processes are there and do nothing, connections are taken and nobody answers: stuck, as in a deadlock.

Unlike a pause, which freezes the whole container from outside, its health check goes on running and can see it: so an
orchestrator, or whatever else watches, has the chance to replace it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.errors import InstrumentError
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once, wait_for
from harness.faults.inside import STOPPED, Process, service_processes, signal
from harness.history import Receipt

RUNS_PATIENCE_S = 30.0  # how long one that was being replaced when the fault ended may take until it runs


@dataclass(frozen=True)
class Hang(ComponentFault):
    """Stop every process of the service with SIGSTOP, which none can refuse; healing is SIGCONT, if they still exist.

    It is on until it is healed, also where the target has replaced the container before: what that was worth is
    measured while it is on.
    """

    name: str = "hang"

    def inject(self, stage: Stage) -> HangInjection:
        """Stop them, and look whether they are stopped."""
        injection = HangInjection(stage, all_at_once(Stuck.of, self.victims(stage)))
        return bite_or_heal(injection, injection.strike)


@dataclass
class Stuck:
    """One container that hangs: which it was, and its processes by pid and start."""

    container: Container
    id: str
    processes: list[Process]
    stopped: int = 0
    replaced: bool = False
    woken: bool = False
    replaced_s: float | None = None  # run time of the start of the one that took its place

    @classmethod
    def of(cls, container: Container) -> Stuck:
        """Take note of a container before it is stuck."""
        found = service_processes(container)
        if not found:
            raise InstrumentError(f"{container.name} runs no process of its own below docker-init.")
        return cls(container, container.id, found)

    def strike(self) -> None:
        """Stop them, and count those that the kernel then calls stopped."""
        signal(self.container, "STOP", [process.pid for process in self.processes])
        self.stopped = len(self._left(STOPPED))

    def wake(self, stage: Stage) -> None:
        """Let them go on, unless another container has taken its place: what was stuck is then gone."""
        self.replaced = self._is_gone()
        if self.replaced:
            # Nobody waits for one that is not wanted any more: whoever scales its service went below it meanwhile.
            over = wait_for(
                self.container, lambda s: s.status == "running" or not self.container.is_wanted(), RUNS_PATIENCE_S
            )
            if over is None:
                raise InstrumentError(f"{self.container.name} was replaced while it hung, and does not run.")
            if over.status == "running" and over.started_at is not None:
                self.replaced_s = stage.from_wall(over.started_at)
            return
        try:
            signal(self.container, "CONT", [process.pid for process in self._left()])
            self.woken = not self._left(STOPPED)
        except InstrumentError:
            if not self._is_gone():  # it was being replaced at this very moment
                raise
            self.wake(stage)

    def _is_gone(self) -> bool:
        return self.container.id != self.id or self.container.state().status != "running"

    def _left(self, state: str = "") -> list[Process]:
        """Those of its processes that are still there, whatever else has come; with `state`, only those in it."""
        before = {(process.pid, process.began) for process in self.processes}
        now = [p for p in service_processes(self.container) if (p.pid, p.began) in before]
        return [p for p in now if not state or p.state == state]

    def sentence(self) -> str:
        """What became of it, for people."""
        count = len(self.processes)
        names = ", ".join(sorted({process.name for process in self.processes}))
        text = f"{self.container.name}: /proc called {self.stopped} of {count} processes stopped ({names});"
        if not self.replaced:
            return f"{text} the same container was there at the end, and was {'' if self.woken else 'not '}woken."
        when = "" if self.replaced_s is None else f" at {self.replaced_s:.1f} s"
        return f"{text} the target put another container in place of {self.id[:12]}{when}."


@dataclass
class HangInjection:
    """Containers that hang, and the way back."""

    stage: Stage
    stuck: list[Stuck]
    on_s: float | None = None
    off_s: float | None = None

    def strike(self) -> None:
        """Stop everything in the same moment."""
        all_at_once(Stuck.strike, self.stuck)
        self.on_s = self.stage.now()

    def heal(self) -> None:
        """Wake what still hangs. Raises InstrumentError when something does not come back."""
        if self.off_s is None:
            self.off_s = self.stage.now()
        all_at_once(lambda one: one.wake(self.stage), self.stuck)
        asleep = [one.container.name for one in self.stuck if not (one.replaced or one.woken)]
        if asleep:
            raise InstrumentError(f"{', '.join(asleep)} cannot be woken: processes stay stopped.")

    def receipt(self) -> Receipt:
        """Confirmed when the kernel called every process stopped, and each was woken or its container replaced."""
        asked = sum(len(one.processes) for one in self.stuck)
        stopped = sum(one.stopped for one in self.stuck)
        ended = all(one.replaced or one.woken for one in self.stuck)
        replaced = [one.replaced_s for one in self.stuck if one.replaced]
        status = "missing" if not stopped else "confirmed" if stopped == asked and ended else "mismatch"
        delivered: dict[str, Any] = {
            "processes_stopped": stopped,
            "replaced": len(replaced),
            "mended_by_target": len(replaced) == len(self.stuck),
        }
        times = [moment for moment in replaced if moment is not None]
        if times:
            delivered["replaced_at_s"] = round(max(times), 3)
        sentences = [one.sentence() for one in self.stuck]
        return Receipt(status, {"processes_stopped": asked}, delivered, self.on_s, self.off_s, sentences)
