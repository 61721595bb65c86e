"""Crash: the processes end with SIGKILL, as in a bug, an out-of-memory kill or the loss of a host."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import InstrumentError
from harness.faults.base import Stage, bite_or_heal
from harness.faults.component import ComponentFault, Victim, all_at_once, away_receipt
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
        victims = [Victim.of(container) for container in self.victims(stage)]
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

    def strike(self) -> None:
        """Hold the restarts back when it is to stay away, then kill."""
        containers = [victim.container for victim in self.victims]
        if self.stays_away:
            all_at_once(lambda c: c.hold_restarts(), containers)
        self.struck_s = self.stage.now()
        all_at_once(lambda c: c.crash(), containers)

    def heal(self) -> None:
        """Bring back what was held away, or wait for the restart policy; start by hand what it left lying."""
        for victim in self.victims:
            if self.stays_away:
                victim.container.release_restarts()
                victim.container.start()
        for victim in self.victims:
            if victim.untouched() or victim.look_again():
                continue
            self.mended_by_target = False
            victim.container.start()
            if not victim.look_again():
                raise InstrumentError(f"{victim.container.name} could not be started again after its crash.")

    def receipt(self) -> Receipt:
        """The engine's record of death and new start; a held container must not have been restarted by policy."""
        what = "killed and held away" if self.stays_away else "killed"
        receipt = away_receipt(self.stage, self.victims, self.struck_s, what)
        receipt.requested["stays_away"] = self.stays_away
        receipt.delivered["stays_away"] = self.stays_away and not self._restarted_by_policy()
        receipt.delivered["mended_by_target"] = self.mended_by_target and not self.stays_away
        return receipt

    def _restarted_by_policy(self) -> bool:
        return any(v.after and v.after.restart_count > v.before.restart_count for v in self.victims)
