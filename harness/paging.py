"""Listens to a target's pagers at the end of a run: what they were told, or why nobody can say.

Silence is only silence where somebody listened. A target without a pager has no alerts (None) and no listening; a run
whose faults were aimed at the monitoring itself, or in which the monitoring gave no sign of life at all, is *blind*: it
says nothing about alerts, neither good nor bad. Where a pager cannot be read for any other reason, the instrument has
failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from harness.alerts import MONITORING, Alert, Key, Listening, Notifications, alerts_in, silences
from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.faults.base import Fault
from harness.target import Target

PATIENCE_S = 30.0  # for alerts to be resolved once the faults are over
EVERY_S = 1.0
NO_SIGN_OF_LIFE = "no heartbeat of the monitoring was heard in the run"


class Pager(Protocol):
    """Where a run's alerts are read."""

    @property
    def carried(self) -> Mapping[Key, str]:
        """The alerts that were firing before the run, with their names."""
        ...

    def notifications(self) -> Notifications:
        """Everything received since before the run. Raises InstrumentError."""
        ...

    def heartbeats(self) -> list[float] | None:
        """The moments (s since 1970, its clock) of all heartbeats since then; None: it knows of none."""
        ...


@dataclass(frozen=True)
class Heard:
    """The alerts of a run (None: blind, or no pager), how they were listened to, and what went wrong with that."""

    alerts: list[Alert] | None = None
    listening: Listening | None = None
    doubts: tuple[str, ...] = ()


def blinding(faults: Iterable[Fault], target: Target) -> str:
    """Return why a run with these faults hears nothing of alerts, '' when it should.

    What counts is the aim: a lost zone that holds the monitoring too is the target's affair, and its silence a finding.
    """
    for fault in faults:
        link = getattr(fault, "link", None)
        roles = {getattr(fault, "role", None)}
        if isinstance(link, str):
            roles |= {link, *(target.components[each.to].role for each in target.links if each.name == link)}
        if roles & MONITORING:
            return f"{fault.name} was aimed at what alerts come from ({fault.aimed_at})"
    return ""


def hear_out(
    pagers: Sequence[Pager],
    clock: RunClock,
    *,
    struck: bool,
    blind: str = "",
    pause: Callable[[float], None] = time.sleep,
) -> Heard:
    """Read the pagers after the load has ended; where a fault struck, wait at most 30 s for alerts to be resolved.

    `blind` is the reason why nothing is to be heard, '' where something is.
    """
    if not pagers:
        return Heard()
    if blind:
        return Heard(listening=Listening(None, _carried(pagers), blind))
    try:
        give_up_s = clock.now() + (PATIENCE_S if struck else 0.0)
        while _still_firing(pagers) and clock.now() < give_up_s:
            pause(EVERY_S)
        found = [alert for pager in pagers for alert in _read(pager, clock)]
        beats = _heartbeats(pagers, clock)
    except InstrumentError as error:
        return Heard(listening=Listening(None, _carried(pagers), str(error)), doubts=(str(error),))
    if beats == []:
        return Heard(listening=Listening(None, _carried(pagers), NO_SIGN_OF_LIFE))
    until_s = clock.now()
    silent = [] if beats is None else silences(beats, 0.0, until_s)
    return Heard(_each_once(found), Listening(round(until_s, 3), _carried(pagers), silent=silent))


def _still_firing(pagers: Sequence[Pager]) -> bool:
    return any(pager.notifications().firing().keys() - pager.carried.keys() for pager in pagers)


def _read(pager: Pager, clock: RunClock) -> list[Alert]:
    heard = pager.notifications()
    return alerts_in(heard, partial(_run_time, clock.now(), heard.now), pager.carried.keys())


def _heartbeats(pagers: Sequence[Pager], clock: RunClock) -> list[float] | None:
    """When (run time, s) the monitoring gave a sign of life to any of the pagers; None where none knows of such."""
    beats: list[float] | None = None
    for pager in pagers:
        now_s, heard, found = clock.now(), pager.notifications(), pager.heartbeats()
        if found is not None:
            beats = [*(beats or []), *(_run_time(now_s, heard.now, moment) for moment in found)]
    return beats


def _run_time(now_s: float, pager_now: float, moment: float) -> float:
    """By how long ago it was: the pager's clock need not be ours."""
    return now_s - (pager_now - moment)


def _carried(pagers: Sequence[Pager]) -> list[str]:
    return sorted({name for pager in pagers for name in pager.carried.values()})


def _each_once(alerts: Iterable[Alert]) -> list[Alert]:
    """What several pagers were told counts once, as of when the first of them was told."""
    first: dict[tuple[tuple[str, ...], float], Alert] = {}
    for alert in sorted(alerts, key=lambda each: each.received_s):
        first.setdefault((alert.which, round(alert.starts_s, 1)), alert)
    return list(first.values())
