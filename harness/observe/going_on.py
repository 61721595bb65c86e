"""A run that goes on, as points: arrivals, faults, replicas, decisions, alerts, the machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import cost, pressure
from harness.errors import InstrumentError
from harness.lab import Watched
from harness.load.progress import Tail
from harness.load.settings import RAW, parts
from harness.observe import names
from harness.observe.costs import cost_points
from harness.observe.points import Point
from harness.observe.runs import MACHINE, labels_of
from harness.observe.tally import Tally
from harness.paging import Pager
from harness.repeatedly import Repeatedly

ALERTS_EVERY_S = 2.0
Firing = Mapping[tuple[str, str], bool]


class AlertWatch(Repeatedly):
    """Asks the pagers now and then what fires. `said` holds each alert that has fired, and whether it does now."""

    def __init__(self, pagers: Sequence[Pager], every_s: float = ALERTS_EVERY_S) -> None:
        super().__init__("alerts", every_s, anything=bool(pagers))
        self._pagers = pagers
        self.said: Firing = {}

    def look(self) -> None:
        """Ask once; a pager that does not answer has said nothing new."""
        firing: set[tuple[str, str]] = set()
        ever = dict.fromkeys(self.said, False)
        for pager in self._pagers:
            try:
                heard = pager.notifications()
            except InstrumentError:
                return
            now = heard.firing().keys() - pager.carried.keys()
            for _, told in heard.told():
                which = (told.name, told.labels.get("severity", ""))
                if told.key not in pager.carried:
                    ever[which] = False
                if told.key in now:
                    firing.add(which)
        self.said = {**ever, **dict.fromkeys(firing, True)}


class GoingOn:
    """One run from its beginning until its record is written."""

    def __init__(self, watched: Watched, campaign: str) -> None:
        record = watched.record
        self._watched = watched
        self._labels = labels_of(record, campaign)
        self._tally = Tally(parts(watched.folder, RAW), watched.plan, record.deadline_s)
        self._pressure = Tail(watched.folder / pressure.FILE)
        self._rows: list[Mapping[str, Any]] = []
        self._spending = Tail(watched.folder / cost.FILE)
        self._roles: Mapping[str, str] = {}
        self._spent: list[Mapping[str, Any]] = []
        self._alerts = AlertWatch(watched.pagers)
        self._alerts.__enter__()

    def end(self) -> None:
        """Ask nobody any more."""
        self._alerts.__exit__(None, None, None)

    def points(self) -> Iterator[Point]:
        """Look, and yield everything as it stands now."""
        now_s = self._watched.clock.now()
        self._tally.look(now_s)
        yield from self._tally.points(self._labels, now_s)
        active = 0 <= now_s < self._watched.record.duration_s
        yield Point(names.EXPERIMENT_ACTIVE, self._labels, float(active))
        yield from self._faults()
        for running in {one.component: one for one in self._watched.replicas()}.values():
            yield Point(names.REPLICAS, {**self._labels, "component": running.component}, running.count)
        for decision in {one.of: one for one in self._watched.decisions()}.values():
            yield Point(names.DECISION, {**self._labels, "component": decision.of}, decision.after)
        for (alertname, severity), fires in self._alerts.said.items():
            yield Point(names.ALERT_FIRING, {**self._labels, "alertname": alertname, "severity": severity}, fires)
        yield from self._machine()

    def _faults(self) -> Iterator[Point]:
        """A fault that strikes more than once is one series: it bites when any of its strikes does."""
        biting: dict[tuple[str, str], bool] = {}
        for name, target, active in self._watched.strikes():
            biting[name, target] = biting.get((name, target), False) or active
        for (name, target), bites in biting.items():
            yield Point(names.FAULT_ACTIVE, {**self._labels, "fault": name, "target": target}, float(bites))

    def _machine(self) -> Iterator[Point]:
        self._rows += self._pressure.new()
        for metric, more, key in MACHINE:
            if self._rows and self._rows[-1].get(key) is not None:
                yield Point(metric, {**self._labels, **more}, self._rows[-1][key])
        for line in self._spending.new():
            if "roles" in line:
                self._roles = line["roles"]
            else:
                self._spent.append(line)
        yield from cost_points(self._roles, self._spent, self._watched.record.duration_s, self._labels)
