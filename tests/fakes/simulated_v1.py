"""A v1 that is made of random numbers: its runs differ as real ones do, and what is wrong with it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.gate.decide import Pairs
from harness.gate.figures import run_figures
from harness.history import History, Kind, Outcome
from tests.fakes.histories import fault, history

ROUND_TRIPS = {Kind.READ: 2, Kind.CHAT: 6, Kind.STREAM: 7}
TAKES_S = {Kind.READ: 0.008, Kind.CHAT: 0.70, Kind.STREAM: 0.85}


@dataclass(frozen=True)
class SimulatedV1:
    """`database_s` is added to every round trip, time-outs are the app's own towards its provider; all in seconds.

    The provider draws its times from a seed, as the real simulator does, so that they are the same in both runs of a
    pair. `noise` is the relative spread of everything's speed from run to run; the real one was seen at 0.5 %.
    """

    database_s: float = 0.0
    plain_timeout_s: float = 30.0
    stream_timeout_s: float = 15.0
    boot_s: float = 1.2
    noise: float = 0.01

    def run(self, experiment: str, repeat: int, random: np.random.Generator) -> History:
        """Return one run of it. Arrivals and kinds come from the repeat, as from a seed; the rest is chance."""
        if experiment == "provider_hangs":
            return self._hang(repeat, random)
        if experiment == "app_crash":
            back_s = 8 + self.boot_s * random.lognormal(0, 0.15)
            crash = fault(8.0, 8.4, planned_off_s=None)
            return self._failing(self._calm(experiment, repeat, random, faults=[crash]), 8, back_s, 0.05)
        return self._calm(experiment, repeat, random)

    def _calm(self, experiment: str, repeat: int, random: np.random.Generator, **given: object) -> History:
        run = history(experiment=experiment, repeat=repeat, **given)  # type: ignore[arg-type]
        arrivals, speed = run.arrivals, random.lognormal(0, self.noise)
        takes_s = np.zeros(len(arrivals))
        for kind, typical_s in TAKES_S.items():
            mine = arrivals.kind == kind.value
            count = int(mine.sum())
            drawn = np.random.default_rng([repeat, ROUND_TRIPS[kind]]).lognormal(0, 0.35, count)
            takes_s[mine] = typical_s * speed * drawn + ROUND_TRIPS[kind] * self.database_s
            takes_s[mine] += random.exponential(0.004, count)
        arrivals = replace(arrivals, ended_s=arrivals.due_s + takes_s, first_byte_s=arrivals.due_s + 0.4 * takes_s)
        return replace(run, arrivals=arrivals)

    def _failing(self, run: History, start_s: float, end_s: float, after_s: float) -> History:
        arrivals = run.arrivals
        struck = (arrivals.due_s >= start_s) & (arrivals.due_s < end_s)
        outcome = np.where(struck, Outcome.REFUSED.value, arrivals.outcome).astype(object)
        ended_s = np.where(struck, arrivals.due_s + after_s, arrivals.ended_s)
        return replace(run, arrivals=replace(arrivals, outcome=outcome, ended_s=ended_s))

    def _hang(self, repeat: int, random: np.random.Generator) -> History:
        hang = fault(5.0, 9.0, name="provider_hang", planned_off_s=9.0)
        run = self._calm("provider_hangs", repeat, random, faults=[hang], duration_s=14.0, deadline_s=34.0)
        arrivals = run.arrivals
        on = (arrivals.due_s >= 5) & (arrivals.due_s < 9)
        outcome, ended_s = arrivals.outcome.copy(), arrivals.ended_s.copy()
        for kind, timeout_s in ((Kind.CHAT, self.plain_timeout_s), (Kind.STREAM, self.stream_timeout_s)):
            hangs = on & (arrivals.kind == kind.value)
            outcome[hangs] = Outcome.HTTP_ERROR.value
            ended_s[hangs] = arrivals.due_s[hangs] + timeout_s + random.uniform(0, 0.02, int(hangs.sum()))
        return replace(run, arrivals=replace(arrivals, outcome=outcome, ended_s=ended_s))


EXPERIMENTS = ("control", "app_crash", "provider_hangs")


def verification(
    before: SimulatedV1, after: SimulatedV1, seed: int, repeats: int = 3, experiments: Sequence[str] = EXPERIMENTS
) -> list[Pairs]:
    """Return what one `make verify` would compare."""
    random, found = np.random.default_rng(seed), []
    for name in experiments:
        old = [run_figures(before.run(name, k, random)) for k in range(1, repeats + 1)]
        new = [run_figures(after.run(name, k, random)) for k in range(1, repeats + 1)]
        found.append(Pairs(name, name != "control", old, new))
    return found
