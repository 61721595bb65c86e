"""Carries out an experiment's timeline: every strike on a thread of its own, and nothing stays unhealed.

Healing outlives everything: `heal_all` ends all waiting, joins every strike, and tries again what did not heal.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.errors import HarnessError
from harness.experiment import At
from harness.faults.base import Injection, Stage
from harness.history import EventLog, FaultRecord, Receipt

HEALING_LIMIT_S = 150.0  # a strike that has not healed by then is reported; the stack goes down anyway
SHORTEST_SHARE = 0.8  # a fault that lasted less than this share of its planned time was not the fault asked for


class Notes(Protocol):
    """Where it is written, before it happens, that a fault will have to be undone."""

    def fault_on(self, name: str, aimed_at: str) -> None:
        """A fault is about to bite."""
        ...

    def fault_off(self, name: str, aimed_at: str) -> None:
        """A fault is healed."""
        ...


@dataclass
class Strike:
    """One planned fault and what became of it."""

    at: At
    injection: Injection | None = None
    healed: bool = False
    receipt: Receipt | None = None
    errors: list[str] = field(default_factory=list)
    from_s: float | None = None  # run times (s) between which it was at work, to its receipt
    until_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether it has struck and is not healed."""
        return self.injection is not None and not self.healed

    def record(self) -> FaultRecord:
        """What is written down about it. Without a receipt, or with too short a life, it is not confirmed."""
        fault, end = self.at.fault, None if self.at.lasts_s is None else self.at.t_s + self.at.lasts_s
        why = [*self.errors, "It never struck."] if self.injection is None else self.errors
        receipt = self.receipt or Receipt("missing", {}, {}, None, None, why)
        return FaultRecord(fault.name, fault.aimed_at, self.at.t_s, end, self.healed, _timed(receipt, self.at))


def _timed(receipt: Receipt, at: At) -> Receipt:
    """Compare the planned with the measured duration (s): half the time is not the dose that was asked for."""
    if at.lasts_s is None or receipt.on_s is None or receipt.off_s is None:
        return receipt
    lasted = receipt.off_s - receipt.on_s
    timed = replace(
        receipt,
        requested={**receipt.requested, "lasts_s": at.lasts_s},
        delivered={**receipt.delivered, "lasts_s": round(lasted, 3)},
    )
    return timed if lasted >= SHORTEST_SHARE * at.lasts_s else replace(timed, status="mismatch")


class Timeline:
    """The strikes of one run."""

    def __init__(self, strikes: Sequence[At], stage: Stage, events: EventLog, notes: Notes) -> None:
        self.strikes = [Strike(at) for at in strikes]
        self._stage, self._events, self._notes = stage, events, notes
        self._over = threading.Event()
        self._writing = threading.Lock()
        self._threads = [
            threading.Thread(target=self._guarded, args=(strike,), name=f"strike-{k}", daemon=True)
            for k, strike in enumerate(self.strikes)
        ]

    def start(self) -> None:
        """Let every strike wait for its moment."""
        for thread in self._threads:
            thread.start()

    def active(self) -> list[str]:
        """The faults that bite now, in words, for the live view."""
        return [f"{s.at.fault.name} ({s.at.fault.aimed_at})" for s in self.strikes if s.active]

    def failed(self) -> list[str]:
        """What went wrong so far; a run whose fault could not be injected need not go on."""
        return [error for strike in self.strikes for error in strike.errors]

    def heal_all(self) -> list[str]:
        """End all waiting, heal what is not healed, and return what could not be healed."""
        self._over.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(HEALING_LIMIT_S)
        for strike in self.strikes:
            if strike.active:
                self._heal(strike)
        busy = [thread.is_alive() for thread in self._threads]
        return [
            f"{s.at.fault.name} on {s.at.fault.aimed_at} was not healed"
            for s, unsure in zip(self.strikes, busy, strict=True)
            if s.active or unsure
        ]

    def spans(self) -> list[tuple[float, float]]:
        """From when to when (run time, s) faults were meddling with the stack, healing and looking again included."""
        now = self._stage.now()
        return [(s.from_s, now if s.until_s is None else s.until_s) for s in self.strikes if s.from_s is not None]

    def records(self) -> list[FaultRecord]:
        """What is written down about every strike."""
        return [strike.record() for strike in self.strikes]

    def _guarded(self, strike: Strike) -> None:
        try:
            self._carry_out(strike)
        except HarnessError as error:
            strike.errors.append(str(error))
            self._log("fault_failed", strike, error=str(error))
        except Exception as error:  # noqa: BLE001 (a thread's error must reach the run: it voids it)
            strike.errors.append(f"{type(error).__name__}: {error}")
            self._log("fault_failed", strike, error=f"{type(error).__name__}: {error}")

    def _carry_out(self, strike: Strike) -> None:
        at, fault = strike.at, strike.at.fault
        if self._over.wait(max(0.0, at.t_s - self._stage.now())):
            return
        self._log("fault_asked", strike)
        self._notes.fault_on(fault.name, fault.aimed_at)
        strike.from_s = self._stage.now()
        strike.injection = fault.inject(self._stage)
        self._log("fault_on", strike)
        if at.lasts_s is not None:
            # One that needed long until it bit (all connections of a busy database) must still last as long as counts.
            until_s = max(at.t_s + at.lasts_s, self._stage.now() + SHORTEST_SHARE * at.lasts_s)
            self._over.wait(max(0.0, until_s - self._stage.now()))
        self._heal(strike)
        if strike.healed:
            strike.receipt = strike.injection.receipt()
            strike.until_s = self._stage.now()
            self._log("receipt", strike, status=strike.receipt.status, on_s=strike.receipt.on_s,
                      off_s=strike.receipt.off_s, requested=strike.receipt.requested,
                      delivered=strike.receipt.delivered, evidence=strike.receipt.evidence)  # fmt: skip

    def _heal(self, strike: Strike) -> None:
        assert strike.injection is not None  # noqa: S101 (only strikes that have struck are healed)
        try:
            strike.injection.heal()
        except Exception as error:  # noqa: BLE001 (healing the others must go on; the run is void by this)
            strike.errors.append(f"healing failed: {error}")
            self._log("heal_failed", strike, error=str(error))
            return
        strike.healed = True
        self._log("fault_off", strike)
        try:
            self._notes.fault_off(strike.at.fault.name, strike.at.fault.aimed_at)
        except OSError as error:  # the journal then says too much, and `recover` does not mind
            strike.errors.append(f"the journal could not be written: {error.strerror}")

    def _log(self, event: str, strike: Strike, **details: object) -> None:
        """A full disk must not keep anybody from healing: it is noted, which voids the run, and the strike goes on."""
        fault = strike.at.fault
        try:
            with self._writing:
                self._events.write(self._stage.now(), event, fault=fault.name, aimed_at=fault.aimed_at, **details)
        except OSError as error:
            strike.errors.append(f"what happened could not be written down: {error.strerror}")
