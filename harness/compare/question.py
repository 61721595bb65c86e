"""What a run asked: load, windows, users, faults and their dose. Only equal questions can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from harness.asked import asked_for
from harness.experiment import Experiment
from harness.gate.baseline import asked
from harness.history import RunRecord
from harness.places import PLACES
from harness.target import Target

OF_THE_TARGET = {"containers", "links", "rules", "silent_looks", "replaced", "killed", "disks_full"}
"""Keys of a dose that count what the target has, and so say nothing about what was asked of it."""

WORDS = {
    "rate_per_s": "arrivals a second",
    "warmup_s": "seconds of warm-up",
    "duration_s": "seconds",
    "deadline_s": "deadline (s)",
    "shares": "mix",
    "faults": "faults",
    "dose": "dose of the faults",
    "stretches": "shape of the load",
    "places": "places",
    "abuser_per_s": "the abuser's rate",
    "clients": "clients",
}


def question(record: RunRecord) -> dict[str, Any]:
    """Return what a run asked, in words and numbers that are the same for every target."""
    dose = [[f.name, {k: v for k, v in f.receipt.requested.items() if k not in OF_THE_TARGET}] for f in record.faults]
    found = {**asked(record), "clients": record.clients, "dose": dose}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def question_now(experiment: Experiment, target: Target) -> dict[str, Any]:
    """Return what the experiment asks of this target today; the dose, which only a receipt tells, is left out."""
    record = asked_for(experiment, target, run="", repeat=1, seed=0, started="")
    strikes = [
        [at.fault.name, at.fault.aimed_at, at.t_s, None if at.lasts_s is None else at.t_s + at.lasts_s]
        for at in experiment.strikes()
    ]
    places = {"places": list(PLACES)} if experiment.places else {}
    found = {**asked(record), "clients": record.clients, "faults": strikes, **places}
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def fingerprint(asks: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits that two questions share when they are the same."""
    text = json.dumps(asks, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def differences(before: Mapping[str, Any], after: Mapping[str, Any], leave: frozenset[str] = frozenset()) -> list[str]:
    """Return in what two questions differ, one phrase each: 'arrivals a second: 9.09, 90.9'."""
    keys = [key for key in {**before, **after} if key not in leave and before.get(key) != after.get(key)]
    return [f"{WORDS.get(key, key)}: {_short(before.get(key))}, {_short(after.get(key))}" for key in keys]


def is_stale(record: RunRecord, experiment: Experiment, target: Target) -> list[str]:
    """Return in what a stored run differs from what the experiment asks today; [] when it is the same."""
    return differences(question(record), question_now(experiment, target), frozenset({"dose"}))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return f"[{'; '.join(_short(each) for each in value)}]"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(each)}" for key, each in value.items()) or "none"
    return "none" if value is None else str(value)
