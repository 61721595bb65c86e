"""Did anybody but a fault end a container of the stack? Then what was measured is not what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.engine.moments import Death

if TYPE_CHECKING:
    from harness.engine.stack import SlotUnit, Stack, Unit

SIGKILLED = 137  # 128 + 9: ended by SIGKILL
LEEWAY = timedelta(seconds=2)  # between what a receipt says about a fault and what the engine says about its victims

Span = tuple[datetime, datetime]


def disturbances(stack: Stack, since: datetime, spans: Sequence[Span]) -> list[str]:
    """Return, in words, every death since `since` that no fault explains; `spans` are when faults were on (wall clock).

    A part of the instrument (Toxiproxy, a simulator, a pager) must not die at all. A component may crash by itself, or
    run out of memory: that is a finding and not a disturbance; but nothing in a target sends SIGKILL, so somebody else
    did. Raises InstrumentError when the engine was not heard all the time.
    """
    found = []
    for unit in stack.units:
        instrument = any(unit.service in parts for parts in (stack.servers, stack.providers, stack.pagers))
        for death in unit.container.deaths(since):
            if any(on - LEEWAY <= death.moment <= off + LEEWAY for on, off in spans):
                continue
            if instrument or (death.exit_code == SIGKILLED and not death.out_of_memory):
                found.append(_sentence(unit, death, instrument))
    return found


def _sentence(unit: Unit | SlotUnit, death: Death, instrument: bool) -> str:
    what = "a part of the instrument, ended" if instrument else "which no fault was aimed at then, was killed"
    return f"{unit.container.name}, {what} at {death.moment:%H:%M:%S} UTC (exit code {death.exit_code})"
