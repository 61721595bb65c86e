"""What really became of every arrival, from the plan and the script alone: nothing measured goes in here.

An arrival reaches the server when it is due. It is good when

1. the server listens at that moment (no `refused` is on),
2. its fate (`Script.fate`) is a right answer: healthy, or merely slow,
3. that answer comes within the deadline, and
4. no `refused` begins while the answer is still under way, which would break it off.

In truth an arrival reaches the server a little later, by the generator's lateness and the way there. Only arrivals
due that close to an edge can be measured otherwise than they are counted here: that is the error calibration shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.calibration.script import Episode, Form, Script
from harness.history import Bools, Floats


def true_good(due_s: Floats, script: Script) -> Bools:
    """Return which arrivals are good; `due_s` is the plan's column (s of run time), its order is their `seq`."""
    return np.array([_good(due, seq, script) for seq, due in enumerate(due_s.tolist())], dtype=np.bool_)


def _good(due_s: float, seq: int, script: Script) -> bool:
    if any(episode.on(due_s) for episode in _closed(script)):
        return False
    return _answered(due_s, script.answered_after_s(script.fate(due_s, seq)), script)


def _answered(due_s: float, after_s: float | None, script: Script) -> bool:
    """Points 2 to 4 of the module's docstring, for an answer that takes `after_s` seconds (None: there is none)."""
    if after_s is None or after_s > script.deadline_s:
        return False
    return not any(due_s < episode.start_s < due_s + after_s for episode in _closed(script))


def _closed(script: Script) -> list[Episode]:
    return [episode for episode in script.episodes if episode.form is Form.REFUSED]


@dataclass(frozen=True)
class Outage:
    """A stretch of run time (s) in which every arrival is bad, with clearly good times before and after it."""

    start_s: float
    end_s: float
    form: str

    @property
    def lasts_s(self) -> float:
        """How long it is (s)."""
        return self.end_s - self.start_s


def bad_share(script: Script, t_s: float) -> float:
    """Return the chance that an arrival due at `t_s` is bad, whoever it is."""
    if any(episode.on(t_s) for episode in _closed(script)):
        return 1.0
    bad, left = 0.0, 1.0
    for index, episode in enumerate(script.episodes):
        if episode.on(t_s):
            bad += 0.0 if _answered(t_s, script.answered_after_s(index), script) else left * episode.share
            left *= 1 - episode.share
    bad += 0.0 if _answered(t_s, script.service_s, script) else left
    return round(bad, 9)


def true_outages(script: Script, clear_s: float) -> list[Outage]:
    """Return the outages whose two edges can be told: total inside, and `clear_s` seconds all good on either side.

    An outage at the very beginning or end of the run has only one edge, and is left out.
    """
    outages: list[Outage] = []
    pieces = _pieces(script)
    for place, (start_s, end_s, bad) in enumerate(pieces):
        if bad < 1 or place in (0, len(pieces) - 1):
            continue
        before, after = pieces[place - 1], pieces[place + 1]
        if before[2] == 0 and after[2] == 0 and min(before[1] - before[0], after[1] - after[0]) >= clear_s:
            forms = dict.fromkeys(str(e.form) for e in script.episodes if e.start_s < end_s and e.end_s > start_s)
            outages.append(Outage(start_s, end_s, "+".join(forms)))
    return outages


def _pieces(script: Script) -> list[tuple[float, float, float]]:
    """Cut the run into (start, end, bad share), neighbours of one share joined."""
    edges = {0.0, script.duration_s} | {edge for e in script.episodes for edge in (e.start_s, e.end_s)}
    # Answers under way when the socket closes are lost: the harm begins as much earlier as answers take.
    takes = {script.service_s} | {script.service_s + (e.seconds or 0.0) for e in script.episodes}
    edges |= {episode.start_s - after_s for episode in _closed(script) for after_s in takes}
    cuts = sorted(edge for edge in edges if 0 <= edge <= script.duration_s)
    pieces: list[tuple[float, float, float]] = []
    for start_s, end_s in pairwise(cuts):
        bad = bad_share(script, (start_s + end_s) / 2)
        joined_s = pieces.pop()[0] if pieces and pieces[-1][2] == bad else start_s
        pieces.append((joined_s, end_s, bad))
    return pieces
