"""A provider simulator without a network, and ways in which one may go wrong."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from harness.errors import InstrumentError
from targets.parts.provider_sim.faults import Fault, parse_fault
from targets.parts.provider_sim.settings import Settings
from targets.parts.provider_sim.state import State


class FakeProvider:
    """Implements ProviderHandle. `serve(n)` stands for n requests of the system under test.

    Tampering: `dose` scales what is delivered (0 = the fault does nothing), `deaf` stores a fault and ignores
    that it is cleared, `unreachable` is how many of the next orders fail (-1 = all).
    """

    def __init__(self, name: str = "openai", *, dose: float = 1.0, deaf: bool = False, unreachable: int = 0) -> None:
        self._name = name
        self._state = State(Settings())
        self.dose = dose
        self.deaf = deaf
        self.unreachable = unreachable

    @property
    def name(self) -> str:
        return self._name

    @property
    def fault(self) -> Fault | None:
        return self._state.fault

    def set_fault(self, kind: str, share: float, **settings: Any) -> None:
        self._reach()
        given = {k: v for k, v in settings.items() if v is not None}
        try:
            fault = parse_fault({"kind": kind, "share": share, **given})
        except ValidationError as error:
            raise InstrumentError(f"The provider simulator '{self._name}' refused the fault: {error}") from error
        self._state.fault = fault

    def clear_fault(self) -> None:
        self._reach()
        if not self.deaf:
            self._state.fault = None

    def counters(self) -> dict[str, int]:
        self._reach()
        now = self._state.counters
        return {
            "requests": now.requests,
            "affected": now.affected,
            "completed": now.completed,
            "aborted": now.aborted,
        }

    def reset(self) -> None:
        self._reach()
        self._state.reset()

    def serve(self, requests: int) -> None:
        """Let so many requests arrive and end."""
        asked_for = self._state.fault
        if asked_for is not None:
            weaker = asked_for.share * self.dose
            self._state.fault = asked_for.model_copy(update={"share": weaker}) if weaker else None
        for _ in range(requests):
            _, fault, counters = self._state.arrive()
            counters.ended(completed=fault is None or fault.kind not in ("hang", "stall", "cut"))
        self._state.fault = asked_for

    def _reach(self) -> None:
        if self.unreachable:
            self.unreachable -= self.unreachable > 0
            raise InstrumentError(f"The provider simulator '{self._name}' cannot be reached.")
