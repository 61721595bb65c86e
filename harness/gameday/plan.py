"""A game day as it was asked for: read and checked before anything starts, and kept in its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.claims import load_claims
from harness.errors import ConfigError
from harness.experiment import Experiment, Rate, known_experiments
from harness.gameday.schedule import Drawn, Kind, Pace, chances, draw, drawable, times_faster
from harness.gameday.traffic import BURN, Budget, claimed_availability
from harness.projection.incidents import Incident, load_incidents
from harness.stored import write_whole
from harness.target import RightAlerts, Target, find_target

FILE = "plan.json"
NAME = "gameday"
PER_S = 20.0  # arrivals a second: the load of the experiments
WARMUP_S = 3.0
HYPOTHESIS = "Incidents strike one after another, as in a year in fast motion, and the target is well again after each."


@dataclass(frozen=True)
class Day:
    """Everything about a game day that is known before it begins. `left_out`: by the incident's id, why it is not
    drawn from.
    """

    target: Target
    incidents: tuple[Incident, ...]
    kinds: tuple[Kind, ...]
    left_out: dict[str, str]
    drawn: tuple[Drawn, ...]
    pace: Pace
    budget: Budget
    duration_s: float
    seed: int
    command: str

    def experiment(self) -> Experiment:
        """Return the one long run that it is. Its faults strike at their planned moments at the earliest."""
        return Experiment(
            timeline=tuple(at for one in self.drawn for at in one.strikes()),
            load=Rate(PER_S),
            duration_s=self.duration_s,
            warmup_s=WARMUP_S,
            name=NAME,
            hypothesis=HYPOTHESIS,
        )

    def target_today(self) -> Target:
        """Return the target, for which today's right alerts are those of all the experiments that are drawn."""
        names = {one.kind.experiment for one in self.drawn}
        expected = sorted({alert for name in names for alert in self.target.expected_alerts(name)})
        alerts = {**self.target.alerts, NAME: RightAlerts(expected=tuple(expected))} if expected else self.target.alerts
        return self.target.model_copy(update={"alerts": alerts})


def plan_day(
    phase: str,
    minutes: float,
    seed: int,
    pace: Pace,
    *,
    burn: float = BURN,
    claimed: float | None = None,
    incidents: Sequence[Incident] | None = None,
) -> Day:
    """Read and check everything. Raises ConfigError that names what to change."""
    target = find_target(phase)
    rows = tuple(load_incidents() if incidents is None else incidents)
    given = claimed
    if claimed is None:
        claimed = claimed_availability(load_claims(target.folder / "claims.toml", known_experiments()).claims)
    duration_s = minutes * 60
    kinds, left_out = drawable(rows, target)
    drawn = draw(kinds, pace, duration_s=duration_s, seed=seed)
    if not kinds:
        raise ConfigError("PHASE", phase, f"no incident fits the target: {left_out}.", "Name another target.")
    if not drawn:
        problem = f"no incident fits into {minutes:g} minutes with {pace.quiet_s:g} s of quiet before and after it."
        raise ConfigError("MINUTES", f"{minutes:g}", problem, "Take more minutes, or less quiet (QUIET=10).")
    budget = Budget(claimed, round(PER_S * duration_s), burn)
    command = f"make gameday PHASE={phase} MINUTES={minutes:g} SEED={seed}{_options(pace, burn, given)}"
    return Day(target, rows, tuple(kinds), left_out, tuple(drawn), pace, budget, duration_s, seed, command)


def _options(pace: Pace, burn: float, claimed: float | None) -> str:
    usual = Pace()
    words = [
        f"QUIET={pace.quiet_s:g}" if pace.quiet_s != usual.quiet_s else "",
        f"WAIT={pace.wait_s:g}" if pace.wait_s != usual.wait_s else "",
        f"BURN={burn:g}" if burn != BURN else "",
        f"CLAIMED={claimed:g}" if claimed is not None else "",
        "EVENLY=1" if pace.evenly else "",
        "OVERLAP=1" if pace.overlap else "",
    ]
    return "".join(f" {word}" for word in words if word)


def as_data(day: Day) -> dict[str, Any]:
    """Return the plan as what `json.dumps` takes."""
    what = {row.id: row.what for row in day.incidents}
    likely = chances(day.kinds, evenly=day.pace.evenly)
    return {
        "schema": 1,
        "phase": day.target.phase,
        "title": day.target.title,
        "command": day.command,
        "seed": day.seed,
        "duration_s": day.duration_s,
        "per_s": PER_S,
        "pace": asdict(day.pace),
        "budget": {**asdict(day.budget), "allowed": day.budget.allowed},
        "times_faster": times_faster(day.kinds, day.drawn, day.duration_s),
        "drawn_from": [
            {
                "id": kind.incident.id,
                "what": kind.incident.what,
                "experiment": kind.experiment,
                "per_year": kind.per_year,
                "assumed": kind.incident.assumed,
                "chance": chance,
                "drawn": sum(one.kind is kind for one in day.drawn),
            }
            for kind, chance in zip(day.kinds, likely, strict=True)
        ],
        "left_out": [{"id": name, "what": what[name], "because": why} for name, why in day.left_out.items()],
        "drawn": [
            {
                "number": one.number,
                "id": one.kind.incident.id,
                "what": one.kind.incident.what,
                "experiment": one.kind.experiment,
                "planned_s": one.t_s,
                "faults": [[at.fault.name, at.fault.aimed_at] for at in one.kind.strikes],
            }
            for one in day.drawn
        ],
    }


def write_plan(folder: Path, day: Day) -> None:
    """Keep the plan in the day's folder."""
    write_whole(folder / FILE, json.dumps(as_data(day), indent=2, ensure_ascii=False) + "\n")
