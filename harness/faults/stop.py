"""Stop: an orderly shutdown that nobody undoes until the fault is healed, as in maintenance or a bad deploy."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import InstrumentError
from harness.faults.away import Victim, away_receipt
from harness.faults.base import Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once
from harness.history import Receipt


@dataclass(frozen=True)
class Stop(ComponentFault):
    """SIGTERM, then SIGKILL after `grace_s` seconds; healing starts the containers again."""

    grace_s: float = 5.0
    name: str = "stop"

    def inject(self, stage: Stage) -> StopInjection:
        """Stop every container aimed at."""
        victims = all_at_once(Victim.of, self.victims(stage))
        injection = StopInjection(stage, victims, stage.now())
        return bite_or_heal(injection, lambda: _stop(victims, self.grace_s))


def _stop(victims: list[Victim], grace_s: float) -> None:
    all_at_once(lambda victim: victim.strike(lambda c: c.stop(grace_s)), victims)


def _see_running(victim: Victim) -> None:
    if not (victim.untouched() or victim.look_again()):
        raise InstrumentError(f"{victim.container.name} could not be started again after its stop.")


@dataclass
class StopInjection:
    """Stopped containers, and the way back."""

    stage: Stage
    victims: list[Victim]
    struck_s: float

    def heal(self) -> None:
        """Start them again and wait until they run."""
        all_at_once(lambda victim: victim.container.start(), self.victims)
        all_at_once(_see_running, self.victims)

    def receipt(self) -> Receipt:
        """The engine's record of the end and the new start."""
        return away_receipt(self.stage, self.victims, self.struck_s, "stopped")
