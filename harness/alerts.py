"""Alerts: what a person with a telephone was told during a run, and when. Pure: from notifications to alerts.

A target that watches itself has a component with the role `pager`, which receives Alertmanager's webhooks
(https://prometheus.io/docs/alerting/latest/configuration/#webhook_config) and keeps them with the moment of receipt,
and the heartbeats of the monitoring, from an alert that always fires (a dead man's switch), if it has one.
An alert is one *instance*: a name with its labels, from one moment of starting until it is resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PAGER = "pager"
"""The role of a component that receives alerts and lets itself be read on its `control_port`."""

MONITORING = frozenset({"monitoring", PAGER})
"""The roles without which nobody is told anything: where a fault is aimed at one of them, a run is blind."""

Key = tuple[str, datetime]
"""What tells one instance of an alert from another: its fingerprint, and when it started."""


@dataclass(frozen=True)
class Alert:
    """One instance of an alert. Times are run times (s).

    `starts_s` is when Prometheus held its condition for true, `received_s` when the pager was first told that it
    fires, `resolved_s` when it was told that it does not any more; None: not while anybody listened. `labels` are those
    besides name and severity.
    """

    name: str
    severity: str
    labels: dict[str, str]
    starts_s: float
    received_s: float
    resolved_s: float | None

    @property
    def which(self) -> tuple[str, ...]:
        """Name and labels: equal for two instances of the same alert."""
        return (self.name, self.severity, *(f"{key}={value}" for key, value in sorted(self.labels.items())))


@dataclass(frozen=True)
class Listening:
    """How a run with a pager was listened to.

    `until_s` is the run time (s) up to which notifications were read, None when none were. `carried` names the alerts
    that were firing when the run began: they are not the run's. `blind_because` says why nothing was heard, '' where
    the pager could be read: then silence means that nothing fired. `silent` is when (from, to, run times in s) no
    heartbeat of the monitoring came that should have: nobody would have been told anything then. It is empty where the
    pager knows of no heartbeats.
    """

    until_s: float | None
    carried: list[str] = field(default_factory=list)
    blind_because: str = ""
    silent: list[tuple[float, float]] = field(default_factory=list)


class _Given(BaseModel):
    """Whatever else Alertmanager sends is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Told(_Given):
    """One alert of a notification."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: datetime = Field(alias="startsAt")
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """What the rule calls it."""
        return self.labels.get("alertname", "")

    @property
    def key(self) -> Key:
        """Which instance it is."""
        return self.fingerprint or repr(sorted(self.labels.items())), self.starts_at


class Body(_Given):
    """The body of an Alertmanager webhook, version 4."""

    alerts: list[Told]


class Notification(_Given):
    """One webhook with the moment of its receipt (s since 1970, by the pager's clock)."""

    received: float
    body: Body


class Notifications(_Given):
    """What a pager answers: its clock's moment (s since 1970), and everything received since it was reset."""

    now: float
    notifications: list[Notification]

    def told(self) -> Iterator[tuple[float, Told]]:
        """Yield (moment of receipt, alert), in the order of receipt."""
        for notification in sorted(self.notifications, key=lambda each: each.received):
            for told in notification.body.alerts:
                yield notification.received, told

    def firing(self) -> dict[Key, str]:
        """Return the instances that fire now, with their names: the last that was heard of them."""
        left: dict[Key, str] = {}
        for _, told in self.told():
            left.pop(told.key, None)
            if told.status == "firing":
                left[told.key] = told.name
        return left


class Heartbeats(_Given):
    """When the monitoring gave a sign of life (s since 1970, by the pager's clock)."""

    heartbeats: list[float]


SILENCE_S = 20.0
"""Heartbeats come every few seconds; this long (s), and three times as long as usual, without one is silence."""


def silences(beats: Sequence[float], from_s: float, until_s: float) -> list[tuple[float, float]]:
    """Return the spans (run times, s) between `from_s` and `until_s` in which heartbeats stayed away."""
    inside = [beat for beat in sorted(beats) if from_s <= beat <= until_s]
    usual_s = median(later - beat for beat, later in pairwise(inside)) if len(inside) > 2 else 0.0
    longest_s = max(SILENCE_S, 3 * usual_s)
    return [
        (round(start, 3), round(end, 3))
        for start, end in pairwise([from_s, *inside, until_s])
        if end - start > longest_s
    ]


def alerts_in(heard: Notifications, run_time: Callable[[float], float], carried: Collection[Key] = ()) -> list[Alert]:
    """Return the alerts of a run in the order in which they were received, one for each instance that fired.

    `run_time` turns the pager's clock (s since 1970) into run time (s). Those in `carried` fired before the run began
    and are left out, as is one of which only the end was heard.
    """
    fired: dict[Key, tuple[float, Told]] = {}
    ended: dict[Key, float] = {}
    for received, told in heard.told():
        if told.status == "firing":
            fired.setdefault(told.key, (received, told))
            ended.pop(told.key, None)
        else:
            ended.setdefault(told.key, received)
    return [
        Alert(
            name=told.name,
            severity=told.labels.get("severity", ""),
            labels={key: value for key, value in told.labels.items() if key not in ("alertname", "severity")},
            starts_s=round(run_time(told.starts_at.timestamp()), 3),
            received_s=round(run_time(received), 3),
            resolved_s=round(run_time(ended[key]), 3) if key in ended else None,
        )
        for key, (received, told) in fired.items()
        if key not in carried
    ]
