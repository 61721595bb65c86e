"""What became of a game day, as data: a function of what lies in its folder alone.

plan.json           what was drawn, and from what (`harness.gameday.plan`)
vitals.jsonl        the harness's own memory, handles and threads
<campaign>/         the campaign of the one long run, with its own report
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from harness.campaign_record import FILE as MANIFEST
from harness.campaign_record import CampaignRecord, read_campaign
from harness.checks.anatomy import works_from
from harness.checks.base import ends, scheduled
from harness.gameday import vitals
from harness.gameday.patient import BEGUN
from harness.gameday.plan import FILE as PLAN
from harness.gameday.traffic import GOOD_SHARE
from harness.history import EVENTS, History, read_history
from harness.stored import Unreadable
from harness.summary import run_part

SPENT = "error_budget_spent"
LEFT = "left behind: "
ENOUGH_LOOKS = 10  # at the harness under load, from which on its growth is worth a figure
AS_PLANNED, ABORTED, CUT_OFF = "as planned", "broken off: the error budget was spent", "cut off"


def read_day(folder: Path) -> tuple[dict[str, Any], History]:
    """Return what `gameday.json` says of a day, and its run as far as it was observed. Raises Unreadable."""
    plan = _plan(folder / PLAN)
    campaign, record = _campaign(folder)
    run = campaign / record.runs[0]
    history, events = read_history(run), _events(run / EVENTS)
    ended, because = _ended(history, record, events)
    seen = observed(history) if ended == CUT_OFF else history
    part = run_part(seen).model_dump(mode="json", by_alias=True)
    incidents = _with_costs(_incidents(plan, part["faults"], events), seen)
    why_ill = _ill(seen, record, plan["pace"]["quiet_s"], cut_off=ended == CUT_OFF)
    left = [doubt.removeprefix(LEFT) for doubt in record.void_because if doubt.startswith(LEFT)]
    doubts = [*record.void_because, *history.record.void_because]
    data = {
        **plan,
        "started": record.started,
        "finished": record.finished,
        "git": asdict(record.git),
        "campaign": campaign.name,
        "run": record.runs[0],
        "ended": ended,
        "ended_because": because or "".join(doubts[:1]),
        "lasted_s": _under_load_s(history) if ended == CUT_OFF else history.record.duration_s,
        "judged_s": seen.record.duration_s,
        "healthy": None if ended == CUT_OFF else not why_ill,
        "unhealthy_because": why_ill,
        "valid": not doubts,
        "void_because": doubts,
        "availability": part["availability"],
        "budget": {**plan["budget"], **_spent(plan, seen)},
        "latency_ms": part["latency_ms"],
        "incidents": incidents,
        "not_reached": [one for one in plan["drawn"] if one["number"] not in {i["number"] for i in incidents}],
        "durability": part["durability"],
        "left_behind": left,
        "harness": _harness(vitals.noted(folder)),
    }
    return data, seen


def observed(history: History) -> History:
    """Return that part of a run that was cut off whose arrivals could all end: due a deadline before the last."""
    until_s = max(0.0, _under_load_s(history) - history.record.deadline_s)
    arrivals = history.arrivals
    return History(replace(history.record, duration_s=until_s), arrivals.select(arrivals.due_s < until_s))


def _under_load_s(history: History) -> float:
    """When the last arrival was sent: how long a day that was cut off has lasted."""
    sent = history.arrivals.sent_s[~np.isnan(history.arrivals.sent_s)]
    return float(sent.max()) if len(sent) else 0.0


def _plan(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise Unreadable(path, f"it cannot be read ({error})") from None


def _campaign(folder: Path) -> tuple[Path, CampaignRecord]:
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        record = read_campaign(manifest.parent)
        if record.runs and not manifest.parent.is_symlink():
            return manifest.parent, record
    raise Unreadable(folder, "it holds no campaign with a run")


def _events(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            found.append(json.loads(line))
        except ValueError:  # the last line of a harness that was killed
            continue
    return found


def _ended(history: History, record: CampaignRecord, events: list[dict[str, Any]]) -> tuple[str, str]:
    """How the day ended, and why, where that is not by its plan and the instrument has no doubts about it."""
    generator = history.record.generator
    if generator is None or generator.unsent or record.finished is None:
        return CUT_OFF, ""
    spent = next((event for event in events if event["event"] == SPENT), None)
    if spent is None:
        return AS_PLANNED, ""
    early = next((note for note in history.record.notes if note.startswith("ended early")), "it went on to its end")
    return ABORTED, f"{spent['bad']} arrivals had gone bad by {spent['t_s']:.0f} s; {early}"


def _spent(plan: dict[str, Any], seen: History) -> dict[str, Any]:
    """How many arrivals went bad, as a share of what the day allows, and of what the claim allows for so many."""
    arrivals, budget = scheduled(seen), plan["budget"]
    bad = int(np.count_nonzero(~arrivals.good(seen.record.deadline_s)))
    by_claim = (1 - budget["claimed"]) * len(arrivals)
    return {
        "bad": bad,
        "of": len(arrivals),
        "spent": bad / budget["allowed"] if budget["allowed"] else None,
        "times_the_claim": bad / by_claim if by_claim else None,
    }


def _ill(seen: History, record: CampaignRecord, quiet_s: float, *, cut_off: bool) -> list[str]:
    """Why the target, or the engine, was not well at the day's end; of one that was cut off traffic says nothing."""
    found = [f"{f.name} on {f.aimed_at} was not healed" for f in seen.record.faults if not f.healed]
    arrivals = scheduled(seen)
    last = arrivals.select(arrivals.due_s >= seen.record.duration_s - quiet_s)
    good = int(np.count_nonzero(last.good(seen.record.deadline_s)))
    if cut_off:
        pass
    elif not len(last):
        found.append("there was no traffic at the end")
    elif good < GOOD_SHARE * len(last):
        found.append(f"in the last {quiet_s:g} s only {good} of {len(last)} arrivals were answered well")
    return [*found, *(doubt for doubt in record.void_because if doubt.startswith(LEFT))]


def _incidents(
    plan: dict[str, Any], faults: list[dict[str, Any]], events: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Each incident that struck with its faults, what it cost, and how long it was put off."""
    free, found = list(faults), []
    drawn = {one["number"]: one for one in plan["drawn"]}
    for event in (event for event in events if event["event"] == BEGUN):
        one, mine = drawn[event["number"]], []
        for name, aim in one["faults"]:
            fault = next((f for f in free if (f["name"], f["aimed_at"]) == (name, aim)), None)
            if fault is not None:
                free.remove(fault)
                mine.append(fault)
        found.append({
            **one,
            "struck_s": event["t_s"],
            "put_off_s": round(max(0.0, event["t_s"] - one["planned_s"]), 3),
            "put_off_because": event["put_off_because"],
            "faults": mine,
        })  # fmt: skip
    return found


def _with_costs(incidents: list[dict[str, Any]], seen: History) -> list[dict[str, Any]]:
    """Each incident with what it cost, from its begin to the next one's, in the words of a run's faults.

    A bad arrival is the loss of the last incident that had begun when it was over: what the next one breaks off was
    under way before, and is no relapse of this one.
    """
    arrivals, deadline_s = scheduled(seen), seen.record.deadline_s
    good, over = arrivals.good(deadline_s), ends(arrivals, deadline_s)
    found = []
    for one, later in zip_longest(incidents, incidents[1:]):
        on_s = one["struck_s"]
        end_s = later["struck_s"] if later else max(on_s, seen.record.duration_s)
        off_s = min(end_s, max((fault["off_s"] or end_s for fault in one["faults"]), default=on_s))
        mine = (over > on_s) & ((over <= end_s) | (later is None))
        works_s = works_from(arrivals.due_s[mine], good[mine], off_s, end_s)
        lost = ~good & mine & (arrivals.due_s < (end_s if works_s is None else works_s))
        found.append({
            **one,
            "lost_s": int(np.count_nonzero(lost)) / seen.record.rate_per_s,
            "recovered_after_s": None if works_s is None else works_s - off_s,
            "recovery_censored": works_s is None,
            "watched_s": end_s - off_s,
        })  # fmt: skip
    return found


def _harness(looks: list[vitals.Vitals]) -> dict[str, Any]:
    """The harness before, after, and while there was load; each as it was noted."""
    rows = [asdict(look) for look in looks]
    load = [row for row in rows if row["at"] not in ("before", "after")]
    return {
        "before": next((row for row in rows if row["at"] == "before"), None),
        "first_under_load": load[0] if load else None,
        "last_under_load": load[-1] if load else None,
        "after": next((row for row in rows if row["at"] == "after"), None),
        "most_rss_kb": max((row["rss_kb"] for row in rows), default=None),
        "growth_kb_per_h": _growth([look for look in looks if look.at not in ("before", "after")]),
    }


def _growth(looks: list[vitals.Vitals]) -> float | None:
    """How fast resident memory grew under load (kB an hour, least squares); None where that was too short to say."""
    times = np.array([datetime.fromisoformat(look.time).timestamp() for look in looks])
    if len(times) < ENOUGH_LOOKS:
        return None
    slope, _ = np.polyfit(times - times[0], [look.rss_kb for look in looks], 1)
    return float(slope) * 3600
