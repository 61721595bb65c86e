"""Pause: every process is frozen, connections stay open and nothing answers: the grey failure."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from harness.errors import InstrumentError
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once, wait_for
from harness.history import Receipt


@dataclass(frozen=True)
class Pause(ComponentFault):
    """Freeze the containers with the engine's freezer."""

    name: str = "pause"

    def inject(self, stage: Stage) -> PauseInjection:
        """Freeze every container aimed at, and look twice whether its CPU clock stands still."""
        injection = PauseInjection(stage, self.victims(stage))
        return bite_or_heal(injection, injection.strike)


@dataclass
class PauseInjection:
    """Frozen containers, and the way back."""

    stage: Stage
    containers: list[Container]
    on_s: float | None = None
    off_s: float | None = None
    frozen: int = 0
    thawed: int = 0
    evidence: list[str] = field(default_factory=list)

    def strike(self) -> None:
        """Freeze, and look whether they are frozen."""
        all_at_once(lambda c: c.pause(), self.containers)
        self.on_s = self.stage.now()
        self.look()

    def look(self) -> None:
        """Count the containers that the engine calls paused and whose CPU time does not move in 0.2 s."""
        first = [container.state() for container in self.containers]
        time.sleep(0.2)
        for container, before in zip(self.containers, first, strict=True):
            after = container.state()
            still = before.cpu_ns is None or before.cpu_ns == after.cpu_ns
            self.frozen += after.status == "paused" and still
            moved = "unknown" if before.cpu_ns is None or after.cpu_ns is None else f"{after.cpu_ns - before.cpu_ns} ns"
            self.evidence.append(f"{container.name}: the engine says {after.status}; CPU time in 0.2 s: {moved}.")

    def heal(self) -> None:
        """Thaw them; every one must run again."""
        self.thawed = 0
        for container in self.containers:
            container.unpause()
        if self.off_s is None:
            self.off_s = self.stage.now()
        for container in self.containers:
            if wait_for(container, lambda s: s.status == "running", patience_s=10.0) is None:
                raise InstrumentError(f"{container.name} could not be thawed.")
            self.thawed += 1

    def receipt(self) -> Receipt:
        """Confirmed when every container was seen frozen and every one was seen running again."""
        count = len(self.containers)
        status = "missing" if not self.frozen else "confirmed" if self.frozen == self.thawed == count else "mismatch"
        delivered = {"frozen": self.frozen, "thawed": self.thawed}
        return Receipt(status, {"frozen": count, "thawed": count}, delivered, self.on_s, self.off_s, self.evidence)
