"""Which incident strikes when: pure, and the same for the same seed.

*What* strikes is drawn from the yearly rates (`harness/projection/incidents.toml`): an incident that comes ten times as
often is ten times as likely. *When* is a year in fast motion: after each incident the quiet time, and then a wait that
is drawn (exponential, as between incidents that come one by one). How long each lasts is what its experiment says, not
the table's minutes: those would fill a game day with a single outage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import NothingToBreak
from harness.experiment import At, Experiment, load_experiment
from harness.gameday.blast import beyond_limits
from harness.loads import within
from harness.projection.incidents import Incident
from harness.target import Target

QUIET_S, WAIT_S = 20.0, 20.0
MENDS_IN_S = 10.0  # how long a fault is taken to last, in the plan, where mending it is left to the target
YEAR_S = 365.25 * 24 * 3600


@dataclass(frozen=True)
class Pace:
    """How incidents follow each other. `quiet_s`: least time healed and well before the next; `wait_s`: mean of the
    wait drawn after that. `evenly`: each kind is as likely as any other. `overlap`: two may be on at once.
    """

    quiet_s: float = QUIET_S
    wait_s: float = WAIT_S
    evenly: bool = False
    overlap: bool = False

    def __post_init__(self) -> None:
        within("the quiet time (s)", self.quiet_s, least=1, most=3600)
        within("the mean wait (s)", self.wait_s, least=0, most=3600)


@dataclass(frozen=True)
class Kind:
    """An incident that may be drawn: the experiment that stands for it, its faults (`t_s` from the incident's begin),
    and how often all components of the target together have it (`per_year`).
    """

    incident: Incident
    experiment: str
    strikes: tuple[At, ...]
    per_year: float

    @property
    def lasts_s(self) -> float:
        """How long the faults last by the plan (s)."""
        return max(at.t_s + (MENDS_IN_S if at.lasts_s is None else at.lasts_s) for at in self.strikes)


@dataclass(frozen=True)
class Drawn:
    """An incident of the day: the earliest run time (s) at which it may strike."""

    number: int
    kind: Kind
    t_s: float

    def strikes(self) -> tuple[At, ...]:
        """Return its faults at their planned run times."""
        return tuple(replace(at, t_s=self.t_s + at.t_s) for at in self.kind.strikes)


def drawable(
    incidents: Sequence[Incident], target: Target, load: Callable[[str], Experiment] = load_experiment
) -> tuple[list[Kind], dict[str, str]]:
    """Return what may be drawn for this target, and by the incident's id why the others may not."""
    kinds: list[Kind] = []
    left_out: dict[str, str] = {}
    for incident in incidents:
        try:
            kinds.append(_kind(incident, target, load))
        except NothingToBreak as error:
            left_out[incident.id] = error.problem
    return kinds, left_out


def _kind(incident: Incident, target: Target, load: Callable[[str], Experiment]) -> Kind:
    """Take the first experiment that the target has and that keeps within the limits. Raises NothingToBreak."""
    times = 1 if incident.per == "target" else len(target.having(incident.per))
    if times == 0:
        raise NothingToBreak(f"The target has no component with the role '{incident.per}'.")
    why_not = []
    for name in incident.experiments:
        strikes = load(name).strikes()
        try:
            why = target.by_name_only.get(name, "") or ("" if strikes else "it has no fault")
            why = why or beyond_limits([at.fault for at in strikes], target)
        except NothingToBreak as error:
            why = error.problem
        if not why:
            moved = tuple(replace(at, t_s=at.t_s - strikes[0].t_s) for at in strikes)
            return Kind(incident, name, moved, incident.per_year.likely * times)
        why_not.append(f"{name}: {why}")
    raise NothingToBreak(" ".join(part if part.endswith(".") else f"{part}." for part in why_not))


def chances(kinds: Sequence[Kind], *, evenly: bool = False) -> list[float]:
    """Return how likely each is to be the next one."""
    rates = [1.0 if evenly else kind.per_year for kind in kinds]
    return [rate / sum(rates) for rate in rates]


def draw(kinds: Sequence[Kind], pace: Pace, *, duration_s: float, seed: int) -> list[Drawn]:
    """Return the incidents of a day of `duration_s`, in order: each is over, and all quiet, before the day ends."""
    which, when = (np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(2))
    drawn: list[Drawn] = []
    t_s = pace.quiet_s
    while kinds:
        kind = kinds[int(which.choice(len(kinds), p=chances(kinds, evenly=pace.evenly)))]
        t_s += float(when.exponential(pace.wait_s))
        if t_s + kind.lasts_s + pace.quiet_s > duration_s:
            break
        drawn.append(Drawn(len(drawn) + 1, kind, round(t_s, 3)))
        t_s += pace.quiet_s + (0.0 if pace.overlap else kind.lasts_s)
    return drawn


def times_faster(kinds: Sequence[Kind], drawn: Sequence[Drawn], duration_s: float) -> float:
    """Return how many times as often as in a year incidents strike in the day as it is planned."""
    a_year = sum(kind.per_year for kind in kinds)
    return len(drawn) / duration_s * YEAR_S / a_year if a_year else 0.0
