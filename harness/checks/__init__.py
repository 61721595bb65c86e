"""Checks: pure functions from a history to a measurement, one file per kind of claim."""

from __future__ import annotations

import math

from harness.checks.alerts import alert_delay, alert_lead, alert_resolved, alerts_fired
from harness.checks.availability import availability, best_place
from harness.checks.base import Check, Parameter
from harness.checks.capacity import UNIT, capacity
from harness.checks.contents import contents_kept
from harness.checks.durability import durability
from harness.checks.latency import latency
from harness.checks.limits import limited_share
from harness.checks.recovery import mitigation, recovery
from harness.checks.told import honest_answers, told_in_time
from harness.checks.under_fault import availability_under_fault
from harness.checks.users import users_served

CHECKS: dict[str, Check] = {
    "availability": Check(availability, "share", by_place=True),
    "availability_of_best_place": Check(best_place, "share"),
    "availability_under_fault": Check(availability_under_fault, "share", needs_fault=True, by_place=True),
    "latency": Check(latency, "s", {"percentile": Parameter(95.0, 0.0, 100.0)}, by_place=True),
    "contents_kept": Check(contents_kept, "share", needs_fault=True),
    "users_served": Check(users_served, "users", {"within_s": Parameter(math.inf, 0.0, math.inf)}),
    "recovery": Check(recovery, "s", {"percentile": Parameter(50.0, 0.0, 100.0)}, needs_fault=True),
    "mitigation": Check(mitigation, "s", {"percentile": Parameter(50.0, 0.0, 100.0)}, needs_fault=True),
    "durability": Check(durability, "share"),
    "told_in_time": Check(told_in_time, "share", {"within_s": Parameter(7.0, 0.0, math.inf)}, needs_fault=True),
    "limited_share": Check(limited_share, "share"),
    "capacity": Check(
        capacity,
        UNIT,
        {
            "good_share": Parameter(0.99, 0.0, 1.0),
            "within_s": Parameter(5.0, 0.0, math.inf),
            "percentile": Parameter(95.0, 0.0, 100.0),
        },
    ),
    "honest_answers": Check(honest_answers, "share", needs_fault=True),
    "alerts_fired": Check(alerts_fired, "alerts"),
    "alert_delay": Check(alert_delay, "s", needs_fault=True),
    "alert_lead": Check(alert_lead, "s", needs_fault=True),
    "alert_resolved": Check(alert_resolved, "s", needs_fault=True),
}
