"""The rounds: look, decide, order, record."""

from __future__ import annotations

import asyncio
import logging
import time
from urllib.parse import urlsplit

import httpx

from targets.parts.autoscaler.decide import Decider, Decision, Seen
from targets.parts.autoscaler.door import DoorClient, DoorError
from targets.parts.autoscaler.haproxy import Reading, read, ready_replicas
from targets.parts.autoscaler.load import Average, Load
from targets.parts.autoscaler.record import Record
from targets.parts.autoscaler.settings import Settings

DOOR = "engine-door"
TIMEOUT_S = 1.0  # for a balancer: one that takes longer has no news
DOOR_TIMEOUT_S = 5.0
LATE_ROUNDS = 5  # so many periods without a round, beyond what timeouts may take, and the autoscaler is not well

_log = logging.getLogger("autoscaler")


class Autoscaler:
    """Scales `settings.services`. A round that goes wrong is recorded, and the next one begins as if it had not."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, record: Record) -> None:
        self._settings = settings
        self._http = http
        self._door = DoorClient(http, settings.door)
        self._decider = Decider(settings.policy)
        self._average = Average(settings.average_s)
        self._record = record
        self._last_round_s = time.monotonic()

    @property
    def well(self) -> bool:
        """Whether rounds are ending."""
        allowed_s = LATE_ROUNDS * self._settings.period_s + TIMEOUT_S + 2 * DOOR_TIMEOUT_S
        return time.monotonic() - self._last_round_s < allowed_s

    async def run(self) -> None:
        """Have a round every period, for ever. A round that takes longer than a period puts the next one off."""
        while True:
            began_s = time.monotonic()
            try:
                await self.round(began_s)
            except Exception:  # noqa: BLE001 (logged and counted; scaling goes on)
                _log.exception("round failed")
                self._record.trouble("round", "unexpected error")
            else:
                self._record.trouble("round", None)
            self._last_round_s = time.monotonic()
            self._record.round_ended(time.time())
            await asyncio.sleep(max(0.0, self._settings.period_s - (time.monotonic() - began_s)))

    async def round(self, now_s: float) -> None:
        """Look once, decide, and order what changed. `now_s` is the monotonic clock's."""
        answers = await asyncio.gather(*(self._read(url) for url in self._settings.balancers))
        readings = [answer for answer in answers if answer is not None]
        seen_now = sum(reading.in_flight for reading in readings) if readings else None
        load = self._average.add(now_s, Load(seen_now, len(readings) == len(answers)))
        self._record.load(load)
        try:
            services = await self._services(readings)
        except DoorError as error:
            self._record.trouble(DOOR, str(error))
            return  # without the present number there is nothing to decide
        self._record.trouble(DOOR, None)
        decisions = self._decider.decide(now_s, services, load)
        applied = await asyncio.gather(*(self._order(now_s, decision) for decision in decisions))
        self._record.decided(time.time(), load, list(zip(decisions, applied, strict=True)))

    async def _read(self, url: str) -> Reading | None:
        source = urlsplit(url).hostname or url
        try:
            # The client's own timeouts are per step; a balancer that dribbles must not hold up the round.
            async with asyncio.timeout(TIMEOUT_S):
                reading = await read(self._http, url, self._settings.backends)
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            self._record.trouble(source, f"{type(error).__name__}: {error}")
            return None
        self._record.trouble(source, None)
        return reading

    async def _services(self, readings: list[Reading]) -> list[Seen]:
        found = await self._door.services()
        seen = []
        for name in self._settings.services:
            if name in found:
                ready = ready_replicas(name, readings)
                # Without names of servers to go by, a replica is ready when the engine calls its task running.
                seen.append(Seen(name, found[name].replicas, found[name].running or 0 if ready is None else ready))
            self._record.trouble(name, None if name in found else "the engine has no such service")
        return seen

    async def _order(self, now_s: float, decision: Decision) -> bool:
        """Have the decision carried out; return whether it was."""
        if decision.direction == "none":
            return True
        try:
            await self._door.scale(decision.service, decision.desired)
        except DoorError as error:
            self._record.trouble(f"{DOOR} scale", str(error))
            return False
        self._record.trouble(f"{DOOR} scale", None)
        self._decider.scaled(now_s, decision)
        return True
