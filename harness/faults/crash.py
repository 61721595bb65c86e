"""Crash: the processes end with SIGKILL, as in a bug, an out-of-memory kill or the loss of a host."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.errors import InstrumentError
from harness.faults.away import CLOCKS_DIFFER_S, Victim, away_receipt
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once
from harness.history import Receipt


@dataclass(frozen=True)
class Crash(ComponentFault):
    """Kill from inside, so that the restart policy sees a crash.

    With `stays_away` the policy is held back until the fault is healed, as if the host were lost; without it,
    mending is the target's own affair.
    """

    stays_away: bool = False
    name: str = "crash"

    def inject(self, stage: Stage) -> CrashInjection:
        """Kill every container aimed at."""
        victims = all_at_once(Victim.of, self.victims(stage))
        injection = CrashInjection(stage, victims, self.stays_away, stage.now())
        return bite_or_heal(injection, injection.strike)


@dataclass
class CrashInjection:
    """Crashed containers, and the way back."""

    stage: Stage
    victims: list[Victim]
    stays_away: bool
    struck_s: float
    mended_by_target: bool = True
    released_s: float | None = None

    def strike(self) -> None:
        """Hold the restarts back when it is to stay away, then kill."""
        if self.stays_away:
            all_at_once(lambda victim: victim.container.hold_restarts(), self.victims)
        self.struck_s = self.stage.now()
        all_at_once(lambda victim: victim.strike(lambda c: c.crash()), self.victims)

    def heal(self) -> None:
        """Bring back what was held away, or wait for the restart policy; start by hand what it left lying.

        A container that nobody wants any more, since its service was scaled down below it, is not waited for.
        """
        if self.released_s is None:
            self.released_s = self.stage.now()
        if self.stays_away:
            all_at_once(_let_back, [victim.container for victim in self.victims])
        all_at_once(self._see_running, self.victims)

    def receipt(self) -> Receipt:
        """The engine's record of death and new start; what was held away must not have started before it was let."""
        what = "killed and held away" if self.stays_away else "killed"
        receipt = away_receipt(self.stage, self.victims, self.struck_s, what)
        receipt.requested["stays_away"] = self.stays_away
        receipt.delivered["stays_away"] = self.stays_away and not self._back_too_early()
        receipt.delivered["mended_by_target"] = self.mended_by_target and not self.stays_away
        if receipt.status == "confirmed" and receipt.delivered["stays_away"] != self.stays_away:
            return replace(receipt, status="mismatch")
        return receipt

    def _see_running(self, victim: Victim) -> None:
        if victim.untouched() or victim.look_again():
            return
        self.mended_by_target = False
        victim.container.start()
        if not victim.look_again():
            raise InstrumentError(f"{victim.container.name} could not be started again after its crash.")

    def _back_too_early(self) -> bool:
        """Whether one of them was started again before it was let: by a policy, or by an orchestrator elsewhere."""
        starts = [back_s for _, back_s in (victim.away(self.stage) for victim in self.victims) if back_s is not None]
        return self.released_s is not None and any(
            self.struck_s <= back_s < self.released_s - CLOCKS_DIFFER_S for back_s in starts
        )


def _let_back(container: Container) -> None:
    container.release_restarts()
    container.start()
