"""Restart with loss: the component is emptied and crashes; it comes back by its restart policy with nothing in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.faults.away import Victim, away_receipt
from harness.faults.base import Stage, bite_or_heal
from harness.faults.component import ComponentFault, all_at_once
from harness.faults.crash import CrashInjection
from harness.history import Receipt


@dataclass(frozen=True)
class RestartWithLoss(ComponentFault):
    """Wipe (with the command that target.toml declares), then crash."""

    name: str = "restart_with_loss"

    def inject(self, stage: Stage) -> RestartWithLossInjection:
        """Empty and kill every container aimed at. Raises NothingToBreak when none declares how to wipe it."""
        victims = all_at_once(Victim.of, self.victims(stage))
        injection = RestartWithLossInjection(stage, victims, False, stage.now())
        all_at_once(lambda c: c.wipe(), [v.container for v in victims])
        return bite_or_heal(injection, injection.strike)


@dataclass
class RestartWithLossInjection(CrashInjection):
    """Emptied containers that crashed, and the way back."""

    def receipt(self) -> Receipt:
        """Death and new start from the engine, and fewer entries after than before, counted by the component."""
        receipt = away_receipt(self.stage, self.victims, self.struck_s, "emptied and killed")
        before, after = receipt.delivered.get("contents_before"), receipt.delivered.get("contents_after")
        lost = before is not None and after is not None and (before == 0 or after < before)
        receipt.requested["contents_lost"] = True
        receipt.delivered["contents_lost"] = lost
        if receipt.status == "confirmed" and not lost:
            return replace(receipt, status="mismatch")
        return receipt
